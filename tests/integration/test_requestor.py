"""The requestor API of the 3DS Server: the DS answers by itself. Case ids in brackets are those of the conformance table."""
import concurrent.futures
import hashlib
import json
import re
import threading
import time

import pytest

from lab.httpd import CHALLENGE, FRICTIONLESS, OUT_OF_RANGE
from lab.merchant import Payment, answers, data
from sim import messages

NODE = dict(acs=False, ares_timeout="1s", threads=32, children_max=1,
            proxy="connectiontimeout=1 timeout=2 ttl=30 acquire=500 max=16", main=["ThreeDSRetryInterval 1s", "MinSpareThreads 1"])
PROXY_IDS = ("SRV0032", "AH00957", "AH00959", "AH01114", "AH01102", "AH00898", "AH02003", "AH02004", "AH00940", "AH02039",
             "AH00961", "AH00962", "AH01084", "AH01097", "AH02411", "AH01110")


@pytest.fixture
def api(lab, node):
    return lab.requestor(node)


def error(answer, status, code, detail=None):
    assert answer.status == status, answer
    value = answer.json()
    assert value["errorCode"] == code, value
    assert set(value) >= {"errorCode", "errorDescription", "errorDetail", "errorComponent", "actor"}
    if detail is not None:
        assert set(value["errorDetail"].split(",")) == set(detail.split(",")), value
    return value


# --- create

def test_create(lab, node, api):
    answer = api.create(CHALLENGE, lab.shop.url + "/return")
    value = answer.json()
    assert answer.status == 201 and answer.headers["cache-control"] == "no-store"
    assert value["state"] == "READY" and value["messageVersion"] == "2.2.0" and value["directoryServer"] == "scheme"
    assert len(value["browserToken"]) == 48 and "threeDSMethodURL" not in value
    assert CHALLENGE not in answer.text
    assert api.get(value["threeDSServerTransID"]).json()["state"] == "READY"
    assert not lab.redis.keys_without_ttl()


def test_ids_differ(lab, node, api):
    """[CR-037]"""
    assert len({api.create(CHALLENGE).json()["threeDSServerTransID"] for _ in range(5)}) == 5


def test_create_bad_input(lab, node, api):
    error(api.call("POST", "/v1/authentications", {}), 400, "201", "deviceChannel,messageCategory,acctNumber")
    error(api.create("400000000000"), 400, "203", "acctNumber")
    error(api.create("4000 0000 0000 0002"), 400, "203", "acctNumber")
    error(api.create(CHALLENGE, deviceChannel="01"), 400, "203", "deviceChannel")
    error(api.create(CHALLENGE, deviceChannel=2, messageCategory="9"), 400, "203")
    error(api.create(CHALLENGE, purchaseAmount="1"), 400, "203", "purchaseAmount")
    error(api.create(CHALLENGE, "https://evil.test/return"), 400, "203", "returnURL")
    error(api.create(CHALLENGE, lab.shop.url + ".evil.test/"), 400, "203", "returnURL")
    error(api.create(CHALLENGE, lab.shop.url.replace("https", "http")), 400, "203", "returnURL")
    error(api.create(CHALLENGE, "javascript:alert(1)"), 400, "203", "returnURL")


def test_card_number_as_a_name(lab, node, api):
    """It must not come back, nor reach a log."""
    for answer in (api.create(CHALLENGE, **{CHALLENGE: "x"}), api.create(CHALLENGE, **{"a" + FRICTIONLESS: "x"}),
                   Payment(lab, node, CHALLENGE).authenticate(**{CHALLENGE: "x"})):
        error(answer, 400, "203", "unknown")


def test_not_enrolled(lab, node, api):
    """S-22"""
    value = error(api.create(OUT_OF_RANGE), 422, "305", "acctNumber")
    assert "not enrolled" in value["errorDescription"]
    error(api.create("40000000000000022"), 422, "305", "acctNumber")


