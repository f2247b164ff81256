"""What the issuer's systems see of transactions in a server: trust list, decoupled authentication over restarts, 3RI, SPC, export;
and what a Directory Server's section decides."""
import concurrent.futures
import hashlib
import hmac
import json
import os
import struct
import time

import pytest
from lab.challenge import Challenge
from lab.httpd import BLOCKED, CHALLENGE, FRICTIONLESS, GERMAN, NOT_ENROLLED, REJECT, UNKNOWN
from lab.procs import wait_until
from sim import messages
from sim.authenticator import Authenticator
from test_acs_versions import IN_231

AUTHENTICATOR = Authenticator("bank.test")
SHOP = "https://shop.test"
SECOND = "4000020000000002"  # a card of another issuer


def _card(group, **more):
    return group, "active", "+491700001234", "en", {"ref": "c-" + group, **more}


NODE = dict(
    srv=False, supported="2.1.0,2.2.0,2.3.1", hooks=("decoupled", "notice"),
    cards={CHALLENGE: _card("challenge"), FRICTIONLESS: _card("frictionless"), REJECT: _card("attempt"),
           BLOCKED: _card("decoupled"), NOT_ENROLLED: _card("informational"),
           GERMAN: _card("spc", credentials=[AUTHENTICATOR.credential], rpId="bank.test")},
    rules=tuple(f"{word} \"%{{CARD:group}} == '{word}'\"" for word in (
        "frictionless", "attempt", "decoupled", "informational", "spc")) + ('challenge "true"',),
    issuer=["ACSTrustList store", "ACSDecoupledMin 1s", "ACSSPCIcon https://bank.test/card.png"],
    acs_ds=["ACSOutcome unknownCard U 08", "ACSOutcome noAttempts N 25", "ACSAttempts off", "ACSInformational on",
            "ACSECIInARes off", "ACSChecks +clock"],
    main=["ACSRetryInterval 1s", "ACSTransactionLog logs/transactions.log"])


@pytest.fixture(scope="module")
def other_key():
    return os.urandom(32).hex()


@pytest.fixture(scope="module")
def module_node(session_lab, other_key):
    """Two issuers."""
    lab = session_lab
    lab.vault.always(SECOND, other_key)
    node = lab.node("issuer-side", start=False, **NODE)
    cards = node.write("conf/second.json", json.dumps({"cards": {SECOND: {"status": "active"}}}))
    key = node.write("conf/second.key", other_key + "\n")
    os.chmod(key, 0o600)
    node.options.main = [
        *NODE["main"], "<ACSIssuer second>", "  ACSCardRange 4000020000000000 4000029999999999", f"  ACSCardSource file:{cards}",
        '  ACSRule frictionless "true"', f"  ACSOTPDelivery {lab.issuer.otp_url}", f"  ACSTemplates {lab.templates}",
        f"  ACSIssuerKey file:{key}",
        f"  ACSAuthenticationValue lab file:{node.value_key}", "  ACSECI Y 05", "</ACSIssuer>"]
    node.start()
    yield node
    lab.drop(node)


def areq(lab, pan, **over):
    message = lab.areq(pan, **over)
    ares = lab.ds.post_acs(message).json()
    lab.ds.transactions[message["threeDSServerTransID"]] = dict(message, acsTransID=ares.get("acsTransID"))
    lab.ds.answers_rreq = messages.rres
    return ares


def call(lab, node, method, path, message=None, **kw):
    return lab.issuer.call(lab.client(), node.issuer_url, method, path, message, **kw)


def rreqs(lab, ares):
    return [r["message"] for r in lab.ds.records.all("rreq", acsTransID=ares["acsTransID"])]


# --- trust list (A-ARES-11, P-15, R-24; docs/api/issuer.md)

MERCHANT = {"acquirerBIN": "400551", "acquirerMerchantID": "MERCHANT-1"}


def trusting(lab, **over):
    return Challenge(lab, CHALLENGE, threeDSRequestorChallengeInd="09", **over)


def index_of(node, pan):
    """HMAC(id key, len("card") || "card" || len(PAN) || PAN), 16 bytes of it; there is no ACSIDKey, so it is the master key."""
    with open(node.master_key, encoding="ascii") as f:
        key = bytes.fromhex(f.read().strip())
    data = b"".join(struct.pack("!I", len(part)) + part for part in (b"card", pan.encode()))
    return hmac.new(key, data, hashlib.sha256).hexdigest()[:32]


