"""The ACS's browser challenge, by a scriptless browser. Case ids in brackets are those of the conformance table."""
import json
import time

import pytest

from lab.challenge import SESSION, Challenge
from lab.httpd import BLOCKED, CHALLENGE, FRICTIONLESS, GERMAN, NOT_ENROLLED, REJECT, UNKNOWN
from sim import messages

NODE = dict(srv=False)


@pytest.fixture
def challenge(lab, node):
    """A challenge whose first page is open."""
    c = Challenge(lab, CHALLENGE)
    assert c.ares["transStatus"] == "C", c.ares
    c.open()
    return c


# --- AReq to ARes

def test_frictionless(lab, node):
    """[CO-001]"""
    c = Challenge(lab, FRICTIONLESS)
    assert c.ares["transStatus"] == "Y"
    assert c.ares["eci"] == "05" and len(c.ares["authenticationValue"]) == 28
    assert c.ares["threeDSServerTransID"] == c.areq["threeDSServerTransID"]
    assert c.ares["dsTransID"] == c.areq["dsTransID"]
    assert c.ares["dsReferenceNumber"] == c.areq["dsReferenceNumber"]


@pytest.mark.parametrize("pan,status,reason", [(REJECT, "R", "11"), (BLOCKED, "R", "12"), (NOT_ENROLLED, "U", "13"),
                                               (UNKNOWN, "N", "08")])
def test_no_value_without_success(lab, node, pan, status, reason):
    """[CO-003]"""
    ares = Challenge(lab, pan).ares
    assert (ares["transStatus"], ares["transStatusReason"]) == (status, reason)
    assert "authenticationValue" not in ares and "acsURL" not in ares


def test_challenge_offered(lab, node):
    """[CO-005]"""
    ares = Challenge(lab, CHALLENGE).ares
    assert ares["transStatus"] == "C" and ares["acsURL"] == node.challenge_url
    assert ares["acsChallengeMandated"] == "N" and ares["authenticationType"] == "02"
    assert "authenticationValue" not in ares and "acsSignedContent" not in ares


def test_no_challenge_for_data_share(lab, node):
    """[CO-010]"""
    ares = Challenge(lab, CHALLENGE, threeDSRequestorChallengeInd="06").ares
    assert ares["transStatus"] == "N" and "acsURL" not in ares


def test_same_ds_trans_id_again(lab, node, logs):
    """[CA-058]"""
    logs.expect("ACS0063")
    first = Challenge(lab, CHALLENGE)
    again = lab.ds.post_acs(first.areq).json()
    assert (again["messageType"], again["errorCode"], again["errorDetail"]) == ("Erro", "301", "dsTransID")
    first.open()
    first.press(otp=first.otp())
    assert first.message()["transStatus"] == "Y"


# --- outcomes

def test_right(lab, challenge):
    """[CB-001] [CB-032] [CB-033]"""
    assert "123.45 EUR" in challenge.page.text and "Corner Shop" in challenge.page.text
    challenge.press(otp=challenge.otp())
    cres = challenge.message()
    assert cres == {"messageType": "CRes", "messageVersion": "2.2.0", "transStatus": "Y", "acsTransID": challenge.id,
                    "threeDSServerTransID": challenge.areq["threeDSServerTransID"]}
    assert challenge.page.form(with_field="cres").values()["threeDSSessionData"] == SESSION
    rreq = challenge.rreq()
    assert (rreq["transStatus"], rreq["interactionCounter"], rreq["authenticationType"]) == ("Y", "01", "02")
    assert rreq["eci"] == "05" and len(rreq["authenticationValue"]) == 28
    assert "transStatusReason" not in rreq and "challengeCancel" not in rreq


def test_no_session_data(lab, node):
    """[CB-004]"""
    c = Challenge(lab, CHALLENGE, session=None)
    c.open()
    c.press(otp=c.otp())
    assert list(c.page.form(with_field="cres").values()) == ["cres"]


def test_session_data_of_1024_bytes(lab, node):
    """[CB-003]"""
    c = Challenge(lab, CHALLENGE, session="A" * 1024)
    c.open()
    c.press(otp=c.otp())
    assert c.page.form(with_field="cres").values()["threeDSSessionData"] == "A" * 1024