def test_not_json(lab, node, api, logs):
    logs.expect("TDS0401")
    url = api.url + "/v1/authentications"
    auth = {"Authorization": "Bearer " + api.key}
    error(api.client.post_json(url, "{", auth), 400, "101")
    error(api.client.post_json(url, "[]", auth), 400, "101")
    error(api.client.post_json(url, '{"acctNumber":"1","acctNumber":"2"}', auth), 400, "204", "acctNumber")
    error(api.client.request("POST", url, b"a=b", dict(auth, **{"Content-Type": "application/x-www-form-urlencoded"})),
          415, "101")
    assert api.client.post_json(url, "{" + " " * 20000 + "}", auth).status == 413
    error(api.client.post_json(url, '{"a":' + "[" * 40 + "]" * 40 + "}", auth), 400, "101")
    error(api.client.post_json(url, b'{"acctNumber":"\xff\xfe"}', auth), 400, "101")


def test_methods_and_paths(lab, node, api):
    assert api.call("GET", "/v1/authentications").status == 405
    assert api.call("GET", "/v1/authentications").headers["allow"] == "POST"
    assert api.call("POST", "/v1/authentications/" + messages.new_id(), {}).status == 405
    assert api.call("GET", "/v1/nothing").status == 404
    assert api.call("GET", "").status == 404
    assert api.call("GET", "/v1/authentications/x/y").status == 404
    error(api.call("GET", "/v1/authentications/not-an-id"), 404, "301")


def test_versioning(lab, node, api):
    assert api.call("POST", "/v1/versioning", {"acctNumber": CHALLENGE}).json() == {
        "directoryServer": "scheme", "messageVersions": ["2.2.0"]}
    error(api.call("POST", "/v1/versioning", {"acctNumber": OUT_OF_RANGE}), 422, "305")
    error(api.call("POST", "/v1/versioning", {}), 400, "201", "acctNumber")


# --- who calls

@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "Basic c2hvcDpzaG9w", "Bearer "])
def test_no_credentials(lab, node, api, header):
    for method, path, body in (("POST", "/v1/authentications", {"deviceChannel": "02"}),
                               ("GET", "/v1/authentications/" + messages.new_id(), None)):
        headers = {"Authorization": header} if header is not None else {}
        call = api.client.post_json if body is not None else None
        answer = (call(api.url + path, body, headers) if call else
                  api.client.request(method, api.url + path, None, headers))
        error(answer, 401, "303")
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_client_certificate(lab, node):
    other = lab.requestor(node, key=None, cert="requestor-client")
    made = other.create(CHALLENGE)
    assert made.status == 201
    answers(lab, "Y")
    trans_id = made.json()["threeDSServerTransID"]
    assert other.authenticate(trans_id, data()).json()["transStatus"] == "Y"
    areq = lab.ds.records.all("areq")[0]["message"]
    assert areq["threeDSRequestorID"] == "REQUESTOR-2" and areq["acquirerMerchantID"] == "MERCHANT-2"
    assert lab.requestor(node, key=lab.OTHER_KEY).get(trans_id).status == 200
    assert lab.requestor(node).get(trans_id).status == 404
    wrong = lab.requestor(node, key="wrong", cert="requestor-client")
    assert wrong.get(trans_id).status == 401


def test_foreign_id(lab, node, api):
    """Another requestor's transaction is as if it were not there."""
    trans_id = api.create(CHALLENGE).json()["threeDSServerTransID"]
    other = lab.requestor(node, key=lab.OTHER_KEY)
    for answer in (other.get(trans_id), other.authenticate(trans_id, data()),
                   other.call("POST", f"/v1/authentications/{trans_id}/cancel", {}),
                   other.call("POST", f"/v1/authentications/{trans_id}/acknowledge", {})):
        error(answer, 404, "301")
    assert other.get(trans_id).text == other.get(messages.new_id()).text


# --- Idempotency-Key

