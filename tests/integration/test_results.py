"""What comes back to the 3DS Server: RReq and Erro of a DS, CRes by the browser. The test plays DS and ACS.
Case ids in brackets are those of the conformance table."""
import concurrent.futures
import json
import time

import pytest

from lab.httpd import CHALLENGE
from lab.merchant import Payment
from lab.procs import wait_until
from sim import messages, net

NODE = dict(acs=False, ares_timeout="1s", proxy="connectiontimeout=1 timeout=2 ttl=30 acquire=500 max=16",
            main=["ThreeDSRetryInterval 1s", "ThreeDSCReqWithin 2s"])


@pytest.fixture
def payment(lab, node):
    """A payment whose challenge is under way."""
    p = Payment(lab, node, CHALLENGE, "C", lab.shop.url + "/return?order=7")
    assert p.answer.json()["state"] == "CHALLENGE", p.answer
    return p


def rres(answer, status="01"):
    assert answer.status == 200 and answer.content_type == "application/json; charset=utf-8"
    value = answer.json()
    assert (value["messageType"], value["resultsStatus"]) == ("RRes", status), value
    return value


def erro(answer, code, detail=None):
    assert answer.status == 200, answer
    value = answer.json()
    assert (value["messageType"], value["errorCode"], value["errorComponent"]) == ("Erro", code, "S"), value
    if detail:
        assert value["errorDetail"] == detail
    return value


# --- RReq

def test_result(lab, payment):
    """S-57, S-62"""
    rreq = payment.rreq("Y")
    value = rres(payment.post(rreq))
    assert set(value) == {"messageType", "messageVersion", "threeDSServerTransID", "dsTransID", "acsTransID",
                          "resultsStatus"}
    assert all(value[n] == rreq[n] for n in ("messageVersion", "threeDSServerTransID", "dsTransID", "acsTransID"))
    got = payment.get()
    assert (got["state"], got["transStatus"], got["eci"]) == ("FINAL", "Y", "05")
    assert got["authenticationValue"] == rreq["authenticationValue"] and got["interactionCounter"] == "01"
    assert got["acsTransID"] == rreq["acsTransID"] and "creq" not in got and "acsURL" not in got
    assert payment.authenticate().json() == got


@pytest.mark.parametrize("status,over,results", [
    ("N", {}, "01"), ("U", {}, "01"), ("A", {}, "01"), ("R", {}, "01"),
    ("N", {"transStatusReason": "14", "challengeCancel": "04"}, "01"),
    ("N", {"transStatusReason": "14", "challengeCancel": "05", "interactionCounter": "00"}, "02"),
    ("N", {"challengeCancel": "01"}, "01"), ("Y", {"somethingNew": "x"}, "01"),
])
def test_other_results(payment, status, over, results):
    """S-58"""
    rres(payment.post(payment.rreq(status, **over)), results)
    got = payment.get()
    assert (got["state"], got["transStatus"]) == ("FINAL", status)
    assert ("authenticationValue" in got) == (status in "YA")
    assert got.get("challengeCancel") == over.get("challengeCancel")


def test_cancelled_by_the_requestor(payment):
    """[CX-018]"""
    assert payment.api.call("POST", f"/v1/authentications/{payment.id}/cancel", {}).json()["cancelled"] is True
    rres(payment.post(payment.rreq("N", transStatusReason="14", challengeCancel="05", interactionCounter="00")), "02")
    assert payment.get()["transStatus"] == "N"


