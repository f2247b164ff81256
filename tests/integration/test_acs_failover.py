"""Redis fails over in mid-challenge: it hangs, dies and comes back with its data, or becomes a replica that refuses to write."""
import json
import time

import pytest
from lab.challenge import Challenge
from lab.httpd import CHALLENGE, FRICTIONLESS
from lab.procs import wait_until
from lab.redis_server import RedisServer

OPTIONS = dict(srv=False, answer_within="2s", first_creq_timeout="20s", challenge_timeout="20s",
               main=["ACSRetryInterval 1s", "ACSRResTimeout 1s", "ACSLease 4s"],
               proxy="connectiontimeout=1 timeout=2 ttl=30 acquire=500 max=32")


@pytest.fixture(scope="module")
def kept(session_lab):
    """A Redis that keeps its data over a restart."""
    server = RedisServer(session_lab.directory + "/kept", "appendonly yes\nappendfsync always").start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def kept_node(session_lab, kept):
    node = session_lab.node("kept", store=kept.url, **OPTIONS)
    yield node
    session_lab.drop(node)


class Hang:
    def away(self, redis):
        redis.hang()

    def back(self, redis):
        redis.go_on()


class Crash:
    def away(self, redis):
        redis.process.kill()

    def back(self, redis):
        redis.start()


class Replica:
    """Of a master that is not there: it still answers reads, and refuses to write."""

    def away(self, redis):
        redis.client.execute_command("REPLICAOF", "127.0.0.1", "1")

    def back(self, redis):
        redis.client.execute_command("REPLICAOF", "NO", "ONE")


def ready(lab, node):
    return lab.client().request("GET", node.acs_status_url + "/ready").status


@pytest.mark.parametrize("how", [Hang, Crash, Replica], ids=lambda c: c.__name__.lower())
def test_between_creq_and_code(lab, kept, kept_node, logs, how):
    """At once a clear page, an Erro 403 for the DS, and readiness red; afterwards the same form goes through, and there is
    one RReq."""
    node = kept_node
    logs.expect("ACS0063", "ACS0080", "ACS0090", "TDS0201")
    others = [Challenge(lab, CHALLENGE, url=node.areq_url) for _ in range(5)]
    for c in others:
        c.open()
    c = Challenge(lab, CHALLENGE, url=node.areq_url)
    c.open()
    otp, form, page = c.otp(), c.page.form(with_field="otp"), c.page
    assert ready(lab, node) == 200
    how().away(kept)
    try:
        for turn in range(3):
            start = time.monotonic()
            refused = lab.ds.post_acs(lab.areq(FRICTIONLESS), url=node.areq_url).json()
            assert refused["messageType"] == "Erro" and refused["errorCode"] == "403", refused
            assert time.monotonic() - start < 1.5, "the DS waited"
            start = time.monotonic()
            c.page = c.browser.submit(form, button="submit", page=page, otp=otp)
            assert time.monotonic() - start < 1.5, "the cardholder waited"
            assert c.page.status == 503 and not c.page.forms and "cres" not in c.page.html, c.page.html[:300]
            assert len(c.page.text) > 20, "an empty page"
        assert ready(lab, node) == 503
        assert not c.rreqs()
    finally:
        how().back(kept)
    wait_until(lambda: all(ready(lab, node) == 200 for _ in range(10)), 5, "readiness of all children")
    c.page = c.browser.submit(form, button="submit", page=page, otp=otp)
    c.settle()
    assert c.message()["transStatus"] == "Y"
    assert c.rreq()["interactionCounter"] == "01"
    for other in others:  # none is lost
        other.press(otp=other.otp())
        other.settle()
        assert other.message()["transStatus"] == "Y"
    assert lab.ds.post_acs(lab.areq(FRICTIONLESS), url=node.areq_url).json()["transStatus"] == "Y"
    for one in [c, *others]:
        assert len({json.dumps(m, sort_keys=True) for m in one.rreqs()}) == 1, one.rreqs()


@pytest.mark.parametrize("how", [Crash, Replica], ids=lambda c: c.__name__.lower())
def test_time_limit_in_the_meantime(lab, kept, kept_node, session_lab, logs, how):
    """A time limit that falls due while nothing can be written is kept as soon as it can, once."""
    logs.expect("ACS0063", "ACS0080", "ACS0090", "TDS0201")
    node = session_lab.node("kept-short", store=kept.url, **{**OPTIONS, "first_creq_timeout": "1s"})
    try:
        c = Challenge(lab, CHALLENGE, url=node.areq_url)
        how().away(kept)
        time.sleep(2.5)
        assert not c.rreqs()
        how().back(kept)
        rreq = c.rreq()
        assert (rreq["transStatus"], rreq["transStatusReason"], rreq["challengeCancel"]) == ("N", "14", "05")
        time.sleep(1.5)
        assert len(c.rreqs()) == 1
    finally:
        session_lab.drop(node)
