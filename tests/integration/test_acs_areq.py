"""The DS's endpoint of the ACS: bad input, foreign certificates, profiles. Message faults one by one are the affair of
the golden corpus; here is what the server makes of them."""
import json
import socket
import ssl
import time

import pytest

from lab.challenge import Challenge
from lab.httpd import CHALLENGE, FRICTIONLESS, OUT_OF_RANGE
from sim import messages

NODE = dict(srv=False)


def post(lab, node, body, headers=(), cert="ds-client"):
    client = lab.client(ca="ds-ca", cert=cert)
    return client.request("POST", node.areq_url, body, {"Content-Type": "application/json; charset=utf-8", **dict(headers)})


def refused(answer, code, detail=None):
    """An Erro of the ACS, HTTP status 200."""
    assert answer.status == 200, answer
    message = answer.json()
    assert (message["messageType"], message["errorComponent"], message["errorCode"]) == ("Erro", "A", code), message
    assert message["errorDescription"] and message["errorDetail"]
    assert detail is None or message["errorDetail"] == detail, message
    return message


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"{", b"null", b"\xff\xfe", b'"AReq"', b"{\"messageType\":\"\xff\"}",
                                  b"[" * 100000, b"{\"a\":" * 50 + b"1" + b"}" * 50])
def test_garbage(lab, node, logs, body):
    """[CA-002] [CA-004]"""
    logs.expect("ACS0063")
    refused(post(lab, node, body), "101", "Invalid Formatted Message")


@pytest.mark.parametrize("over,code,detail", [
    ({"messageType": None}, "201", "messageType"),
    ({"messageType": "XReq"}, "101", "Invalid Message Type"),
    ({"messageType": "ARes"}, "101", "Invalid Message for the receiving component"),
    ({"messageVersion": None}, "201", "messageVersion"),
    ({"messageVersion": "2.0.0"}, "102", "2.2.0"),
    ({"messageVersion": "2.9.0"}, "102", "2.2.0"),
    ({"threeDSServerTransID": None}, "201", "threeDSServerTransID"),
    ({"dsTransID": None}, "201", "dsTransID"),
    ({"dsURL": None}, "201", "dsURL"),
    ({"purchaseAmount": 12345}, "203", "purchaseAmount"),
    ({"purchaseDate": "20231345000000"}, "203", "purchaseDate"),
    ({"purchaseCurrency": "999"}, "304", "purchaseCurrency"),
    ({"acctNumber": OUT_OF_RANGE}, "305", "acctNumber"),
    ({"acctNumber": "", "mcc": ""}, "201", "acctNumber,mcc"),
])
def test_message_faults(lab, node, logs, over, code, detail):
    logs.expect("ACS0063")
    areq = lab.areq(FRICTIONLESS)
    areq = {k: v for k, v in {**areq, **over}.items() if v is not None}
    message = refused(post(lab, node, json.dumps(areq)), code, detail)
    for name in ("dsTransID", "threeDSServerTransID"):
        assert message.get(name) == areq.get(name)


def test_duplicate_element(lab, node, logs):
    """[CA-016]"""
    logs.expect("ACS0063")
    text = json.dumps(lab.areq(FRICTIONLESS))[:-1] + ',"acctInfo":{"chAccAgeInd":"01","chAccAgeInd":"02"}}'
    refused(post(lab, node, text), "204", "acctInfo.chAccAgeInd")


def test_unknown_elements_are_not_echoed(lab, node):
    """[CA-051]"""
    answer = post(lab, node, json.dumps(lab.areq(FRICTIONLESS, foo={})))
    assert answer.json()["transStatus"] == "Y" and "foo" not in answer.json()


def test_headers_of_the_ares(lab, node):
    """[CT-013]"""
    answer = post(lab, node, json.dumps(lab.areq(FRICTIONLESS)))
    assert answer.headers["content-type"].replace(" ", "").lower() == "application/json;charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


def test_chunked(lab, node):
    """[CT-012]"""
    body = json.dumps(lab.areq(FRICTIONLESS)).encode()

    def pieces():
        for at in range(0, len(body), 500):
            yield body[at:at + 500]

    answer = post(lab, node, pieces())
    assert answer.json()["transStatus"] == "Y"


def test_methods_and_paths(lab, node):
    """[CT-010]"""
    client = lab.client(ca="ds-ca", cert="ds-client")
    for method in ("GET", "PUT", "DELETE", "HEAD", "OPTIONS"):
        answer = client.request(method, node.areq_url)
        assert (answer.status, answer.body) == (405, b""), method
    assert client.request("POST", node.areq_url + "/x", b"{}").status == 404


def test_too_large(lab, node, logs):
    logs.expect("TDS0401")
    answer = post(lab, node, b" " * (1024 * 1024 + 1))
    assert (answer.status, answer.body) == (413, b"")