BAD = [
    ({"interactionCounter": None}, "201", "interactionCounter"),                        # [CX-006]
    ({"transStatus": "C"}, "203", "transStatus"),                                       # [CX-009]
    ({"transStatus": "D"}, "203", "transStatus"),                                       # [CX-010]
    ({"transStatus": "N", "transStatusReason": "14"}, "201", "challengeCancel"),        # [CX-012]
    ({"transStatus": "N", "transStatusReason": "14", "challengeCancel": "01"}, "203", "challengeCancel"),  # [CX-013]
    ({"messageVersion": "2.0.0"}, "102", None),                                         # [CX-020]
    ({"transStatus": "N", "transStatusReason": "19", "challengeCancel": "02"}, "203", "challengeCancel"),  # [CX-022]
    ({"transStatus": "N", "transStatusReason": "45"}, "203", "transStatusReason"),      # [CX-030]
    ({"acsTransID": messages.new_id()}, "301", "acsTransID"),                           # [CX-005]
    ({"dsTransID": messages.new_id()}, "301", "dsTransID"),
    ({"messageCategory": "02"}, "203", "messageCategory"),
    ({"authenticationValue": None}, "201", "authenticationValue"),
    ({"authenticationType": None}, "201", "authenticationType"),
    ({"eci": "x"}, "203", "eci"),
    ({"acsTransID": None}, "201", "acsTransID"),
    ({"threeDSServerTransID": None}, "201", "threeDSServerTransID"),
    ({"threeDSServerTransID": "x"}, "203", "threeDSServerTransID"),
    ({"threeDSServerTransID": messages.new_id()}, "301", "threeDSServerTransID"),       # [CX-004]
    ({"messageType": "AReq"}, "101", "Invalid Message for the receiving component"),    # [CX-003]
    ({"messageType": "XReq"}, "101", "Invalid Message Type"),
]


@pytest.mark.parametrize("over,code,detail", BAD)
def test_bad_rreq(payment, logs, over, code, detail):
    logs.expect("SRV0062")
    value = erro(payment.post(payment.rreq(over.get("transStatus", "Y"), **{k: v for k, v in over.items()})), code, detail)
    assert value["messageVersion"] == "2.2.0"
    assert payment.get()["state"] == "CHALLENGE", "not accepted: a corrected one may follow"
    rres(payment.post(payment.rreq()))


def test_not_json(payment, logs):
    """[CX-002]"""
    logs.expect("SRV0062")
    erro(payment.post("}{"), "101", "Invalid Formatted Message")
    erro(payment.post(b""), "101")
    erro(payment.post('{"messageType":"RReq","messageVersion":"2.2.0","messageVersion":"2.2.0"}'), "204", "messageVersion")


def test_second_rreq(payment, logs):
    """S-54 [CX-015]: the first stands."""
    logs.expect("SRV0062")
    first = payment.rreq("Y")
    value = rres(payment.post(first))
    again = payment.post(first)
    assert again.json() == value, "the same bytes again: the same answer"
    erro(payment.post(payment.rreq("N")), "301", "threeDSServerTransID")
    erro(payment.post(json.dumps(first)), "301", "threeDSServerTransID")
    assert payment.get()["transStatus"] == "Y"


def test_race(lab, node, payment, logs):
    """Many at once: one is taken."""
    logs.expect("SRV0062")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda n: payment.post(payment.rreq("Y" if n % 2 else "N", interactionCounter=f"{n:02d}")),
                            range(8)))
    types = [a.json()["messageType"] for a in got]
    assert types.count("RRes") == 1 and types.count("Erro") == 7
    taken = got.index(next(a for a in got if a.json()["messageType"] == "RRes"))
    assert payment.get()["interactionCounter"] == f"{taken:02d}"


@pytest.mark.parametrize("status", ["Y", "N"])
def test_rreq_not_due(lab, node, logs, status):
    """S-53 [CX-017]"""
    logs.expect("SRV0062")
    p = Payment(lab, node, CHALLENGE, status)
    erro(p.post(p.rreq()), "305", "threeDSServerTransID")
    assert p.get()["transStatus"] == status


def test_rreq_before_authenticate(lab, node, logs):
    logs.expect("SRV0062")
    p = Payment(lab, node, CHALLENGE)
    fake = messages.rreq({"messageVersion": "2.2.0", "threeDSServerTransID": p.id, "dsTransID": messages.new_id(),
                          "acsTransID": messages.new_id()})
    erro(p.post(fake), "305")


def test_ares_did_not_reach_the_requestor(lab, node, logs):
    """S-43, S-58 [CX-019]"""
    logs.expect("SRV0031", "SRV0062")
    p = Payment(lab, node, CHALLENGE, "C", over={"acsChallengeMandated": "Z"})
    assert p.answer.status == 502
    rres(p.post(p.rreq("N", transStatusReason="14", challengeCancel="05", interactionCounter="00")), "03")
    assert "transStatus" not in p.get() and p.get()["error"]["errorCode"] == "203"
    erro(p.post(p.rreq("Y")), "301")


