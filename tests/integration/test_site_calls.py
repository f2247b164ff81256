"""Settings that are meant for the site do not reach the calls that we make ourselves."""
import pytest

from lab.httpd import CHALLENGE
from lab.payment import Payment
from sim import messages

ERRO = (b'{"messageType":"Erro","messageVersion":"2.2.0","errorCode":"404","errorComponent":"D","errorDescription":"Permanent System Failure",'
        b'"errorDetail":"out of order","errorMessageType":"AReq"}')

SITE = ["ProxyPreserveHost On", "ProxyErrorOverride On", "ProxyVia Full", "ProxyAddHeaders On",
        "ErrorDocument 400 /index.html",
        "RequestHeader set X-Site secret-of-the-site", "RequestHeader set X-Early secret-of-the-site early",
        "Header always set X-Out secret-of-the-site", "SetEnv proxy-sendchunked 1", "SetEnv force-proxy-request-1.0 1",
        "SetEnvIf Request_URI . proxy-nokeepalive=1"]
NODE = dict(modules=("env", "setenvif"), main=["ACSRetryInterval 1s", *SITE])

# What a DS is sent, of the kind that HTTP itself needs, and by the specification.
ALLOWED = {"host", "content-type", "content-length", "connection"}


def headers_of(records):
    return [r["headers"] for r in records]


def test_what_peers_are_sent(lab, node):
    """Nothing leaves that the peer did not ask for, whatever the site sets; Host is the peer's own name."""
    p = Payment(lab, CHALLENGE, node)
    p.open()
    p.press(otp=p.otp())
    p.settle()
    for link, point in (("ds", "areq"), ("ds", "rreq")):
        for headers in headers_of(lab.ds.records.all(point)):
            assert set(headers) <= ALLOWED, headers
            assert headers["host"] == lab.ds.url_acs.split("/")[2]
            assert headers["connection"].lower() == "keep-alive"
    for headers in headers_of(lab.issuer.records.all("otp")):
        assert set(headers) <= ALLOWED | {"acs-issuer", "acs-signature", "x-correlation-id", "x-deadline-ms"}, headers
        assert headers["host"] == lab.issuer.url.split("/")[2]


@pytest.mark.parametrize("status", [400, 503])
def test_erro_of_another_status_is_read(lab, node, logs, status):
    """ProxyErrorOverride takes no Erro away from an answer of an error's status: it reaches the requestor."""
    logs.expect("SRV0030", "SRV0050")
    lab.ds.fault("areq", "raw", make=lambda r: (f"HTTP/1.1 {status} Fault\r\nContent-Type: application/json\r\n"
                                                f"Content-Length: {len(ERRO)}\r\n\r\n").encode() + ERRO)
    api = lab.requestor(node)
    made = api.create(CHALLENGE, lab.shop.url + "/return")
    answer = api.authenticate(made.json()["threeDSServerTransID"], {**messages.purchase(), **messages.browser()})
    assert answer.json()["errorCode"] == "404", answer