def test_too_large_chunked(lab, node, logs):
    logs.expect("TDS0401")

    def pieces():
        for _ in range(40):
            yield b" " * 32768

    try:
        answer = post(lab, node, pieces())
        assert answer.status == 413
    except OSError:
        pass  # closed while we were still sending
    assert post(lab, node, json.dumps(lab.areq(FRICTIONLESS))).json()["transStatus"] == "Y"


def test_body_that_breaks_off(lab, node, logs):
    ctx = ssl.create_default_context(cafile=lab.pki.ca("ds-ca"))
    ctx.load_cert_chain(lab.pki.both("ds-client"))
    with socket.create_connection(("127.0.0.1", node.ds_port)) as raw, \
            ctx.wrap_socket(raw, server_hostname="localhost") as s:
        s.sendall(b"POST /acs/areq HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{\"messageType\"")
    assert post(lab, node, json.dumps(lab.areq(FRICTIONLESS))).json()["transStatus"] == "Y"


# --- certificates

def test_no_certificate(lab, node, logs):
    """[CT-001] A3"""
    logs.expect("AH02008", "AH02261", "AH02042")
    with pytest.raises(OSError):
        post(lab, node, json.dumps(lab.areq(FRICTIONLESS)), cert=None)


def test_foreign_certificate(lab, node, logs):
    """[CT-002] A3"""
    logs.expect("AH02008", "AH02276", "AH02039", "AH02040")
    with pytest.raises(OSError):
        post(lab, node, json.dumps(lab.areq(FRICTIONLESS)), cert="foreign-client")


def test_certificate_of_the_right_ca_but_another_name(lab, node, logs):
    """A3: the CA issues for more than one peer."""
    logs.expect("ACS0063")
    refused(post(lab, node, json.dumps(lab.areq(FRICTIONLESS)), cert="3dss-client"), "303")


def test_browser_needs_no_certificate(lab, node):
    """[CT-009]"""
    assert lab.client().request("GET", node.challenge_url).status == 405


# --- dsURL

@pytest.mark.parametrize("url", ["https://localhost:1/acs", "https://elsewhere.test/acs"])
def test_ds_url_outside_of_the_profile(lab, node, logs, url):
    """Never C, the profile's fallback."""
    logs.expect("ACS0020")
    ares = Challenge(lab, CHALLENGE, dsURL=url).ares
    assert (ares["transStatus"], ares["transStatusReason"]) == ("U", "22"), ares
    assert Challenge(lab, FRICTIONLESS, dsURL=url).ares["transStatus"] == "Y"


def test_ds_url_that_is_no_https(lab, node, logs):
    """F-09: what is posted to is https; a fault is told at the first message that carries the URL."""
    logs.expect("ACS0063")
    erro = Challenge(lab, CHALLENGE, dsURL="http://localhost/acs").ares
    assert (erro["messageType"], erro["errorCode"], erro["errorDetail"]) == ("Erro", "203", "dsURL"), erro


def test_ds_url_is_canonicalised(lab, node):
    c = Challenge(lab, CHALLENGE, dsURL=lab.ds.url_acs.replace("https://localhost", "HTTPS://LOCALHOST"))
    assert c.ares["transStatus"] == "C"
    c.open()
    c.press(otp=c.otp())
    assert c.message()["transStatus"] == "Y" and len(c.rreqs()) == 1


@pytest.mark.parametrize("tail", ["/../3dss", "x", "/%2e%2e/3dss"])
def test_ds_url_does_not_climb(lab, node, logs, tail):
    logs.expect("ACS0020", "ACS0073", "ACS0071", "AH01102")
    ares = Challenge(lab, CHALLENGE, dsURL=lab.ds.url_acs + tail).ares
    assert ares["transStatus"] == "U"


# --- ids

def test_ids_without_regard_to_case(lab, node):
    """[CA-036]"""
    ids = {n: messages.new_id().upper() for n in ("threeDSServerTransID", "dsTransID")}
    c = Challenge(lab, CHALLENGE, **ids)
    assert {n: c.ares[n] for n in ids} == ids
    c.open(c.creq(acsTransID=c.id.upper(), threeDSServerTransID=ids["threeDSServerTransID"].lower()))
    c.press(otp=c.otp())
    assert c.message()["transStatus"] == "Y"


def test_slow_body(lab, session_lab, logs):
    """A peer that drips gets a clear answer, and meanwhile holds one thread."""
    logs.expect("AH01382", "AH00047")
    node = session_lab.node("slow", srv=False, main=["RequestReadTimeout body=1"])
    try:
        ctx = ssl.create_default_context(cafile=lab.pki.ca("ds-ca"))
        ctx.load_cert_chain(lab.pki.both("ds-client"))
        start = time.monotonic()
        with socket.create_connection(("127.0.0.1", node.ds_port)) as raw, \
                ctx.wrap_socket(raw, server_hostname="localhost") as s:
            s.sendall(b"POST /acs/areq HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
            s.settimeout(10)
            answer = s.recv(4096)
        assert time.monotonic() - start < 5
        assert answer.startswith(b"HTTP/1.1 408") and b"\r\n\r\n" in answer, answer
    finally:
        session_lab.drop(node)
