"""Whatever a legal HTTP/1.1 server may answer is read, by every peer that we call (RFC 9110, RFC 9112)."""
import gzip

import pytest

from lab.challenge import Challenge
from lab.httpd import CHALLENGE, FRICTIONLESS
from lab.payment import Payment

NODE = dict(answer_within="6s", main=["ACSRetryInterval 1s"])


def head(reply, *lines, status="HTTP/1.1 200 OK", length=True):
    out = [status, f"Content-Type: {reply.content_type}", *lines]
    if length:
        out.append(f"Content-Length: {len(reply.body)}")
    return ("\r\n".join(out) + "\r\n\r\n").encode()


def interim(*statuses):
    before = "".join(f"HTTP/1.1 {s}\r\nLink: </style.css>; rel=preload\r\n\r\n" for s in statuses).encode()
    return lambda reply: before + head(reply) + reply.body


def plain(*lines, **how):
    return lambda reply: head(reply, *lines, **how) + reply.body


def chunked(size, extension="", trailer="", last=b"0"):
    def make(reply):
        out = head(reply, "Transfer-Encoding: chunked", length=False)
        for i in range(0, len(reply.body), size):
            part = reply.body[i:i + size]
            out += f"{len(part):x}{extension}\r\n".encode() + part + b"\r\n"
        return out + last + b"\r\n" + trailer.encode() + b"\r\n"
    return make


def zipped(reply):
    body = gzip.compress(reply.body)
    return head(reply, "Content-Encoding: gzip", f"Content-Length: {len(body)}", length=False) + body


LEGAL = {
    "103": interim("103 Early Hints"),
    "102": interim("102 Processing"),
    "100-unasked": interim("100 Continue"),
    "several-interim": interim("103 Early Hints", "102 Processing", "103 Early Hints", "100 Continue"),
    "chunked": chunked(7),
    "chunk-extension": chunked(64, extension=';a=b;c="d e"'),
    "trailer": chunked(64, trailer="X-Checksum: 1\r\nX-More: 2\r\n"),
    "long-last-chunk": chunked(64, last=b"0000"),
    "no-reason": plain(status="HTTP/1.1 200 "),
    "odd-reason": plain(status="HTTP/1.1 200 Tout va bien, 100 %"),
    "small-letters": lambda r: head(r).replace(b"Content-Type", b"content-type").replace(b"Content-Length", b"content-length") + r.body,
    "many-headers": plain(*(f"X-Header-{i}: {'v' * 60}" for i in range(60))),
    "blanks": plain("X-Blank:   \t  ", "X-Empty:"),
    "cookie-location": plain("Set-Cookie: a=b; Path=/; Secure", "Location: https://elsewhere.test/x", "Refresh: 0; url=/y"),
    "authenticate": plain('WWW-Authenticate: Basic realm="x"', 'Proxy-Authenticate: Basic realm="y"'),
    "upgrade": plain("Upgrade: h2c", "Connection: upgrade"),
    "alt-svc": plain('Alt-Svc: h3=":443"', "Vary: *", "Age: 7", 'Warning: 199 - "w"', "Via: 1.1 gate"),
    "gzip": zipped,
}
CLOSING = {
    "close": plain("Connection: close"),
    "until-close": lambda r: head(r, "Connection: close", length=False) + r.body,
    "http-1.0": plain(status="HTTP/1.0 200 OK"),
    "http-1.0-until-close": plain(status="HTTP/1.0 200 OK", length=False),
}
ANSWERS = [*((n, m, False) for n, m in LEGAL.items()), *((n, m, True) for n, m in CLOSING.items())]


@pytest.mark.parametrize("make,last", [pytest.param(m, last, id=n) for n, m, last in ANSWERS])
def test_every_peer(lab, node, logs, make, last):
    """The Directory Server's ARes and RRes, and the answer of the SMS gateway."""
    for point in ("areq", "rreq"):
        lab.ds.fault(point, "raw", make=make, last=last)
    lab.issuer.fault("otp", "raw", make=make, last=last)
    assert Payment(lab, CHALLENGE, node).pay()["transStatus"] == "Y"
    assert len(lab.ds.records.all("rreq")) == 1, "an RReq that was answered is not sent again"
    assert len(lab.issuer.inbox()) == 1
    assert not node.log_lines(r"exit signal")


def test_endless_interim_answers_end(lab, node, logs):
    """A peer that sends nothing but 1xx is broken: that call fails, and nothing else does."""
    logs.expect("ACS0071", "ACS0073", "AH01114", "AH00898", "AH10124", "AH01102", "AH01110")
    c = Challenge(lab, CHALLENGE, url=node.areq_url)
    c.open(url=node.challenge_url)
    lab.ds.fault("rreq", "raw", make=interim(*["103 Early Hints"] * 200))
    c.press(otp=c.otp())
    c.settle()
    assert c.message()["transStatus"] == "Y"
    assert lab.ds.post_acs(lab.areq(FRICTIONLESS), url=node.areq_url).json()["transStatus"] == "Y"
    assert not node.log_lines(r"exit signal")


def test_switching_protocols_is_no_answer(lab, node, logs):
    """Nobody asked for another protocol: what follows a 101 is no HTTP (RFC 9110, 15.2.2)."""
    logs.expect("ACS0071", "ACS0073", "AH01114", "AH00898", "AH10124", "AH01102", "AH01110")
    c = Challenge(lab, CHALLENGE, url=node.areq_url)
    c.open(url=node.challenge_url)
    lab.ds.fault("rreq", "raw", make=lambda r: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n\0\1\2", last=True)
    c.press(otp=c.otp())
    c.settle()
    assert c.message()["transStatus"] == "Y"
    assert not node.log_lines(r"exit signal")
