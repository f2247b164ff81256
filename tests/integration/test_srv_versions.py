"""Payments through both modules in all versions. One card range for each, and one where only an older version is common."""
import pytest

from lab.httpd import CHALLENGE
from lab.payment import Payment

VERSIONS = ["2.1.0", "2.2.0", "2.3.1"]
# the digit before the last nine tells the ACS's versions
RANGES = {"2.1.0": "0", "2.2.0": "2", "2.3.1": "3", "2.1.0,2.3.1": "4", "2.3.1-2.3.1": "5"}


def span(mark, low):
    return f"4000{mark}{low * 11}"


NODE = dict(supported="2.1.0,2.2.0,2.3.1", card_ranges=(("4000000000000000", "4000599999999999"),),
            srv_ranges=tuple((span(d, "0"), span(d, "9"), v) for v, d in RANGES.items()),
            rules=('frictionless "%{AREQ:purchaseAmount} == \'1\'"', 'challenge "true"'))


def pan(of):
    return CHALLENGE[:4] + RANGES[of] + CHALLENGE[5:]


CARDS = {pan(v): (None, "active", "+4915112341234", "en") for v in RANGES}
NODE["cards"] = CARDS


@pytest.mark.parametrize("v", VERSIONS)
def test_frictionless(lab, node, v):
    """[CR-003] and what S-62 hands on"""
    p = Payment(lab, pan(v), node, purchaseAmount="1")
    assert (p.answer["messageVersion"], p.answer["transStatus"], p.answer["state"]) == (v, "Y", "FINAL"), p.answer
    areq = lab.ds.records.all("areq", threeDSServerTransID=p.id)[-1]
    message = areq["message"]
    assert message["messageVersion"] == v
    # The same request, in the shape of the version.
    assert message["threeDSRequestorChallengeInd"] == (["01"] if v == "2.3.1" else "01")
    assert ("browserJavascriptEnabled" in message) == (v != "2.1.0")
    new = {k: message.get(k) for k in ("acquirerCountryCode", "acquirerCountryCodeSource", "acceptLanguage")}
    assert new == ({"acquirerCountryCode": "276", "acquirerCountryCodeSource": "01", "acceptLanguage": ["en"]}
                   if v == "2.3.1" else dict.fromkeys(new))
    assert areq["headers"].get("x-request-id") == (p.id if v == "2.3.1" else None)  # [CT-016]


@pytest.mark.parametrize("v", VERSIONS)
def test_challenge(lab, node, v):
    p = Payment(lab, pan(v), node)
    assert (p.answer["messageVersion"], p.answer["transStatus"]) == (v, "C"), p.answer
    p.open()
    p.press(otp=p.otp())
    p.settle()
    assert p.message() == {"messageType": "CRes", "messageVersion": v, "threeDSServerTransID": p.id,
                           "acsTransID": p.acs_id, "transStatus": "Y"}
    p.back()
    result = p.result()
    assert (result["state"], result["transStatus"], result["interactionCounter"]) == ("FINAL", "Y", "01")
    assert result.get("authenticationMethod") == (["02"] if v == "2.3.1" else None)
    assert result.get("authenticationType") == (None if v == "2.3.1" else "02")
    rres = lab.ds.records.all("3dss_answer", threeDSServerTransID=p.id)[-1]
    trace = {k: rres["headers"].get(k) for k in ("x-request-id", "x-response-id")}
    if v == "2.3.1":  # [CT-017]
        assert trace == {"x-request-id": p.answer["dsTransID"], "x-response-id": p.id}
    else:
        assert trace == {"x-request-id": None, "x-response-id": None}


def test_what_all_can(lab, module_node, logs):
    """[S-21] [CR-002] [CR-003]: the DS has no 2.3.1, one range nothing else, another 2.1.0 as well."""
    node = lab.node("older-ds", **dict(NODE, srv_ds=["ThreeDSDSVersions 2.1.0-2.2.0"]))
    try:
        p = Payment(lab, pan("2.1.0,2.3.1"), node, purchaseAmount="1")
        assert (p.answer["messageVersion"], p.answer["transStatus"]) == ("2.1.0", "Y")
        logs.expect("SRV0010")
        made = lab.requestor(node).create(pan("2.3.1-2.3.1"))
        assert made.status == 422 and made.json()["errorCode"] == "102", made
    finally:
        lab.drop(node)
