"""The issuer's systems in a server: asked, signed, slow, dead, wrong, flooding; and their calls to us."""
import json
import time

import pytest
from lab.challenge import Challenge
from lab.httpd import CHALLENGE, FRICTIONLESS
from sim import messages

NODE = dict(
    srv=False, supported="2.1.0,2.2.0,2.3.1", card_source="hook", threads=64, children=1,
    hooks=("card within=500ms failures=1000 fallback=attempt", "risk within=500ms failures=1000", "delegate", "oob", "decoupled",
           "notice", "trust within=500ms"),
    rules=("decoupled \"%{CARD:group} == 'decoupled'\"", "challenge:oob \"%{CARD:group} == 'oob'\"",
           "challenge:delegate \"%{CARD:group} == 'delegate'\"", "reject \"%{RISK_OPT:score} -gt 900\"",
           "challenge \"%{CARD:group} == 'otp'\"", "frictionless \"true\""),
    issuer=["ACSChallengeMethods otp delegate oob", "ACSTrustList hook", "ACSDecoupledMin 1s"],
    acs_ds=["ACSAReqWithin 3s"], main=["ACSRetryInterval 1s"])


@pytest.fixture(autouse=True)
def quiet(lab, logs):
    """A notice that a fault met is repeated during the tests that follow."""
    logs.expect("ACS0110", "ACS0111", r"\[proxy")


def card(group, **more):
    return lambda message: {"status": "active", "group": group, **more, "cardholder": {
        "ref": "c-" + group, "phone": "+491700001234", **more.get("cardholder", {})}}


def areq(lab, pan=CHALLENGE, **over):
    return lab.ds.post_acs(lab.areq(pan, **over)).json()


def call(lab, node, method, path, message=None, **kw):
    return lab.issuer.call(lab.client(), node.issuer_url, method, path, message, **kw)


# --- asked

def test_card(lab, node):
    lab.issuer.answers["card"] = card("gold", trustListStatus="Y")
    ares = areq(lab)
    assert ares["transStatus"] == "Y" and ares["whiteListStatus"] == "Y" and ares["whiteListStatusSource"] == "03"
    record = lab.issuer.wait("card")[-1]
    assert record["signed"] and record["message"]["acctNumber"] == CHALLENGE
    assert record["message"]["acsTransID"] == ares["acsTransID"]
    assert 0 < int(record["headers"]["x-deadline-ms"]) <= 500
    assert record["headers"]["acs-issuer"] == "bank"


def test_unknown_card(lab, node):
    lab.issuer.answers["card"] = None
    assert areq(lab)["transStatusReason"] == "08"


def test_risk_decides(lab, node):
    lab.issuer.answers["risk"] = {"decision": "whatever", "score": 901}
    assert areq(lab)["transStatus"] == "R"
    sent = lab.issuer.wait("risk")[-1]["message"]
    assert CHALLENGE not in json.dumps(sent) and sent["areq"]["purchaseAmount"]
    lab.issuer.answers["risk"] = {"score": 899}
    assert areq(lab)["transStatus"] == "Y"


def test_notice(lab, node, logs):
    logs.expect("ACS0110")
    message = lab.areq(CHALLENGE)
    lab.issuer.fault("notice", "status", status=500, match={"dsTransID": message["dsTransID"]})
    ares = lab.ds.post_acs(message).json()
    found = lab.issuer.wait("notice", 15, 2, acsTransID=ares["acsTransID"])  # again until it is taken
    assert found[-1]["signed"] and found[-1]["message"]["transStatus"] == "Y"
    assert found[0]["message"] == found[1]["message"]


# --- slow, dead, wrong

FAULTS = {
    "silent": dict(kind="silent"), "slow": dict(kind="delay", seconds=2), "closed": dict(kind="close"),
    "cut": dict(kind="cut"), "drip": dict(kind="drip", seconds=0.2), "error": dict(kind="status", status=500),
    "html": dict(kind="html"), "nonsense": dict(kind="nonsense"), "huge": dict(kind="huge", size=10_000_000),
    "redirect": dict(kind="status", status=302), "bomb": dict(kind="bomb", size=50_000_000)}