def test_ares_lost(lab, node, logs):
    """The DS never answered the AReq, and yet an RReq comes."""
    logs.expect("SRV0032", "AH01102", "AH00898")
    lab.ds.fault("ares", "silent")
    p = Payment(lab, node, CHALLENGE, "C")
    assert p.answer.status == 504
    rres(p.post(p.rreq("N", transStatusReason="14", challengeCancel="05", interactionCounter="00")), "03")


def test_methods(lab, node, logs):
    logs.expect("TDS0401")
    client = lab.client("ds-ca", "ds-client")
    answer = client.request("GET", node.results_url)
    assert answer.status == 405 and answer.headers["allow"] == "POST" and not answer.body
    assert client.request("POST", node.results_url + "/x", b"{}").status == 404
    assert client.request("POST", node.results_url, b" " * 1100000).status == 413


# --- who posts

@pytest.mark.parametrize("cert", [None, "foreign-client", "requestor-client"])
def test_wrong_certificate(payment, logs, cert):
    """[CT-004]"""
    logs.expect(r"AH0\d{4}")
    with pytest.raises(OSError):
        payment.post(payment.rreq(), cert=cert)
    assert payment.get()["state"] == "CHALLENGE"


def test_certificate_of_no_ds(lab, payment, logs):
    """Of the CA, but another name than the DS may bear: 303."""
    logs.expect("SRV0062")
    node = lab.node("named", acs=False, ds_names="other.test")
    try:
        erro(payment.post(payment.rreq(), node=node), "303")
        assert payment.post({"messageType": "Erro"}, node=node).body == b""
    finally:
        lab.drop(node)
    assert payment.get()["state"] == "CHALLENGE"


# --- Erro

def test_erro_instead_of_rreq(payment, logs):
    """S-59 [CX-024] [CT-019]"""
    logs.expect("SRV0061")
    answer = payment.post(messages.erro(payment.ares(), 203, description="RReq was bad", detail="transStatus"))
    assert answer.status == 200 and answer.body == b""
    got = payment.get()
    assert got["state"] == "FINAL" and got["error"]["errorCode"] == "203" and got["error"]["errorComponent"] == "D"
    assert "authenticationValue" not in got


def test_erro_after_rres(payment, logs):
    """S-60"""
    logs.expect("SRV0061")
    rres(payment.post(payment.rreq()))
    assert payment.post(messages.erro(payment.ares(), 402)).body == b""
    got = payment.get()
    assert got["transStatus"] == "Y" and "error" not in got


def test_erro_of_nobody(lab, node, payment, logs):
    logs.expect("SRV0061")
    for message in (messages.erro(None, 101), messages.erro({"threeDSServerTransID": messages.new_id()}, 101),
                    {"messageType": "Erro"}, {"messageType": "Erro", "threeDSServerTransID": 7}):
        answer = payment.post(message)
        assert answer.status == 200 and answer.body == b""
    assert payment.get()["state"] == "CHALLENGE"


# --- browser

def cres(payment, status="Y", pad=False, **over):
    value = messages.b64url({k: v for k, v in dict({
        "messageType": "CRes", "messageVersion": "2.2.0", "threeDSServerTransID": payment.id,
        "acsTransID": payment.ares()["acsTransID"], "transStatus": status}, **over).items() if v is not None})
    return value + "=" * (-len(value) % 4) if pad else value


def notify(lab, payment, fields):
    return lab.browser().post(payment.node.browser_url + "/notify", fields)


@pytest.mark.parametrize("pad", [False, True])
@pytest.mark.parametrize("field", ["cres", "erro", "error"])
def test_notification(lab, payment, pad, field):
    """B-43 [CR-030]"""
    page = notify(lab, payment, {field: cres(payment, pad=pad), "threeDSSessionData": "<b>x</b>"})
    assert page.status == 200
    where = f"{lab.shop.url}/return?order=7&threeDSServerTransID={payment.id}"
    assert page.refresh == (0.0, where)
    link, = [attrs for tag, attrs in page.tags if tag == "a"]
    assert link["href"] == where
    body, = [attrs for tag, attrs in page.tags if tag == "body"]
    assert body["data-origin"] == lab.shop.url and body["data-id"] == payment.id
    assert payment.ares()["acsTransID"] not in page.html and "<b>x" not in page.html
    policy = page.header("content-security-policy")
    assert "default-src 'none'" in policy and "script-src 'nonce-" in policy and "unsafe" not in policy
    assert page.header("cache-control") == "no-store" and page.header("x-content-type-options") == "nosniff"
    assert payment.get()["state"] == "CHALLENGE", "a CRes is only a hint"