def test_trust_list(lab, node, logs, other_key):
    index = index_of(node, CHALLENGE)
    c = trusting(lab)
    assert (c.ares["whiteListStatus"], c.ares["whiteListStatusSource"]) == ("N", "03")
    c.open()
    assert c.page.form(with_field="trust").inputs["trust"]["type"] == "checkbox"
    c.press(otp=c.otp(), trust="Y")
    c.settle()
    rreq = c.rreq()
    assert (rreq["transStatus"], rreq["whiteListStatus"], rreq["whiteListStatusSource"]) == ("Y", "Y", "03")
    assert lab.issuer.wait("notice", 10, acsTransID=c.id)[-1]["message"]["cardIndex"] == index

    def merchants():
        answer = call(lab, node, "GET", f"/trust/{index}")
        assert answer.status == 200
        return answer.json()["merchants"]
    entry, = wait_until(merchants, 10, "the list")
    assert {k: entry[k] for k in MERCHANT} == MERCHANT and entry["merchantName"] == "Corner Shop" and entry["since"]
    again = trusting(lab)
    assert again.ares["whiteListStatus"] == "Y"
    again.open()
    assert "trust" not in again.page.form(with_field="otp").inputs  # it has been said
    assert areq(lab, CHALLENGE, acquirerMerchantID="MERCHANT-2")["whiteListStatus"] == "N"
    assert areq(lab, FRICTIONLESS)["whiteListStatus"] == "N"  # another card
    logs.expect("ACS0160")
    assert call(lab, node, "GET", f"/trust/{index}", key="").status == 401
    assert call(lab, node, "GET", f"/trust/{index}", issuer="second").status == 401  # not its key
    assert call(lab, node, "GET", f"/trust/{index}", issuer="second", key=other_key).status == 404
    assert call(lab, node, "GET", "/trust/" + index.upper()).status == 404  # that is no index
    assert call(lab, node, "POST", f"/trust/{index}/remove", {"acquirerBIN": "400551"}).status == 400
    assert call(lab, node, "POST", f"/trust/{index}/remove", MERCHANT).status == 200
    assert merchants() == []
    assert areq(lab, CHALLENGE)["whiteListStatus"] == "N"
    assert call(lab, node, "POST", f"/trust/{index}", {**MERCHANT, "merchantName": "Corner Shop"}).status == 200
    ares = areq(lab, CHALLENGE, **IN_231)
    assert (ares["trustListStatus"], ares["trustListStatusSource"]) == ("Y", "03") and "whiteListStatus" not in ares
    assert call(lab, node, "POST", f"/trust/{index}/remove", MERCHANT).status == 200


def test_trust_list_at_once(lab, node):
    """Many changes of one list in the same instant: none undoes another."""
    index = index_of(node, CHALLENGE)
    shops = [{**MERCHANT, "acquirerMerchantID": f"AT-ONCE-{i}"} for i in range(10)]

    def change(path):
        def one(shop):
            while (answer := call(lab, node, "POST", path, shop)).status == 503:  # more at once than it takes: try again
                time.sleep(0.01)
            return answer.status
        with concurrent.futures.ThreadPoolExecutor(len(shops)) as pool:
            return set(pool.map(one, shops))

    def listed():
        merchants = call(lab, node, "GET", f"/trust/{index}").json()["merchants"]
        return {m["acquirerMerchantID"] for m in merchants if m["acquirerMerchantID"].startswith("AT-ONCE")}
    assert change(f"/trust/{index}") == {200}
    assert listed() == {shop["acquirerMerchantID"] for shop in shops}
    assert change(f"/trust/{index}/remove") == {200}
    assert not listed()
    assert not lab.redis.keys_without_ttl()


def test_box_left_empty(lab, node):
    c = trusting(lab, acquirerMerchantID="MERCHANT-3")
    c.open()
    c.press(otp=c.otp())
    c.settle()
    assert (c.rreq()["whiteListStatus"], c.rreq()["whiteListStatusSource"]) == ("R", "03")
    assert areq(lab, CHALLENGE, acquirerMerchantID="MERCHANT-3")["whiteListStatus"] == "N"


# --- decoupled authentication

DECOUPLED = {"threeDSRequestorDecReqInd": "Y", "threeDSRequestorDecMaxTime": "00010"}


def test_restart_in_between(lab, node):
    """What is stored outlives httpd: the result comes to a process that has never seen the AReq."""
    ares = areq(lab, BLOCKED, **DECOUPLED)
    assert ares["transStatus"] == "D"
    lab.issuer.wait("decoupled/start", 10, acsTransID=ares["acsTransID"])
    node.stop(graceful=True)
    node.start()
    assert not rreqs(lab, ares)
    assert call(lab, node, "POST", f"/decoupled/{ares['acsTransID']}", {"status": "ACCEPTED"}).status == 200
    rreq = lab.ds.wait("rreq", 10, acsTransID=ares["acsTransID"])[-1]["message"]
    assert rreq["transStatus"] == "Y" and rreq["authenticationType"] == "04" and "interactionCounter" not in rreq