def test_wrong_then_right(challenge):
    """[CB-014]"""
    challenge.press(otp=challenge.wrong())
    assert "otp" in challenge.page.forms[0].inputs and "not right" in challenge.page.text
    challenge.press(otp=challenge.otp())
    assert challenge.message()["transStatus"] == "Y"
    assert challenge.rreq()["interactionCounter"] == "02"


def test_wrong_to_the_limit(challenge):
    """[CB-015]"""
    for _ in range(3):
        challenge.press(otp=challenge.wrong())
    assert challenge.message()["transStatus"] == "N"
    rreq = challenge.rreq()
    assert (rreq["transStatus"], rreq["transStatusReason"], rreq["interactionCounter"]) == ("N", "19", "03")
    assert "authenticationValue" not in rreq


def test_cancel(challenge):
    challenge.press("cancel")
    assert challenge.message()["transStatus"] == "N"
    rreq = challenge.rreq()
    assert (rreq["transStatus"], rreq["challengeCancel"], rreq["interactionCounter"]) == ("N", "01", "01")


def test_resend(lab, challenge):
    first = challenge.otp()
    challenge.press("resend")
    lab.issuer.otp(challenge.id, count=2)
    challenge.press(otp=challenge.otp())
    assert challenge.message()["transStatus"] == "Y"
    assert challenge.rreq()["interactionCounter"] == "01"
    assert first


def test_old_code_after_resend(lab, challenge):
    first = challenge.otp()
    challenge.press("resend")
    second = lab.issuer.otp(challenge.id, count=2)
    if first != second:
        challenge.press(otp=first)
        assert challenge.page.form(with_field="otp")


def test_resend_at_most_three_times(lab, challenge):
    for n in range(3):
        challenge.press("resend")
        lab.issuer.otp(challenge.id, count=n + 2)
    assert not [b for b in challenge.page.forms[0].buttons if b.get("value") == "resend"]


def test_double_submit_counts_once(challenge):
    """[CB-037]"""
    form, wrong = challenge.page.form(with_field="otp"), challenge.wrong()
    for _ in range(3):
        challenge.page = challenge.browser.submit(form, button="submit", otp=wrong)
        assert challenge.page.form(with_field="otp")
    challenge.press(otp=challenge.otp())
    assert challenge.rreq()["interactionCounter"] == "02"


def test_second_submit_gets_the_outcome(challenge):
    form, otp = challenge.page.form(with_field="otp"), challenge.otp()
    for _ in range(2):
        challenge.page = challenge.browser.submit(form, button="submit", otp=otp)
        assert challenge.message()["transStatus"] == "Y"
    assert len(challenge.rreqs()) == 1


def test_language_of_the_card(lab, node):
    c = Challenge(lab, GERMAN)
    c.open()
    assert c.page.lang == "en"  # ACSLanguages en: the fallback


def test_amount_is_bound(lab, challenge):
    assert "123.45 EUR" in lab.issuer.inbox(challenge.id)[-1]["text"]
    assert "Corner Shop" in lab.issuer.inbox(challenge.id)[-1]["text"]


# --- faulty CReq

def erro_of(c, code, detail=None):
    message = c.message()
    assert (message["messageType"], message["errorCode"], message["errorComponent"]) == ("Erro", code, "A"), message
    assert detail is None or message["errorDetail"] == detail, message
    assert message["acsTransID"] == c.id and message["dsTransID"] == c.areq["dsTransID"]
    return message


@pytest.mark.parametrize("over,code,detail", [
    ({"challengeWindowSize": "06"}, "203", "challengeWindowSize"),    # CB-006
    ({"challengeWindowSize": None}, "201", "challengeWindowSize"),    # CB-007
    ({"messageType": "CRes"}, "101", None),                           # CB-012
    ({"messageVersion": "2.1.0"}, "203", "messageVersion"),
    ({"messageVersion": "2.0.0"}, "203", "messageVersion"),
    ({"messageVersion": None}, "201", "messageVersion"),
])
def test_faulty_creq_ends_it(lab, node, logs, over, code, detail):
    """[CB-006] [CB-007] [CB-012]"""
    logs.expect("ACS0091")
    c = Challenge(lab, CHALLENGE)
    c.open(c.creq(**over))
    text = erro_of(c, code, detail)["errorDescription"]
    if over.get("messageVersion"):  # both are told
        assert over["messageVersion"] in text and "2.2.0" in text
    rreq = c.rreq()
    assert (rreq["transStatus"], rreq["challengeCancel"]) == ("U", "06")
    assert len(c.rreqs()) == 1