@pytest.mark.parametrize("over", [{"threeDSServerTransID": messages.new_id()}, {"acsTransID": messages.new_id()},
                                  {"acsTransID": None}, {"threeDSServerTransID": "<script>"}, {"messageType": "CReq"}])
def test_unknown_notification(lab, payment, over):
    """[CR-031]"""
    page = notify(lab, payment, {"cres": cres(payment, **over)})
    assert page.status == 200 and not page.refresh and lab.shop.url not in page.html


def test_nonsense_notification(lab, payment):
    for fields in ({}, {"cres": ""}, {"cres": "!!"}, {"cres": messages.b64url("[1]")}, {"x": "y"},
                   [("cres", cres(payment)), ("cres", cres(payment))]):
        page = notify(lab, payment, fields)
        assert page.status == 200 and not page.refresh


def test_erro_through_the_browser(lab, payment, logs):
    """B-19: the requestor sees it at once, as a hint; who waits for a change is answered."""
    logs.expect("SRV0081")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waits = pool.submit(lambda: (payment.get(wait=25), time.monotonic()))
        page = notify(lab, payment, {"cres": messages.b64url(messages.erro(payment.ares(), 305, "A", detail="acsTransID"))})
        posted = time.monotonic()
        got, at = waits.result()
    assert page.refresh and at - posted < 5
    for seen in (got, payment.get()):
        assert (seen["state"], seen["transStatus"]) == ("CHALLENGE", "C") and "error" not in seen
        assert seen["hint"] == {"errorCode": "305", "errorComponent": "A", "errorDetail": "acsTransID", "actor": "acs",
                                "errorDescription": seen["hint"]["errorDescription"]}
    rres(payment.post(payment.rreq("Y")))  # the result is the DS's to tell
    assert payment.get()["transStatus"] == "Y"


def test_cres_against_rreq(lab, payment, logs):
    """S-62 [CR-033]"""
    logs.expect("SRV0082")
    rres(payment.post(payment.rreq("N")))
    assert notify(lab, payment, {"cres": cres(payment, "Y")}).refresh
    assert payment.get()["transStatus"] == "N"


def test_without_return_url(lab, node):
    p = Payment(lab, node, CHALLENGE, "C")
    page = notify(lab, p, {"cres": cres(p)})
    body, = [attrs for tag, attrs in page.tags if tag == "body"]
    assert page.status == 200 and not page.refresh and body["data-origin"] == lab.shop.url


def test_hosted_page(lab, payment):
    """B-01, B-02, B-04, S-49"""
    answer = payment.answer.json()
    page = lab.browser().open(answer["challengeUrl"])
    form, = page.forms
    assert page.status == 200 and form.action == answer["acsURL"] and form.method == "post"
    assert form.values() == {"creq": answer["creq"]}
    assert any(tag == "button" for tag, _ in page.tags) and any(tag == "noscript" for tag, _ in page.tags)
    assert "form-action https:" in page.header("content-security-policy")
    again = lab.browser().open(answer["challengeUrl"])  # B-44: a reload must not post the CReq once more
    assert again.status == 410 and again.refresh and again.refresh[1].startswith(lab.shop.url) and not again.forms
    assert payment.get()["creq"] == answer["creq"]
    time.sleep(2.1)
    late = lab.browser().open(answer["challengeUrl"])
    assert late.status == 410 and not late.forms
    assert not {"creq", "acsURL", "challengeUrl"} & set(payment.get())
    rres(payment.post(payment.rreq()))
    done = lab.browser().open(answer["challengeUrl"])
    assert done.status == 200 and done.refresh and not done.forms
    assert payment.rreq()["authenticationValue"] not in done.html


def test_hosted_page_for_nobody(lab, payment):
    """What no cardholder sees does not count."""
    url = payment.answer.json()["challengeUrl"]
    assert lab.client().request("HEAD", url).status == 405
    for name, value in (("Sec-Purpose", "prefetch;prerender"), ("Purpose", "prefetch"), ("X-Purpose", "preview"), ("X-Moz", "prefetch")):
        assert lab.client().request("GET", url, headers={name: value}).status == 503, name
    assert lab.browser().open(url).forms