def test_deadline_while_all_are_down(lab, node):
    """A-DEC-04, R-12: the minute ends while no node runs; the next one reports it, once."""
    ares = areq(lab, BLOCKED, **{**DECOUPLED, "threeDSRequestorDecMaxTime": "00001"})
    due = time.time() + 60
    lab.issuer.wait("decoupled/start", 10, acsTransID=ares["acsTransID"])
    node.stop(graceful=True)
    time.sleep(due + 1 - time.time())
    assert not rreqs(lab, ares)
    node.start()
    rreq = lab.ds.wait("rreq", 10, acsTransID=ares["acsTransID"])[-1]["message"]
    assert (rreq["transStatus"], rreq["transStatusReason"], rreq["challengeCancel"]) == ("U", "24", "03")
    assert lab.issuer.wait("decoupled/cancel", 10, acsTransID=ares["acsTransID"])[-1]["message"]["reason"] == "TIMEOUT"
    assert call(lab, node, "POST", f"/decoupled/{ares['acsTransID']}", {"status": "ACCEPTED"}).status == 409
    time.sleep(1.5)
    assert len(rreqs(lab, ares)) == 1


NO_BROWSER = dict.fromkeys([*messages.browser(), "notificationURL", "threeDSCompInd", "threeDSRequestorAuthenticationInd",
                            "threeDSRequestorChallengeInd"])


@pytest.mark.parametrize("word,want", [("ACCEPTED", ("Y", None)), ("DECLINED", ("N", "01")), ("FRAUD", ("R", "11"))])
def test_3ri(lab, node, word, want):
    """A-3RI-03: no interactionCounter, no acsRenderingType."""
    ares = areq(lab, BLOCKED, **{**NO_BROWSER, **DECOUPLED, "deviceChannel": "03", "threeRIInd": "06"})
    assert ares["transStatus"] == "D" and "acsURL" not in ares, ares
    assert lab.issuer.wait("decoupled/start", 10, acsTransID=ares["acsTransID"])[-1]["message"]["threeRI"] is True
    assert call(lab, node, "POST", f"/decoupled/{ares['acsTransID']}", {"status": word}).status == 200
    rreq = lab.ds.wait("rreq", 10, acsTransID=ares["acsTransID"])[-1]["message"]
    assert (rreq["transStatus"], rreq.get("transStatusReason")) == want
    assert not {"interactionCounter", "acsRenderingType", "sdkTransID"} & set(rreq)


def test_3ri_is_never_challenged(lab, node):
    """A-3RI-01, with a rule that challenges."""
    ares = areq(lab, CHALLENGE, **{**NO_BROWSER, "deviceChannel": "03", "threeRIInd": "06"})
    assert ares["transStatus"] in ("N", "U") and ares["transStatusReason"] == "23", ares


# --- secure payment confirmation (N-10 to N-13)

SPC = {**IN_231, "threeDSRequestorSpcSupport": "Y", "payeeOrigin": SHOP}


def second(lab, first, **over):
    return areq(lab, GERMAN, **{**SPC, "threeDSRequestorPriorAuthenticationInfo": [
        {"threeDSReqPriorAuthMethod": "05", "threeDSReqPriorRef": first["acsTransID"]}], **over})


def info(assertion):
    return {"threeDSRequestorAuthenticationInfo": [{"threeDSReqAuthMethod": "09", "threeDSReqAuthData": assertion}]}


def test_spc(lab, node):
    first = areq(lab, GERMAN, **SPC)
    assert first["transStatus"] == "S" and first["webAuthnCredList"] == [
        {"rpID": "bank.test", "credentialIds": AUTHENTICATOR.id}]
    assertion = info(AUTHENTICATOR.assertion(first["spcTransData"], SHOP))
    ares = second(lab, first, **assertion)
    assert ares["transStatus"] == "Y" and ares["authenticationValue"], ares
    assert second(lab, first, **assertion)["transStatus"] == "C"  # used once
    time.sleep(1)
    assert not rreqs(lab, first)


@pytest.mark.parametrize("lie", [{"total": {"value": "1.00", "currency": "EUR"}}, {"payeeOrigin": "https://evil.test"},
                                 {"rpId": "evil.test"}, {"payeeName": "Another shop"},
                                 {"instrument": {"displayName": "Another card", "icon": "https://bank.test/card.png"}}],
                         ids=lambda d: next(iter(d)))
def test_spc_for_something_else(lab, node, logs, lie):
    """An assertion that does not hold: no Erro, and no Y (N-13)."""
    logs.expect("ACS0170")
    first = areq(lab, GERMAN, **SPC)
    assert second(lab, first, **info(AUTHENTICATOR.assertion(first["spcTransData"], SHOP, **lie)))["transStatus"] == "C"


