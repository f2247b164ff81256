"""Endpoints as HTTP sees them: every way to write a path, HEAD, what is too large, and what a log of requests may hold."""
import http.client
import json
import re
import ssl

import pytest

from lab.challenge import Challenge
from lab.httpd import CHALLENGE
from lab.payment import Payment

FORMATS = "%h \\\"%r\\\" %U %q %f %s"
NODE = dict(main=[f'LogFormat "{FORMATS}" all', 'CustomLog "logs/all.log" all', "LimitRequestBody 60000"])
HEADERS = {"Content-Type": "application/json; charset=utf-8"}


def raw(lab, url, method, target, body=None, headers=()):
    """A request whose target no client library has tidied up."""
    ctx = ssl.create_default_context(cafile=lab.pki.ca("commercial-ca"))
    ctx.load_verify_locations(lab.pki.ca("ds-ca"))
    ctx.load_cert_chain(lab.pki.both("ds-client"))
    conn = http.client.HTTPSConnection("localhost", int(url.rsplit(":", 1)[1].split("/")[0]), context=ctx, timeout=10)
    conn.putrequest(method, target, skip_accept_encoding=True)
    for name, value in dict(headers).items():
        conn.putheader(name, value)
    conn.putheader("Content-Length", str(len(body or b"")))
    conn.endheaders(body)
    answer = conn.getresponse()
    return answer.status, answer.read()


@pytest.mark.parametrize("target", ["/acs/areq", "//acs//areq", "/acs/./areq", "/acs/x/../areq", "/%61cs/%61req", "/acs/areq?x=y",
                                    "/./acs/areq"])
def test_every_way_to_write_a_path(lab, node, target):
    """RFC 3986, 6.2.2: the same path."""
    status, body = raw(lab, node.areq_url, "POST", target, json.dumps(lab.areq(CHALLENGE)).encode(), HEADERS)
    assert (status, json.loads(body)["transStatus"]) == (200, "C")


@pytest.mark.parametrize("target", ["/acs/areq/", "/acs/areqx", "/ACS/areq", "/acs%2fareq", "/acs"])
def test_other_paths(lab, node, target):
    status, _ = raw(lab, node.areq_url, "POST", target, json.dumps(lab.areq(CHALLENGE)).encode(), HEADERS)
    assert status in (403, 404)


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
@pytest.mark.parametrize("module", ["acs_status_url", "srv_status_url"])
def test_head(lab, node, module, path):
    """RFC 9110, 9.3.2: as GET without a body. Balancers probe with it."""
    url, client = getattr(node, module) + path, lab.client()
    full, head = client.request("GET", url), client.request("HEAD", url)
    assert (head.status, head.body, head.content_type) == (200, b"", full.content_type)


def test_head_has_no_effect(lab, node):
    """A page that is handed out once is not used up by HEAD."""
    p = Payment(lab, CHALLENGE, node)
    url = p.answer["challengeUrl"]
    answer = lab.client().request("HEAD", url)
    assert (answer.status, answer.headers["allow"]) == (405, "GET")
    assert lab.client().request("GET", url).status == 200


@pytest.mark.parametrize("size,text", [(50000, "endpoint requestor: a body larger than its limit (16384 bytes)"),
                                       (70000, "endpoint requestor: a body larger than its limit (16384 bytes)")])
def test_too_large_is_logged(lab, node, logs, size, text):
    """413 tells the peer; the operator reads which endpoint and which limit."""
    logs.expect("TDS0401")
    url = node.requestor_url + "/v1/authentications"
    answer = lab.client().request("POST", url, b" " * size, {"Authorization": "Bearer " + lab.KEY, **HEADERS})
    assert (answer.status, answer.body) == (413, b"")
    assert node.log_lines(re.escape(text))


@pytest.mark.parametrize("chunked", [False, True])
def test_limit_of_the_site_is_logged(lab, node, logs, chunked):
    logs.expect("TDS0400")
    body = (b" " * 1000 for _ in range(70)) if chunked else b" " * 70000
    answer = lab.client(ca="ds-ca", cert="ds-client").request("POST", node.areq_url, body, HEADERS)
    assert answer.status == 413
    assert node.log_lines(r"endpoint areq: a body larger than LimitRequestBody \(60000 bytes\)")


def access_lines(node):
    with open(node.root + "/logs/all.log", encoding="utf-8") as f:
        return f.read() + node.access_log.text()


def test_no_account_number_in_logs_of_requests(lab, node):
    """Whatever stands in a path or a query that may be one is masked, in each format."""
    client = lab.client()
    auth = {"Authorization": "Bearer " + lab.KEY}
    for path in (f"/v1/authentications/{CHALLENGE}", f"/v1/authentications?acctNumber={CHALLENGE}", f"/{CHALLENGE}/x?y={CHALLENGE}"):
        assert client.request("GET", node.requestor_url + path, None, auth).status in (404, 405)
    lines = access_lines(node)
    assert "************0002" in lines and CHALLENGE not in lines


def test_no_page_token_in_logs_of_requests(lab, node):
    """Who reads an access log cannot open a page of it, while reload and back go on working: the token is not in it."""
    c = Challenge(lab, CHALLENGE, url=node.areq_url)
    c.open(url=node.challenge_url)
    token = c.token()
    for _ in range(2):
        assert lab.client().request("GET", f"{node.challenge_url}/page/{token}").status == 200
    p = Payment(lab, CHALLENGE, node)
    assert lab.client().request("GET", p.answer["challengeUrl"]).status == 200
    lines = access_lines(node)
    assert "/acs/challenge/page/*" in lines and "/3ds/browser/challenge/*" in lines
    assert token not in lines and p.answer["challengeUrl"].rsplit("/", 1)[1] not in lines