def test_session_data_too_long(lab, node, logs):
    logs.expect("ACS0091")
    c = Challenge(lab, CHALLENGE, session="A" * 1025)
    c.open()
    erro_of(c, "203", "threeDSSessionData")


def test_wrong_server_trans_id(lab, node, logs):
    """[CB-009]"""
    logs.expect("ACS0091")
    c = Challenge(lab, CHALLENGE)
    c.open(c.creq(threeDSServerTransID=messages.new_id()))
    erro_of(c, "301", "threeDSServerTransID")
    c.open()  # the real one still goes through
    c.press(otp=c.otp())
    assert c.message()["transStatus"] == "Y"
    assert len(c.rreqs()) == 1


@pytest.mark.parametrize("body", [b"", b"creq=", b"creq=%%%", b"creq=!!!!", b"creq=e30", b"x=1", b"creq=bnVsbA",
                                  b"creq=" + b"A" * 300])
def test_unreadable_creq(lab, node, logs, body):
    """[CB-011]"""
    logs.expect("ACS0092")
    answer = lab.client().request("POST", node.challenge_url, body,
                                  {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 400 and "cres" not in answer.text


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def said(logs, log_id):
    return sum(log.text().count(log_id) for log in logs.files)


def post_form(lab, node, body):
    return lab.client().request("POST", node.challenge_url, body, FORM)


@pytest.mark.parametrize("form", ["flag&creq=%s", "creq=%s&flag", "&&creq=%s&&", "x=%%&%%=x&creq=%s", "%%63req=%s", "=&creq=%s&a=b=c",
                                  "&".join(f"x{i}=" for i in range(100)) + "&creq=%s"])
def test_form_as_browsers_parse_it(lab, node, form):
    """WHATWG URL 5.1: no form is malformed, and what nobody knows is ignored."""
    c = Challenge(lab, CHALLENGE)
    answer = post_form(lab, node, (form % messages.b64url(c.creq())).encode())
    assert answer.status == 200 and 'name="otp"' in answer.text


def test_session_data_twice(lab, node, logs):
    """The first one counts, and a line says that there were two."""
    logs.expect("ACS0094")
    before = said(logs, "ACS0094")
    c = Challenge(lab, CHALLENGE)
    body = f"threeDSSessionData=Zmlyc3Q&creq={messages.b64url(c.creq())}&threeDSSessionData=c2Vjb25k"
    c.page = c.browser.open(c.ares["acsURL"], "POST", body.encode(), FORM)
    c.press(otp=c.otp())
    assert c.page.form(with_field="cres").values()["threeDSSessionData"] == "Zmlyc3Q"
    assert said(logs, "ACS0094") == before + 1


@pytest.mark.parametrize("text,code,detail", [('{"messageType":"CReq","messageVersion":"2.2.0"}', "101", None),
                                              ('{"messageType":"Nonsense"}', "101", None), ('{"a":1}', "201", "messageType"),
                                              ('{"messageType":null}', "201", "messageType"), ("{", "101", None),
                                              (' \r\n{"a":1}', "201", "messageType"), ('\ufeff{"a":1}', "201", "messageType")])
def test_json_that_is_no_erro(lab, node, logs, text, code, detail):
    """K-19: an Erro, no RReq, a log line; whatever the Content-Type says."""
    logs.expect("ACS0096")
    before = said(logs, "ACS0096")
    c = Challenge(lab, CHALLENGE)
    for kind in ("application/json; charset=utf-8", "application/x-www-form-urlencoded"):
        answer = lab.client().request("POST", node.challenge_url, text.encode(), {"Content-Type": kind})
        erro = answer.json()
        assert (answer.status, erro["messageType"], erro["errorCode"], erro["errorComponent"]) == (200, "Erro", code, "A")
        assert detail is None or erro["errorDetail"] == detail
        assert answer.content_type == "application/json; charset=utf-8"
    assert said(logs, "ACS0096") == before + 2
    c.open()  # nothing has ended
    c.press(otp=c.otp())
    assert len(c.rreqs()) == 1


def test_json_erro(lab, node, logs):
    """P-32: one that ends nothing is logged, and answered with nothing."""
    logs.expect("ACS0095")
    before = said(logs, "ACS0095")
    c = Challenge(lab, CHALLENGE)
    for erro in (messages.erro(c.creq(), "203", "C", "x", "x", acsTransID=c.id), {"messageType": "Erro"}):
        answer = lab.client().post_json(node.challenge_url, erro)
        assert (answer.status, answer.body) == (200, b"")
    assert said(logs, "ACS0095") == before + 2
    c.open()
    c.press(otp=c.otp())
    assert len(c.rreqs()) == 1


def test_unknown_trans_id(lab, node):
    """[CB-010]"""
    c = Challenge(lab, CHALLENGE)
    c.open(c.creq(acsTransID=messages.new_id()))
    assert c.page.status == 400 and not c.page.forms


def test_creq_after_frictionless(lab, node, logs):
    """[CB-013]"""
    logs.expect("ACS0091")
    c = Challenge(lab, FRICTIONLESS)
    c.open(c.creq(), node.challenge_url)
    erro_of(c, "305", "acsTransID")


def test_second_creq(lab, challenge, logs):
    """[CB-023]"""
    logs.expect("ACS0091")
    page, otp = challenge.page, challenge.otp()
    challenge.open()
    erro_of(challenge, "305", "acsTransID")
    challenge.page = challenge.browser.submit(page.form(with_field="otp"), button="submit", otp=otp)
    assert challenge.message()["transStatus"] == "Y"


# --- the pages' own forms

def test_altered_token(lab, node, challenge, logs):
    logs.expect("ACS0093")
    token, first = challenge.token(), challenge.page
    for bad in ("", token[:-1], ("A" if token[0] != "A" else "B") + token[1:], token[::-1], "x" * 4000):
        page = challenge.browser.post(node.challenge_url + "/form",
                                      {"token": bad, "otp": challenge.otp(), "action": "submit"})
        assert page.status == 400
    challenge.page = challenge.browser.submit(first.forms[0], button="submit", otp=challenge.otp())
    assert challenge.rreq()["interactionCounter"] == "01"


@pytest.mark.parametrize("otp", ["", "1" * 65, None])
def test_missing_or_long_entry_is_no_attempt(challenge, node, otp):
    fields = {"token": challenge.token(), "action": "submit"}
    if otp is not None:
        fields["otp"] = otp
    challenge.page = challenge.browser.post(node.challenge_url + "/form", fields)
    challenge.press(otp=challenge.otp())
    assert challenge.rreq()["interactionCounter"] == "01"


# --- RRes

def test_ds_answers_erro(lab, challenge, logs):
    """[CB-027]"""
    logs.expect("ACS0072")
    lab.ds.fault("rres", "erro", code="403")
    challenge.press(otp=challenge.otp())
    assert challenge.message()["transStatus"] == "Y"


@pytest.mark.parametrize("fault,code,detail", [
    (("wrong_ids", {"names": ["acsTransID"]}), "301", "acsTransID"),       # CB-028
    (("drop", {"names": ["resultsStatus"]}), "201", "resultsStatus"),      # CB-029
    (("set", {"values": {"messageType": "ARes"}}), "101", None),
    (("set", {"values": {"messageVersion": "2.1.0"}}), "203", "messageVersion"),
    (("body", {"text": "rubbish"}), "101", None),
])
def test_bad_rres(lab, challenge, logs, fault, code, detail):
    """[CB-028] [CB-029]"""
    logs.expect("ACS0071")
    lab.ds.fault("rres", fault[0], **fault[1])
    challenge.press(otp=challenge.otp())
    assert challenge.message()["transStatus"] == "Y"
    erro = lab.ds.wait("erro", threeDSServerTransID=challenge.areq["threeDSServerTransID"])[0]["message"]
    assert (erro["errorCode"], erro["errorComponent"]) == (code, "A")
    assert detail is None or erro["errorDetail"] == detail


def test_results_status_is_no_matter(lab, challenge):
    """[CB-038]"""
    lab.ds.fault("rres", "set", values={"resultsStatus": "02"})
    challenge.press(otp=challenge.otp())
    assert challenge.message()["transStatus"] == "Y"


# --- headers and page source

def test_page_headers(challenge):
    """[CB-034] [CB-035]"""
    assert challenge.page.header("Content-Type").replace(" ", "").lower() == "text/html;charset=utf-8"
    assert not challenge.page.header("X-Frame-Options")
    assert challenge.page.header("Cache-Control") == "no-store"
    policy = challenge.page.header("Content-Security-Policy")
    assert "default-src 'none'" in policy and "form-action 'self'" in policy
    assert "frame-ancestors https: http: file: " in policy  # anybody, and shops' apps; browsers then ignore X-Frame-Options
    for tag, attrs in challenge.page.tags:
        assert tag != "link" and "target" not in attrs, (tag, attrs)
        assert not attrs.get("src", "").startswith("http"), (tag, attrs)


def test_final_page_may_post_to_any_https_url(challenge):
    """B-28: browsers apply form-action to redirects too."""
    challenge.press(otp=challenge.otp())
    assert "form-action https:" in challenge.page.header("Content-Security-Policy")
    assert "'self'" not in challenge.page.header("Content-Security-Policy")


@pytest.mark.parametrize("url", ["http://localhost/notify", "javascript://localhost/%0aalert(1)", "javascript:alert(1)",
                                 "shopapp://done", "https://u:p@localhost/notify", "https://localhost/a b", "https://localhost:0/"])
def test_notification_url_that_nobody_can_post_to(lab, node, logs, url):
    """F-09: refused at the AReq, not when the cardholder has paid."""
    logs.expect("ACS0063")
    erro = lab.ds.post_acs(lab.areq(CHALLENGE, notificationURL=url)).json()
    assert (erro["messageType"], erro["errorCode"], erro["errorDetail"]) == ("Erro", "203", "notificationURL")


def test_erro_in_the_creq_field(lab, node, logs):
    """Never answered with an Erro, and nothing ends by it."""
    logs.expect("ACS0092")
    c = Challenge(lab, CHALLENGE)
    c.open(messages.erro(c.creq(), "203", "C", "x", "x", acsTransID=c.id))
    assert c.page.status == 400 and not c.page.forms
    c.open()
    c.press(otp=c.otp())
    assert c.message()["transStatus"] == "Y"


def test_creq_too_large(lab, node, logs):
    logs.expect("TDS0401")
    answer = lab.client().request("POST", node.challenge_url, b"creq=" + b"A" * 200000)
    assert (answer.status, answer.body) == (413, b"")


def test_notification_url_is_escaped(lab, node):
    """[CB-040]"""
    url = "https://localhost/notify?a=1&b='x'"
    c = Challenge(lab, CHALLENGE, notificationURL=url)
    c.open()
    c.press(otp=c.otp())
    assert c.page.form(with_field="cres").action == url
    assert "b='x'" not in c.page.html and "a=1&b" not in c.page.html


def test_methods_and_paths(lab, node):
    client = lab.client()
    assert client.request("GET", node.challenge_url).status == 405
    assert client.request("GET", node.challenge_url + "/form").status == 405
    assert client.request("POST", node.challenge_url + "/page/x", b"").status == 405
    for path in ("/", "/x", "/form/", "/page/a/b"):
        assert client.request("POST", node.challenge_url + path, b"").status == 404, path


def test_times_of_answers(lab, challenge):
    """B-37: the browser gets the CRes only after the RRes."""
    lab.ds.fault("rres", "delay", seconds=1)
    start = time.monotonic()
    challenge.press(otp=challenge.otp())
    assert challenge.message()["transStatus"] == "Y"
    assert time.monotonic() - start >= 1
    assert json.dumps(challenge.message())