def test_hosted_page_with_another_token(lab, payment):
    url = payment.answer.json()["challengeUrl"]
    for wrong in (url[:-1] + ("A" if url[-1] != "A" else "B"), url + "A", payment.node.browser_url + "/challenge/x"):
        assert lab.browser().open(wrong).status == 404
    ready = Payment(lab, payment.node, CHALLENGE)
    token = ready.made.json()["browserToken"]
    assert lab.browser().open(f"{payment.node.browser_url}/challenge/{token}").status == 409


# --- time

def test_no_rreq_ever(lab, logs):
    """S-63: unknown, and a late RReq still counts."""
    node = lab.node("short", acs=False, main=["ThreeDSResultHorizon 1s"])
    try:
        p = Payment(lab, node, CHALLENGE, "C")
        time.sleep(1.5)
        got = p.get()
        assert got["state"] == "FINAL" and got["error"]["errorCode"] == "402" and got["transStatus"] == "C"
        rres(p.post(p.rreq("Y")))
        got = p.get()
        assert got["transStatus"] == "Y" and "error" not in got and "authenticationValue" in got
    finally:
        lab.drop(node)


def test_watchdog_ends_it(lab):
    """Nobody asks, and yet the record ends."""
    node = lab.node("short2", acs=False, main=["ThreeDSResultHorizon 1s"])
    try:
        p = Payment(lab, node, CHALLENGE, "C")
        line = rf"SRV0010: \[{p.id}\] CHALLENGE, TIMEOUT: now FINAL"  # by whichever node
        wait_until(lambda: any(n.error_log.has(line) for n in lab.nodes.values()), 10, "end of the transaction")
    finally:
        lab.drop(node)


# --- nodes that die

@pytest.fixture
def points(tmp_path, monkeypatch):
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    path = tmp_path / "points"
    path.write_text("")
    path.chmod(0o666)
    monkeypatch.setenv("TDS_POINT_FILE", str(path))
    return path


@pytest.fixture
def mortal(lab, points):
    node = lab.node("mortal", acs=False, ares_timeout="1s", proxy="connectiontimeout=1 timeout=2 ttl=30 acquire=500 max=16")
    yield node
    node.stop(graceful=True)  # mpm_event may crash when it is told to end at once while connections close
    lab.drop(node)


@pytest.mark.parametrize("point,taken", [("srv.rreq_before_save", False), ("srv.rreq_after_save", True)])
def test_dies_over_an_rreq(lab, mortal, points, point, taken):
    p = Payment(lab, mortal, CHALLENGE, "C")
    old = mortal.children()
    points.write_text(f"{point} kill once\n")
    rreq = p.rreq("Y")
    with pytest.raises((OSError, net.http.client.HTTPException)):
        p.lab.ds.client.request("POST", mortal.results_url, json.dumps(rreq).encode(), fresh=True)
    wait_until(lambda: set(old) - set(mortal.children()), 10, "death of a child")
    assert (p.get()["state"] == "FINAL") == taken
    answer = lab.ds.client.request("POST", mortal.results_url, json.dumps(rreq).encode(),
                                   {"Content-Type": "application/json; charset=utf-8"}, fresh=True)
    rres(answer)
    assert p.get()["transStatus"] == "Y"


@pytest.mark.parametrize("point,state", [("srv.areq_before_save", "READY"), ("srv.areq_sent", "ASKED")])
def test_dies_over_an_areq(lab, mortal, points, point, state):
    p = Payment(lab, mortal, CHALLENGE)
    old = mortal.children()
    points.write_text(f"{point} kill once\n")
    lab.ds.answers = messages.ares
    with pytest.raises((OSError, net.http.client.HTTPException)):
        p.api.client.request("POST", f"{p.api.url}/v1/authentications/{p.id}/authenticate",
                             json.dumps(messages.purchase() | messages.browser()).encode(),
                             {"Authorization": "Bearer " + p.api.key, "Content-Type": "application/json"}, fresh=True)
    wait_until(lambda: set(old) - set(mortal.children()), 10, "death of a child")
    assert p.get()["state"] == state
    if state == "READY":
        assert not p.areqs() and p.authenticate().json()["transStatus"] == "Y"
        return
    answer = p.authenticate()  # waits until the time of the first is up
    assert answer.status == 504 and answer.json()["errorCode"] == "402"
    assert len(p.areqs()) == 1 and p.get()["state"] == "FINAL"