@pytest.mark.parametrize("name", FAULTS)
def test_card_faults(lab, node, logs, name):
    """A2: in time, and the configured fallback: stand-in, with a value."""
    logs.expect("ACS0110", r"\[proxy", r"\[deflate")
    lab.issuer.answers["card"] = card("gold")
    lab.issuer.fault("card", n=-1, **FAULTS[name])
    start = time.monotonic()
    ares = areq(lab)
    assert time.monotonic() - start < 2.5
    assert ares["transStatus"] == "A" and ares["authenticationValue"]


@pytest.mark.parametrize("how", ["refused", "tls_hang", "wrong_cert", "reset"])
def test_card_system_dead(lab, node, logs, how):
    logs.expect("ACS0110", r"\[proxy", r"\[ssl")
    if how == "refused":
        lab.issuer.refuse()
    else:
        lab.issuer.fault("connect", how, n=-1, **({"cert": "foreign-server"} if how == "wrong_cert" else {"seconds": 10}))
    for server in lab.issuer.servers:
        server.drop_connections()
    try:
        start = time.monotonic()
        ares = areq(lab)
        took = time.monotonic() - start
    finally:
        lab.issuer.faults.clear()
        lab.issuer.resume()
    assert ares["transStatus"] == "A", ares
    assert took < 3, took


def test_risk_faults(lab, node, logs):
    """Its fallback is the rules, without it."""
    logs.expect("ACS0110", r"\[proxy")
    lab.issuer.fault("risk", "silent", n=-1)
    assert areq(lab)["transStatus"] == "Y"


# --- challenges

def test_delegate(lab, node):
    lab.issuer.answers["card"] = card("delegate")
    challenge = Challenge(lab, CHALLENGE)
    challenge.open()
    assert lab.issuer.wait("delegate/send")[-1]["message"]["cardholder"] == "c-delegate"
    challenge.page = challenge.browser.submit(challenge.page.form(with_field="token"), button="submit", otp="111111")
    assert challenge.page.form(with_field="token")
    lab.issuer.answers["delegate/verify"] = {"result": "right"}
    challenge.page = challenge.browser.submit(challenge.page.form(with_field="token"), button="submit", otp="222222")
    assert challenge.message()["transStatus"] == "Y"
    assert challenge.rreq()["interactionCounter"] == "02"
    assert lab.issuer.records.all("delegate/verify")[-1]["message"]["code"] == "222222"


def oob_page(lab):
    lab.issuer.answers["card"] = card("oob")
    challenge = Challenge(lab, CHALLENGE)
    assert challenge.ares["authenticationType"] == "03"
    challenge.open()
    return challenge


def press(challenge, button="submit"):
    challenge.page = challenge.browser.submit(challenge.page.form(with_field="token"), button=button)


def test_oob_called_back(lab, node):
    challenge = oob_page(lab)
    url = lab.issuer.wait("oob/start")[-1]["message"]["callbackURL"]
    assert url == f"{node.issuer_url}/oob/{challenge.id}"
    press(challenge)
    assert challenge.page.form(with_field="token")  # too early
    assert call(lab, node, "POST", f"/oob/{challenge.id}", {"status": "ACCEPTED"}).status == 200
    press(challenge)
    assert challenge.message()["transStatus"] == "Y"
    assert challenge.rreq()["transStatus"] == "Y"


def test_oob_polled(lab, node):
    challenge = oob_page(lab)
    lab.issuer.answers["oob/status"] = {"status": "DECLINED"}
    press(challenge)
    assert challenge.message()["transStatus"] == "N"
    assert challenge.rreq()["transStatusReason"] == "01"


def test_oob_cancelled(lab, node):
    challenge = oob_page(lab)
    press(challenge, "cancel")
    assert challenge.message()["transStatus"] == "N"
    assert lab.issuer.wait("oob/cancel", 10, acsTransID=challenge.id)[-1]["message"]["reason"] == "CANCEL"


# --- calls to us