def test_idempotency(lab, node, api):
    key = messages.new_id()
    first, second = api.create(CHALLENGE, idempotency_key=key), api.create(CHALLENGE, idempotency_key=key)
    assert first.status == second.status == 201 and first.json() == second.json()
    trans_id = first.json()["threeDSServerTransID"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", trans_id)
    error(api.create(FRICTIONLESS, idempotency_key=key), 409, "305")
    other = lab.requestor(node, key=lab.OTHER_KEY).create(CHALLENGE, idempotency_key=key)
    assert other.status == 201 and other.json()["threeDSServerTransID"] != trans_id
    error(api.create(CHALLENGE, idempotency_key="x" * 300), 400, "203", "Idempotency-Key")


def test_idempotency_race(lab, node):
    key = messages.new_id()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: lab.requestor(node).create(CHALLENGE, idempotency_key=key), range(8)))
    assert {a.status for a in got} == {201} and len({a.text for a in got}) == 1


# --- AReq

def test_areq(lab, node):
    """S-30 .. S-37 [CR-004]"""
    p = Payment(lab, node, CHALLENGE, "Y")
    assert p.answer.status == 200
    areq, = p.areqs()
    assert areq["threeDSServerTransID"] == p.id and areq["messageVersion"] == "2.2.0"
    assert areq["acctNumber"] == CHALLENGE and areq["threeDSCompInd"] == "U"
    assert areq["threeDSServerURL"] == node.results_url and areq["notificationURL"] == node.browser_url + "/notify"
    assert areq["threeDSServerRefNumber"] == "3DS_LOA_SER_TEST_020200_00001"
    assert areq["threeDSServerOperatorID"] == "SER-OPERATOR-1"
    assert areq["threeDSRequestorID"] == "REQUESTOR-1" and areq["threeDSRequestorName"] == "Corner Shop"
    assert (areq["acquirerMerchantID"], areq["acquirerBIN"], areq["mcc"], areq["merchantCountryCode"]) == (
        "MERCHANT-1", "400551", "5411", "276")
    assert re.fullmatch(r"\d{14}", areq["purchaseDate"])
    assert not {"dsTransID", "dsURL", "dsReferenceNumber", "deviceInfo", "challengeWindowSize"} & set(areq)
    record, = lab.ds.records.all("areq", threeDSServerTransID=p.id)
    assert record["headers"]["content-type"] == "application/json; charset=utf-8"
    assert record["peer"] == "3dss-client.test"


def test_empty_values_stay_behind(lab, node):
    """[CR-012]"""
    p = Payment(lab, node, CHALLENGE, "Y", email="", mobilePhone={}, acctInfo={"chAccAgeInd": "", "x": None}, workPhone=None)
    assert p.answer.status == 200
    assert not {"email", "mobilePhone", "acctInfo", "workPhone"} & set(p.areqs()[0])


def test_elements_of_other_versions_stay_behind(lab, node):
    p = Payment(lab, node, CHALLENGE, "Y", acceptLanguage=["en"], sdkMaxTimeout="05")
    assert p.answer.status == 200, p.answer
    assert not {"acceptLanguage", "sdkMaxTimeout"} & set(p.areqs()[0])


def test_long_headers_are_cut(lab, node):
    """S-31"""
    p = Payment(lab, node, CHALLENGE, "Y", browserUserAgent="é" * 3000)
    assert p.areqs()[0]["browserUserAgent"] == "é" * 2048


