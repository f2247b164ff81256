"""The ACS in all versions and channels: what differs from 2.2.0 in a browser. Faults of messages one by one are the affair
of the golden corpus and of the conformance cases."""
import json

import pytest

from lab.challenge import Challenge
from lab.httpd import CHALLENGE, FRICTIONLESS
from sim import messages

NODE = dict(srv=False, supported="2.1.0,2.2.0,2.3.1")
VERSIONS = ["2.1.0", "2.2.0", "2.3.1"]

IN_231 = {"messageVersion": "2.3.1", "threeDSRequestorChallengeInd": ["01"], "acceptLanguage": ["en"],
          "acquirerCountryCode": "276", "acquirerCountryCodeSource": "01"}
NO_BROWSER = dict.fromkeys(k for k in messages.browser() if k.startswith("browser"))
# the point of RFC 7517, appendix A.1
KEY = {"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
       "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}


def version(v):
    """What an AReq of that version has more, other, or not (None)."""
    if v == "2.3.1":
        return IN_231
    return {"messageVersion": v, **({"browserJavascriptEnabled": None} if v == "2.1.0" else {})}


def app(v):
    return {**NO_BROWSER, "deviceChannel": "01", "notificationURL": None, "threeDSCompInd": None,
            "deviceInfo": messages.b64url({"DV": "1.1", "DD": {}}), "sdkAppID": messages.new_id(),
            "deviceRenderOptions": {"sdkInterface": "03", "sdkUiType": ["01", "02", "05"]},
            "sdkMaxTimeout": "05", "sdkReferenceNumber": "3DS_LOA_SDK_TEST_020200_00001", "sdkTransID": messages.new_id(),
            "sdkEphemPubKey": KEY,
            **({"sdkType": "01", "defaultSdkType": {"sdkVariant": "01"}, "appIp": "192.0.2.10", "acceptLanguage": None}
               if v == "2.3.1" else {})}


def requestor_initiated():
    return {**NO_BROWSER, "deviceChannel": "03", "notificationURL": None, "threeDSCompInd": None, "threeRIInd": "04",
            "threeDSRequestorAuthenticationInd": None, "threeDSRequestorChallengeInd": None, "acceptLanguage": None}


def send(lab, node, pan, *changes):
    over = {}
    for change in changes:
        over.update(change)
    areq = lab.areq(pan, **over)
    answer = lab.ds.post_acs(areq, url=node.areq_url)
    return areq, answer, answer.json()


@pytest.mark.parametrize("v", VERSIONS)
@pytest.mark.parametrize("channel", ["browser", "app", "3ri"])
@pytest.mark.parametrize("category", ["01", "02"])
def test_frictionless(lab, node, logs, v, channel, category):
    """[A-ARES-01] [A-ARES-03] [A-3RI-01]"""
    change = {"browser": {}, "app": app(v), "3ri": requestor_initiated()}[channel]
    refused = v == "2.1.0" and channel == "3ri" and category == "01"
    if refused:
        logs.expect("ACS0063")
    areq, answer, ares = send(lab, node, FRICTIONLESS, version(v), change, {"messageCategory": category})
    if refused:
        assert (ares["errorCode"], ares["errorDetail"]) == ("203", "messageCategory"), ares
        return
    assert ares["messageType"] == "ARes", ares
    assert ares["messageVersion"] == v and ares["transStatus"] == "Y"
    for name in ("threeDSServerTransID", "dsTransID", "dsReferenceNumber") + (("sdkTransID",) if channel == "app" else ()):
        assert ares[name] == areq[name]
    assert ("authenticationValue" in ares) == (category == "01")
    assert ("deviceInfoRecognisedVersion" in ares) == (channel == "app" and v == "2.3.1")
    assert ("threeDSRequestorAppURLInd" in ares) == (channel == "app" and v == "2.3.1")
    trace = {k: answer.headers.get(k) for k in ("x-request-id", "x-response-id")}
    if v == "2.3.1":  # [X-HTTP-09]
        assert trace == {"x-request-id": areq["dsTransID"], "x-response-id": ares["acsTransID"]}
    else:
        assert trace == {"x-request-id": None, "x-response-id": None}


@pytest.mark.parametrize("v", VERSIONS)
def test_no_challenge_in_an_app(lab, node, v):
    """[A-AREQ-31]"""
    _, _, ares = send(lab, node, CHALLENGE, version(v), app(v))
    assert (ares["transStatus"], ares["transStatusReason"]) == ("U", "03"), ares


@pytest.mark.parametrize("v", VERSIONS)
def test_point_not_on_the_curve(lab, node, logs, v):
    """[CA-060] [A-AREQ-20]"""
    logs.expect("ACS0063")
    _, _, erro = send(lab, node, FRICTIONLESS, version(v), app(v), {"sdkEphemPubKey": {**KEY, "x": KEY["y"]}})
    assert (erro["errorCode"], erro["errorDetail"]) == ("203", "sdkEphemPubKey"), erro


@pytest.mark.parametrize("v", VERSIONS)
def test_challenge(lab, node, v):
    """[A-ARES-06] [R-04] [R-17]"""
    c = Challenge(lab, CHALLENGE, **version(v))
    how = {"authenticationMethod": ["02"]} if v == "2.3.1" else {"authenticationType": "02"}
    assert c.ares["transStatus"] == "C" and how.items() <= c.ares.items(), c.ares
    c.open()
    c.press(otp=c.otp())
    rreq = c.rreq()
    assert rreq["messageVersion"] == v and rreq["transStatus"] == "Y" and how.items() <= rreq.items()
    assert c.message()["transStatus"] == "Y"


@pytest.mark.parametrize("v", VERSIONS)
def test_bad_creq(lab, node, logs, v):
    """[R-06] [B-20] [E-203]"""
    logs.expect("ACS0091")
    c = Challenge(lab, CHALLENGE, **version(v))
    c.open(c.creq(challengeWindowSize="06"))
    erro = c.message()
    assert (erro["errorCode"], erro["errorDetail"]) == ("203", "challengeWindowSize")
    rreq = c.rreq()
    assert (rreq["transStatus"], rreq["transStatusReason"]) == ("U", "07")
    assert rreq["challengeCancel"] == ("10" if v == "2.3.1" else "06")
    assert rreq.get("challengeErrorReporting") == (erro if v == "2.3.1" else None)


def test_creq_again(lab, node):
    """[B-31] the page again; the first session data stays"""
    c = Challenge(lab, CHALLENGE, **version("2.3.1"))
    c.open()
    otp = c.otp()
    c.session = "YW5vdGhlcg"
    again = dict(reversed(list(c.creq().items())))
    page = c.open(json.loads(json.dumps(again, indent=2)))
    assert page.status == 200 and c.otp() == otp
    c.press(otp=otp)
    assert c.message()["transStatus"] == "Y"
    assert c.rreq()["interactionCounter"] == "01"


def test_another_creq(lab, node, logs):
    """[B-32]"""
    logs.expect("ACS0091")
    c = Challenge(lab, CHALLENGE, **version("2.3.1"))
    c.open()
    c.open(c.creq(window="05"))
    erro = c.message()
    assert (erro["errorCode"], erro["errorDetail"]) == ("305", "acsTransID")
    rreq = c.rreq()
    assert (rreq["transStatus"], rreq["challengeCancel"]) == ("U", "10") and rreq["challengeErrorReporting"] == erro
    assert len(c.rreqs()) == 1


def test_creq_after_the_end(lab, node, logs):
    """[B-33]"""
    logs.expect("ACS0091")
    c = Challenge(lab, CHALLENGE, **version("2.3.1"))
    c.open()
    c.press(otp=c.otp())
    c.rreq()
    c.open()
    assert (c.message()["errorCode"], c.message()["errorDetail"]) == ("315", "acsTransID")
    assert len(c.rreqs()) == 1


def test_rreq_trace(lab, node):
    """[X-HTTP-09]"""
    c = Challenge(lab, CHALLENGE, **version("2.3.1"))
    c.open()
    c.press(otp=c.otp())
    c.rreq()
    record = lab.ds.records.all("rreq", acsTransID=c.id)[-1]
    assert record["headers"]["x-request-id"] == c.id