def test_calls_refused(lab, node, logs):
    challenge = oob_page(lab)
    path = f"/oob/{challenge.id}"
    logs.expect("ACS0160")
    accepted = {"status": "ACCEPTED"}
    assert call(lab, node, "POST", path, accepted, key="").status == 401           # not signed
    assert call(lab, node, "POST", path, accepted, key="ff" * 32).status == 401    # another key
    assert call(lab, node, "POST", path, accepted, issuer="nobody").status == 401
    assert lab.client().request("POST", node.issuer_url + path, b"{}").status == 401
    assert call(lab, node, "POST", path, {"status": "PERHAPS"}).status == 400
    assert call(lab, node, "POST", f"/decoupled/{challenge.id}", accepted).status == 404
    assert call(lab, node, "POST", f"/oob/{messages.new_id()}", accepted).status == 404
    assert call(lab, node, "POST", path, accepted).status == 200
    assert call(lab, node, "POST", path, accepted).status == 200                   # twice
    assert call(lab, node, "POST", path, {"status": "DECLINED"}).status == 409
    press(challenge)
    assert challenge.message()["transStatus"] == "Y"
    assert call(lab, node, "POST", path, {"status": "DECLINED"}).status == 409     # closed
    assert len(challenge.rreqs()) == 1


def test_replayed_late(lab, node, logs):
    """A signature is worth five minutes."""
    from sim import issuer
    challenge = oob_page(lab)
    logs.expect("ACS0160")
    body = b'{"status": "ACCEPTED"}'
    target = f"/acs/issuer/oob/{challenge.id}"
    for off in (-301, 301):
        head = {"ACS-Issuer": "bank", "ACS-Signature": issuer.signature(lab.issuer.key, "POST", target, body, time.time() + off)}
        assert lab.client().request("POST", f"{node.issuer_url}/oob/{challenge.id}", body, head).status == 401


def test_look_up(lab, node):
    challenge = oob_page(lab)
    answer = call(lab, node, "GET", f"/transactions/{challenge.id}")
    doc = answer.json()
    assert answer.status == 200 and doc["state"] == "INTERACT" and doc["method"] == "oob" and doc["cardholder"] == "c-oob"
    assert CHALLENGE not in answer.text and "+4917" not in answer.text
    assert call(lab, node, "GET", f"/transactions/{messages.new_id()}").status == 404


# --- decoupled

def decoupled(lab, minutes="00010", **over):
    lab.issuer.answers["card"] = card("decoupled")
    lab.ds.answers_rreq = messages.rres
    message = lab.areq(CHALLENGE, threeDSRequestorDecReqInd="Y", threeDSRequestorDecMaxTime=minutes, **over)
    ares = lab.ds.post_acs(message).json()
    lab.ds.transactions[message["threeDSServerTransID"]] = dict(message, acsTransID=ares.get("acsTransID"))
    return ares


def test_decoupled(lab, node):
    ares = decoupled(lab)
    assert ares["transStatus"] == "D" and ares["acsDecConInd"] == "Y" and ares["authenticationType"] == "04"
    started = lab.issuer.wait("decoupled/start", 10, acsTransID=ares["acsTransID"])[-1]["message"]
    assert started["cardholder"] == "c-decoupled" and started["merchantName"]
    at = time.monotonic()
    assert call(lab, node, "POST", f"/decoupled/{ares['acsTransID']}", {"status": "ACCEPTED"}).status == 200
    assert time.monotonic() - at < 1  # the caller does not wait for the DS
    rreq = lab.ds.wait("rreq", 10, acsTransID=ares["acsTransID"])[-1]["message"]
    assert rreq["transStatus"] == "Y" and "interactionCounter" not in rreq and rreq["authenticationValue"]


def test_decoupled_start_is_repeated(lab, node, logs):
    logs.expect("ACS0110", "ACS0111", r"\[proxy")
    lab.issuer.fault("decoupled/start", "status", n=2, status=503)
    ares = decoupled(lab)
    lab.issuer.wait("decoupled/start", 20, 3, acsTransID=ares["acsTransID"])