def test_authenticate_bad_input(lab, node):
    """[CR-011]"""
    p = Payment(lab, node, CHALLENGE)
    answers(lab, "Y")
    error(p.authenticate(purchaseAmount=None, purchaseCurrency=None), 400, "201", "purchaseAmount,purchaseCurrency")
    error(p.authenticate(purchaseAmount="12,50"), 400, "203", "purchaseAmount")
    error(p.authenticate(browserJavaEnabled="false"), 400, "203", "browserJavaEnabled")
    error(p.authenticate(threeDSServerURL="https://evil.test/", dsURL="https://evil.test/"), 400, "203",
          "threeDSServerURL,dsURL")
    error(p.authenticate(purchaseAmmount="1"), 400, "203", "purchaseAmmount")
    error(p.authenticate(acctNumber=FRICTIONLESS), 400, "203", "acctNumber")
    error(p.authenticate(acquirerMerchantID="MERCHANT-2"), 400, "203", "acquirerMerchantID")
    error(p.authenticate(challengeWindowSize="06"), 400, "203", "challengeWindowSize")
    error(p.api.client.post_json(f"{p.api.url}/v1/authentications/{p.id}/authenticate", "}{",
                                 {"Authorization": "Bearer " + p.api.key}), 400, "101")
    assert not lab.ds.records.all("areq") and p.get()["state"] == "READY"
    assert p.authenticate(acctNumber=CHALLENGE, acquirerMerchantID="MERCHANT-1").json()["transStatus"] == "Y"


# --- ARes

@pytest.mark.parametrize("status", ["Y", "A", "N", "U", "R"])
def test_result(lab, node, status):
    p = Payment(lab, node, CHALLENGE, status, over={"cardholderInfo": "Please call your bank."})
    value = p.answer.json()
    assert (value["state"], value["transStatus"]) == ("FINAL", status)
    assert ("authenticationValue" in value) == (status in "YA")
    assert value["cardholderInfo"] == "Please call your bank."
    assert value["acsTransID"] == p.ares()["acsTransID"] and value["dsTransID"] == p.ares()["dsTransID"]
    assert "error" not in value and p.get() == value
    assert p.authenticate(purchaseAmount="1").json() == value, "the same answer, whatever the body"
    assert len(p.areqs()) == 1


def test_challenge(lab, node):
    """[CR-029]"""
    p = Payment(lab, node, CHALLENGE, "C", challengeWindowSize="02")
    value = p.answer.json()
    assert (value["state"], value["transStatus"]) == ("CHALLENGE", "C")
    assert value["acsURL"] == "https://localhost/acs/challenge"
    assert re.fullmatch(r"[A-Za-z0-9_-]+", value["creq"])
    assert json.loads(messages.unb64url(value["creq"])) == {
        "messageType": "CReq", "messageVersion": "2.2.0", "threeDSServerTransID": p.id,
        "acsTransID": p.ares()["acsTransID"], "challengeWindowSize": "02"}
    assert value["challengeUrl"].startswith(node.browser_url + "/challenge/")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value["challengeExpiresAt"])
    assert "authenticationValue" not in value


BAD_ARES = [
    ("N", {"transStatusReason": None}, "201", "transStatusReason"),        # [CR-014]
    ("C", {"acsURL": None}, "201", "acsURL"),                              # [CR-015]
    ("D", {"transStatus": "D", "acsDecConInd": "Y", "acsChallengeMandated": "N", "authenticationType": "04", "cardholderInfo": "x"}, "203",
     "transStatus,acsDecConInd"),                                                       # [CR-018]
    ("Y", {"messageVersion": "2.1.0"}, "203", "messageVersion"),           # [CR-021]
    ("Y", {"threeDSServerTransID": messages.new_id()}, "301", "threeDSServerTransID"),  # [CR-022]
    ("Y", {"authenticationValue": None}, "201", "authenticationValue"),
    ("Y", {"acsTransID": "x"}, "203", "acsTransID"),
    ("Y", {"transStatus": "Q"}, "203", "transStatus"),
    ("Y", {"messageExtension": [{"name": "x", "id": "A1", "criticalityIndicator": True, "data": {"a": "b"}}]}, "202",
     None),                                                                # [CR-024]
    ("Y", {"messageType": "PRes"}, "101", None),                           # [CR-027]
    ("C", {"acsURL": "http://localhost/"}, "203", "acsURL"),
]