@pytest.mark.parametrize("other", [{"merchantName": "Another shop"}, {"payeeOrigin": "https://evil.test"}], ids=lambda d: next(iter(d)))
def test_spc_then_another_purchase(lab, node, logs, other):
    """N-13: both AReqs are about what was shown."""
    logs.expect("ACS0171")
    first = areq(lab, GERMAN, **SPC)
    ares = second(lab, first, **info(AUTHENTICATOR.assertion(first["spcTransData"], SHOP)), **other)
    assert ares["messageType"] == "ARes" and ares["transStatus"] in ("N", "C")


def test_spc_of_another_key(lab, node, logs):
    logs.expect("ACS0170")
    first = areq(lab, GERMAN, **SPC)
    stranger = Authenticator("bank.test")
    stranger.id = AUTHENTICATOR.id
    assert second(lab, first, **info(stranger.assertion(first["spcTransData"], SHOP)))["transStatus"] == "C"


# --- what the Directory Server's section decides

def test_outcomes(lab, node):
    ares = areq(lab, UNKNOWN)
    assert (ares["transStatus"], ares["transStatusReason"]) == ("U", "08")  # N by default
    ares = areq(lab, REJECT)  # the rule says attempt
    assert (ares["transStatus"], ares["transStatusReason"]) == ("N", "25") and "authenticationValue" not in ares
    ares = areq(lab, REJECT, messageVersion="2.1.0", browserJavascriptEnabled=None)  # which does not know 25
    assert (ares["transStatus"], ares["transStatusReason"]) == ("N", "01")
    assert areq(lab, NOT_ENROLLED)["transStatus"] == "I"  # unasked
    assert areq(lab, NOT_ENROLLED, messageVersion="2.1.0", browserJavascriptEnabled=None)["transStatus"] == "U"


def test_eci(lab, node):
    ares = areq(lab, FRICTIONLESS)
    assert ares["transStatus"] == "Y" and ares["authenticationValue"] and "eci" not in ares
    c = Challenge(lab, CHALLENGE)
    c.open()
    c.press(otp=c.otp())
    c.settle()
    assert c.rreq()["eci"] == "05"  # ACSECIInRReq is another matter


def compact(minutes):
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 60 * minutes))


@pytest.mark.parametrize("minutes,good", [(-31, False), (31, False), (-29, True), (29, True)])
def test_clock(lab, node, logs, minutes, good):
    """A-AREQ-18: in 2.3.1, where the check is on."""
    logs.expect("ACS0063")
    answer = areq(lab, FRICTIONLESS, **{**IN_231, "purchaseDate": compact(minutes)})
    if good:
        assert answer["transStatus"] == "Y"
    else:
        assert (answer["messageType"], answer["errorCode"], answer["errorDetail"]) == ("Erro", "203", "purchaseDate")
    assert areq(lab, FRICTIONLESS, purchaseDate=compact(minutes))["transStatus"] == "Y"  # 2.2.0


# --- export

def export(lab, node, query, **kw):
    return call(lab, node, "GET", "/transactions" + query, **kw)


def span(start, end):
    return "?" + "&".join(f"{n}={time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(t))}" for n, t in (("from", start), ("to", end)))


def test_export(lab, node, logs, other_key):
    """Signed over path and query; each issuer sees its own."""
    now = time.time()
    ours = [areq(lab, FRICTIONLESS)["acsTransID"] for _ in range(3)]
    theirs = areq(lab, SECOND)["acsTransID"]
    query = span(now - 2, now + 60)

    def lines(**kw):
        answer = export(lab, node, query, **kw)
        assert answer.status == 200 and answer.content_type.startswith("application/x-ndjson")
        return [json.loads(line) for line in answer.text.splitlines()]
    mine = lines()
    assert set(ours) <= {line["acsTransID"] for line in mine} and {line["issuer"] for line in mine} == {"bank"}
    other = lines(issuer="second", key=other_key)
    assert [line["acsTransID"] for line in other] == [theirs]
    limited = export(lab, node, query + "&limit=1")
    assert len(limited.text.splitlines()) == 1 and limited.headers["x-next-from"]
    assert export(lab, node, span(now - 7200, now - 3600)).text == ""
    for bad in ("", "?from=2026-01-01T00:00:00Z", "?from=yesterday&to=today", span(now, now - 60), query + "&limit=0"):
        assert export(lab, node, bad).status == 400, bad


def test_export_signature_covers_the_query(lab, node, logs):
    from sim.issuer import signature
    logs.expect("ACS0160")
    now = time.time()
    asked, signed = span(now - 3600, now), span(now - 60, now)
    for path in ("/acs/issuer/transactions" + signed, "/acs/issuer/transactions"):
        head = {"ACS-Issuer": "bank", "ACS-Signature": signature(lab.issuer.key, "GET", path)}
        assert lab.client().request("GET", node.issuer_url + "/transactions" + asked, headers=head).status == 401
    assert export(lab, node, asked, issuer="second").status == 401
    assert export(lab, node, asked).status == 200