@pytest.mark.parametrize("status,over,code,detail", BAD_ARES)
def test_bad_ares(lab, node, logs, status, over, code, detail):
    """S-40 .. S-43: Erro to the DS, error to the requestor."""
    logs.expect("SRV0031")
    p = Payment(lab, node, CHALLENGE, status, over=over)
    value = error(p.answer, 502, code, detail)
    assert value["errorComponent"] == "S" and value["state"] == "FINAL"
    echoed = over.get("threeDSServerTransID", p.id)
    erro = lab.ds.records.wait("erro", 5, link="3dss", threeDSServerTransID=echoed)[0]["message"]
    assert (erro["errorCode"], erro["errorComponent"]) == (code, "S")
    if detail:
        assert erro["errorDetail"] == detail
    assert p.get()["error"]["errorCode"] == code
    assert p.authenticate().json() == value


def test_challenge_against_data_share(lab, node, logs):
    """[CR-016]"""
    logs.expect("SRV0031")
    p = Payment(lab, node, CHALLENGE, "C", threeDSRequestorChallengeInd="06")
    error(p.answer, 502, "203", "transStatus")
    assert p.erros()[0]["errorDetail"] == "transStatus"


def test_unknown_element_in_ares(lab, node):
    """[CR-025]"""
    value = Payment(lab, node, CHALLENGE, "Y", over={"somethingNew": "x"}).answer.json()
    assert value["transStatus"] == "Y" and "somethingNew" not in value


def test_erro_of_the_ds(lab, node, logs):
    """[CR-028]"""
    logs.expect("SRV0030")
    lab.ds.fault("areq", "erro", code="405", component="D", description="ACS away", detail="no connection")
    p = Payment(lab, node, CHALLENGE, "Y")
    value = error(p.answer, 502, "405", "no connection")
    assert value["errorComponent"] == "D" and value["actor"] == "directoryServer"
    time.sleep(0.6)
    assert not lab.ds.records.all("erro")


# --- a DS that misbehaves

@pytest.mark.parametrize("kind,code,status", [("close", "402", 504), ("reset", "402", 504), ("silent", "402", 504),
                                              ("nonsense", "101", 502), ("html", "101", 502), ("huge", "101", 502),
                                              ("bomb", "101", 502),
                                              ("status", "402", 504), (204, "101", 502), (307, "101", 502), (404, "101", 502)])
def test_ds_fault(lab, node, logs, kind, code, status):
    """X-TIME-02, S-35, S-40, X-HTTP-08 [CT-022]"""
    logs.expect("SRV0031", "AH02650", *PROXY_IDS)  # AH02650: mod_deflate on a bomb
    if isinstance(kind, int):
        lab.ds.fault("areq", "status", n=-1, status=kind)
    else:
        lab.ds.fault("areq", kind, n=-1)
    start = time.monotonic()
    p = Payment(lab, node, CHALLENGE, "Y")
    error(p.answer, status, code)
    assert time.monotonic() - start < 4
    assert len(p.areqs()) == 1, "never sent twice"
    if code == "101":
        assert p.erros()[0]["errorCode"] == "101"
    if isinstance(kind, int):
        assert p.erros()[0]["errorDetail"] == p.answer.json()["errorDetail"] == f"HTTP status {kind}, empty body"
    lab.ds.clear()
    assert p.get()["error"]["errorCode"] == code
    answers(lab, "Y")
    assert p.authenticate().status == status and not p.areqs()


def test_gzip(lab, node):
    """S-04: a DS may answer so though nobody asked for it."""
    answers(lab, "Y")
    lab.ds.fault("areq", "gzip")
    p = Payment(lab, node, CHALLENGE, "Y")
    assert (p.answer.status, p.answer.json()["transStatus"]) == (200, "Y"), p.answer


def test_ds_refuses_once(lab, node, logs):
    """[CT-020]"""
    logs.expect(*PROXY_IDS)
    lab.ds.drop_connections()
    lab.ds.fault("connect", "close")
    p = Payment(lab, node, CHALLENGE, "Y")
    assert p.answer.json()["transStatus"] == "Y" and len(p.areqs()) == 1


@pytest.mark.parametrize("how", ["refuse", "pause", "block_connect"])
def test_ds_unreachable(lab, node, logs, how):
    """[CT-021]: TCP refused, TLS hangs, TCP hangs."""
    logs.expect(*PROXY_IDS)
    p = Payment(lab, node, CHALLENGE)
    getattr(lab.ds, how)()
    start = time.monotonic()
    answer = p.authenticate()
    took = time.monotonic() - start
    lab.ds.resume()
    assert answer.status in (503, 504), answer
    assert answer.json()["errorCode"] == ("405" if answer.status == 503 else "402")
    assert took < 6, took
    time.sleep(0.3)
    assert not p.areqs()
    assert p.get()["state"] == "FINAL"


@pytest.mark.parametrize("cert", ["foreign-server", "expired-server", "wrong-name-server"])
def test_ds_not_trusted(lab, node, logs, cert):
    logs.expect(*PROXY_IDS)
    p = Payment(lab, node, CHALLENGE)
    lab.ds.drop_connections()
    lab.ds.fault("connect", "wrong_cert", n=-1, cert=cert)
    error(p.authenticate(), 503, "405")
    assert not p.areqs()


# --- waiting

def test_second_authenticate_waits(lab, node):
    p = Payment(lab, node, CHALLENGE)
    lab.ds.fault("ares", "delay", seconds=0.6)
    answers(lab, "Y")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda _: lab.requestor(node).authenticate(p.id, data()), range(4)))
    assert {a.status for a in got} == {200} and len({a.text for a in got}) == 1
    assert len(p.areqs()) == 1


def test_long_poll(lab, node):
    p = Payment(lab, node, CHALLENGE, "C")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(p.api.get, p.id, 20)
        time.sleep(0.4)
        assert not waiting.done()
        assert p.post(p.rreq()).json()["messageType"] == "RRes"
        start = time.monotonic()
        value = waiting.result().json()
    assert time.monotonic() - start < 1.5
    assert (value["state"], value["transStatus"]) == ("FINAL", "Y")


def test_long_poll_ends(lab, node):
    p = Payment(lab, node, CHALLENGE, "C")
    start = time.monotonic()
    assert p.get(1)["state"] == "CHALLENGE"
    assert 0.9 < time.monotonic() - start < 2
    assert Payment(lab, node, CHALLENGE).get(20)["state"] == "READY", "nothing to wait for"


def test_long_poll_share(lab, node):
    """32 threads, 25 percent: eight wait, the rest is answered at once."""
    p = Payment(lab, node, CHALLENGE, "C")
    spans = []

    def poll():
        start = time.monotonic()
        assert lab.requestor(node).get(p.id, 2).status == 200
        spans.append(time.monotonic() - start)

    threads = [threading.Thread(target=poll) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sum(s > 1.5 for s in spans) == 8, sorted(spans)
    assert sum(s < 1.5 for s in spans) == 12


def test_child_that_goes_lets_waiters_go(lab):
    node = lab.node("leaving", acs=False)
    try:
        p = Payment(lab, node, CHALLENGE, "C")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(p.api.get, p.id, 25)
            time.sleep(0.3)
            start = time.monotonic()
            node.stop(graceful=True)
            assert waiting.result().json()["state"] == "CHALLENGE"
        assert time.monotonic() - start < 5
    finally:
        lab.drop(node)


# --- cancel, acknowledge

def post(p, what):
    return p.api.call("POST", f"/v1/authentications/{p.id}/{what}", {})


def test_cancel(lab, node):
    p = Payment(lab, node, CHALLENGE)
    error(post(p, "acknowledge"), 409, "305")
    assert post(p, "cancel").json()["cancelled"] is True
    assert p.authenticate().json()["state"] == "FINAL" and not p.areqs()


def test_acknowledge(lab, node):
    p = Payment(lab, node, CHALLENGE, "Y")
    assert "authenticationValue" in p.get() and "authenticationValue" in p.get()
    assert post(p, "acknowledge").status == 200
    value = p.get()
    assert "authenticationValue" not in value and value["transStatus"] == "Y"
    assert post(p, "acknowledge").status == 200


# --- what is kept

def test_nothing_in_clear(lab, node):
    p = Payment(lab, node, CHALLENGE, "Y")
    value = p.get()["authenticationValue"].encode()
    for key in lab.redis.client.scan_iter("srv:*"):
        if lab.redis.client.type(key) == b"string":
            stored = lab.redis.client.get(key)
            assert CHALLENGE.encode() not in stored and value not in stored and b"Corner" not in stored
    assert not lab.redis.keys_without_ttl()


def test_tampered_record(lab, node, logs):
    logs.expect("SRV0050")
    p = Payment(lab, node, CHALLENGE, "Y")
    key = f"srv:{{{p.id[:2]}}}:t:{p.id}"
    value = bytearray(lab.redis.client.get(key))
    value[-1] ^= 1
    lab.redis.client.set(key, bytes(value), ex=60)
    assert p.api.get(p.id).status == 503


# --- status

def test_status(lab, node):
    client = lab.client()
    assert client.request("GET", node.srv_status_url + "/health").json() == {"alive": True}
    assert client.request("GET", node.srv_status_url + "/ready").json() == {"ready": True}
    text = client.request("GET", node.srv_status_url + "/metrics").text
    assert re.search(r"^srv_created_total [1-9]", text, re.M)
    assert 'srv_ares_total{transStatus="Y"}' in text
    assert client.request("GET", node.srv_status_url + "/nothing").status == 404


def test_store_away(lab, node, api, logs):
    logs.expect("SRV0050", r"TDS\d{4}")
    lab.redis.hang()
    try:
        start = time.monotonic()
        error(api.create(CHALLENGE), 503, "403")
        assert lab.client().request("GET", node.srv_status_url + "/ready").status == 503
        assert time.monotonic() - start < 3
    finally:
        lab.redis.go_on()
    time.sleep(1.2)
    assert api.create(CHALLENGE).status == 201


# --- configuration

def wrong(node, monkeypatch, text, **options):
    for name, value in options.items():
        monkeypatch.setattr(node.options, name, value)
    rc, out = node.configtest()
    assert rc != 0 and re.search(text, out), out


@pytest.mark.parametrize("options,text", [
    (dict(srv_ds=["ThreeDSDSURL https://localhost:1/x"]), r"ThreeDSDSURL of <ThreeDSDirectoryServer scheme> \(line \d+ of .*\): no <Proxy .* covers it"),
    (dict(srv_ds=["ThreeDSDSURL http://localhost/"]), r"ThreeDSDSURL: must be an absolute https URL"),
    (dict(srv_ds=["ThreeDSCardRange 4000000000000000 4000000000000001 2.2.0"]), r"overlaps"),
    (dict(srv_ds=["ThreeDSDSClientCAFile /nonexistent"]), r"ThreeDSDSClientCAFile: "),
    (dict(main=["ThreeDSStore http://x/"]), r"ThreeDSStore: must be redis"),
    (dict(main=["ThreeDSSupportedVersions 3.0.0"]), r"'3.0.0' is not a protocol version"),
    (dict(main=["ThreeDSSupportedVersions 2.2.0-2.1.0"]), r"'2\.2\.0-2\.1\.0' is not a protocol version"),
    (dict(srv_ds=["ThreeDSDSVersions 2.4.0"]), r"ThreeDSDSVersions: '2\.4\.0' is not a protocol version"),
    (dict(srv_ds=["ThreeDSChecks +luhn"]), r"ThreeDSChecks: there is no check 'luhn'"),
    (dict(srv_ds=["ThreeDSDSValues messageCategorie 80"]), r"ThreeDSDSValues: no message has an element 'messageCategorie'"),
    (dict(proxy="connectiontimeout=2 timeout=14 max=16"), r"more than 30 s: set connectiontimeout=2 timeout=5"),
    (dict(proxy="connectiontimeout=2 max=16"), r"more than 30 s"),
    (dict(proxy="connectiontimeout=2 timeout=5"), r"3dss\">: no max: set max=16 or less"),
    (dict(proxy="connectiontimeout=2 timeout=5 max=17"), r"3dss\">: max=17 is too much: set max=16 or less"),
    (dict(end=["<Location /x>\nThreeDSEndpoint status\nThreeDSUse nobody\n</Location>"]), r"ThreeDSUse: there is no"),
    (dict(srv_ds=["ThreeDSCardRange 4000000000000009 4000000000000001 2.2.0"]), r"start is above end"),
    (dict(srv_ds=["ThreeDSCardRange 5000000000000000 5000000000000009 2.9.0"]), r"is not a version"),
    (dict(srv_ds=["ThreeDSAResTimeout soon"]), r"ThreeDSAResTimeout: 'soon' is not a time"),
    (dict(requestor=["ThreeDSKey secret"]), r"ThreeDSKey: must be sha256:"),
    (dict(requestor=["ThreeDSKey sha256:" + hashlib.sha256(b"x").hexdigest(), "ThreeDSEnvironment staging"]),
     r"must be test or production"),
    (dict(requestor=["ThreeDSReturnOrigin https://shop.test/path"]), r"without a path"),
    (dict(requestor=["ThreeDSMerchant A B"]), r"ThreeDSMerchant: acquirerMerchantID"),
    (dict(main=["ThreeDSServerURL /results"]), r"ThreeDSServerURL: must be an absolute https URL"),
    (dict(main=["ThreeDSEndpoint requestor"]), r"ThreeDSEndpoint not allowed here"),
    (dict(main=["ThreeDSMasterKey file:/nonexistent"]), r"ThreeDSMasterKey: "),
])
def test_wrong_configuration(session_lab, node, monkeypatch, options, text):
    wrong(node, monkeypatch, text, **options)


@pytest.mark.parametrize("first,second,text", [
    ("", "", r"has no ThreeDSDSClientName"),
    ("a.test", "", r"has no ThreeDSDSClientName"),
    ("", "b.test", r"has no ThreeDSDSClientName"),
    ("a.test", "A.test", r"cannot be told from that of <ThreeDSDirectoryServer scheme>"),
    ("any", "b.test", r"cannot be told from that of <ThreeDSDirectoryServer scheme>"),
    ("a.test", "b.test", None),
])
def test_two_under_one_ca(session_lab, node, monkeypatch, first, second, text):
    """A Directory Server is its CA and a name."""
    lab = session_lab
    monkeypatch.setattr(node.options, "ds_names", first)
    monkeypatch.setattr(node.options, "main", [
        "<ThreeDSDirectoryServer second>\nThreeDSEnvironment test",
        f"ThreeDSDSURL {lab.ds.url_3dss}\nThreeDSDSClientCAFile {lab.pki.ca('ds-ca')}",
        second and "ThreeDSDSClientName " + second, "</ThreeDSDirectoryServer>"])
    rc, out = node.configtest()
    assert (rc == 0) if text is None else (rc != 0 and re.search(text, out)), out


def test_without_use(lab, node):
    """Loaded, not used."""
    text = "\n".join(line for line in node_text(node).splitlines() if "ThreeDS" not in line)
    rc, out = node.configtest(text)
    assert rc == 0, out


def node_text(node):
    from lab import conf
    return conf.write(node)
