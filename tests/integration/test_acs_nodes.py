"""Several httpd nodes on one Redis: any request of a transaction at any node, nodes that die, Redis that goes."""
import concurrent.futures
import json
import os
import pathlib
import threading
import time
import urllib.parse

import pytest

from lab.challenge import Challenge
from lab.httpd import CHALLENGE, FRICTIONLESS

OPTIONS = dict(srv=False, answer_within="2s", main=["ACSRetryInterval 1s", "ACSRResTimeout 1s", "ACSLease 4s"],
               proxy="connectiontimeout=1 timeout=2 ttl=30 acquire=500 max=32")


@pytest.fixture(scope="module")
def two(session_lab):
    """Two nodes with the same public URL settings; the second answers for the first."""
    a = session_lab.node("a", **OPTIONS)
    b = session_lab.node("b", **OPTIONS)
    yield a, b
    session_lab.drop(b)
    session_lab.drop(a)


def at(node, url):
    """The same path at another node."""
    return node.challenge_url + url.split("/acs/challenge", 1)[1]


def enter(c, node, otp, form=None):
    form = form or c.page.form(with_field="otp")
    form.action = at(node, form.action)
    c.page = c.browser.submit(form, button="submit", otp=otp)
    return c.page


def test_areq_here_creq_there(lab, two):
    """A4"""
    a, b = two
    c = Challenge(lab, CHALLENGE, url=a.areq_url)
    c.open(url=b.challenge_url)
    enter(c, a, c.otp())
    assert c.message()["transStatus"] == "Y"
    assert len(c.rreqs()) == 1


def test_fifty_at_once(lab, two):
    """A4: none lost or mixed."""
    a, b = two

    def one(n):
        c = Challenge(lab, CHALLENGE, url=(a, b)[n % 2].areq_url, purchaseAmount=str(1000 + n))
        c.open(url=(b, a)[n % 2].challenge_url)
        assert f"{10 + n // 100}.{n % 100:02d} EUR" in c.page.text
        if n % 3 == 0:
            enter(c, a, c.wrong())
        enter(c, (a, b)[n // 2 % 2], c.otp())
        return n, c

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        done = list(pool.map(one, range(50)))
    for n, c in done:
        cres, rreq = c.message(), c.rreqs()
        assert cres["transStatus"] == "Y" and cres["acsTransID"] == c.id
        assert len(rreq) == 1 and rreq[0]["threeDSServerTransID"] == c.areq["threeDSServerTransID"]
        assert rreq[0]["interactionCounter"] == ("02" if n % 3 == 0 else "01")


@pytest.mark.parametrize("turn", range(6))
def test_right_and_wrong_at_once(lab, two, turn):
    """Two answers of one page at two nodes: one outcome."""
    a, b = two
    c = Challenge(lab, CHALLENGE)
    c.open(url=a.challenge_url)
    otp, wrong, token = c.otp(), c.wrong(), c.token()
    go = threading.Barrier(2)

    def post(node, code):
        browser = lab.browser()
        go.wait()
        return browser.post(node.challenge_url + "/form", {"token": token, "otp": code, "action": "submit"})

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        pages = list(pool.map(post, (a, b), (otp, wrong) if turn % 2 else (wrong, otp)))
    rreqs = c.rreqs()
    assert len(rreqs) == 1 and rreqs[0]["transStatus"] == "Y"
    assert rreqs[0]["interactionCounter"] in ("01", "02")
    c.page = pages[1 - turn % 2]
    c.settle()
    assert c.message()["transStatus"] == "Y"


def test_redis_away(lab, two, logs):
    """Erro 403 at once, a clear page, readiness red; nothing hangs, nothing is lost."""
    a, _ = two
    logs.expect("ACS0063", "ACS0090", "TDS0201")
    c = Challenge(lab, CHALLENGE)
    c.open(url=a.challenge_url)
    otp, page = c.otp(), c.page
    status = lab.client()
    assert status.request("GET", a.acs_status_url + "/ready").status == 200
    lab.redis.stop()
    try:
        start = time.monotonic()
        refused = lab.ds.post_acs(lab.areq(FRICTIONLESS), url=a.areq_url).json()
        assert refused["messageType"] == "Erro" and refused["errorCode"] == "403"
        enter(c, a, otp)
        assert c.page.status == 503 and "cres" not in c.page.html
        assert status.request("GET", a.acs_status_url + "/ready").status == 503
        assert status.request("GET", a.acs_status_url + "/health").status == 200
        assert time.monotonic() - start < 3
    finally:
        lab.redis.start()
    time.sleep(0.6)
    again = lab.ds.post_acs(lab.areq(FRICTIONLESS), url=a.areq_url).json()
    assert again["transStatus"] == "Y"
    assert status.request("GET", a.acs_status_url + "/ready").status == 200
    c.page = page
    enter(c, a, otp)  # Redis came back empty: the transaction is gone, and that is said
    assert c.page.status == 400 and "cres" not in c.page.html


def test_redis_slow(lab, two, logs):
    a, _ = two
    logs.expect("ACS0063", "TDS0201")
    lab.redis.client.execute_command("CLIENT", "PAUSE", "1500", "ALL")
    start = time.monotonic()
    refused = lab.ds.post_acs(lab.areq(FRICTIONLESS), url=a.areq_url).json()
    assert refused["messageType"] == "Erro" and refused["errorCode"] == "403"
    assert time.monotonic() - start < 1.4
    time.sleep(2)
    assert lab.ds.post_acs(lab.areq(FRICTIONLESS), url=a.areq_url).json()["transStatus"] == "Y"


def test_rollback_of_a_record(lab, two, logs):
    """A7: a value put back at an older version, moved or changed is refused."""
    a, _ = two
    logs.expect("ACS0090", "ACS0080", "TDS0201")
    c, other = Challenge(lab, CHALLENGE), Challenge(lab, CHALLENGE)
    c.open(url=a.challenge_url)
    other.open(url=a.challenge_url)
    redis = lab.redis.client
    key = f"acs:{{{c.id[:2]}}}:t:{c.id}"
    other_key = f"acs:{{{other.id[:2]}}}:t:{other.id}"
    old = redis.get(key)
    enter(c, a, c.wrong())
    page, new, foreign = c.page, redis.get(key), redis.get(other_key)
    for value in (old, foreign, new[:-1] + bytes([new[-1] ^ 1]), new[:40] + bytes([new[40] ^ 128]) + new[41:],
                  new[:4] + old[4:12] + new[12:], b"", new[:20]):
        redis.set(key, value, keepttl=True)
        c.page = page
        enter(c, a, c.otp())
        assert c.page.status == 400 and "cres" not in c.page.html, value[:12]
    redis.set(key, new, keepttl=True)
    c.page = page
    enter(c, a, c.otp())
    assert c.message()["transStatus"] == "Y"


def test_every_key_has_a_ttl_and_nothing_in_clear(lab, two):
    """A7"""
    a, _ = two
    c = Challenge(lab, CHALLENGE)
    c.open(url=a.challenge_url)
    enter(c, a, c.otp())
    redis = lab.redis.client
    for key in redis.keys("*"):
        assert redis.ttl(key) > 0, key
    assert json.dumps(c.message())


# --- kill -9 at named points

POINTS = ("acs.before_save", "acs.after_save", "acs.rreq_sent", "acs.before_answer")


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(lab, session_lab, logs, point):
    """A5: the RReq has one outcome, and the cardholder's reload ends at the shop."""
    logs.expect("AH00052", "ACS0072", "AH00051")
    points = pathlib.Path(lab.directory, "points-" + point)
    points.mkdir()
    points.chmod(0o777)
    file = points / "file"
    os.environ["TDS_POINT_FILE"] = str(file)
    node = session_lab.node("killed-" + point.replace(".", "-"), children=2, **OPTIONS)
    try:
        c = Challenge(lab, CHALLENGE, url=node.areq_url)
        c.open(url=node.challenge_url)
        otp, form = c.otp(), c.page.form(with_field="otp")
        file.write_text(f"{point} kill once\n")
        os.chmod(file, 0o644)
        with pytest.raises(OSError):
            lab.browser().open(form.action, "POST", urllib.parse.urlencode(
                {**form.values(), "otp": otp, "action": "submit"}).encode(),
                {"Content-Type": "application/x-www-form-urlencoded"})
        assert os.path.exists(f"{file}.{point}.taken")
        file.write_text("")
        deadline = time.monotonic() + 20
        while True:
            try:
                c.browser = lab.browser()
                c.page = c.browser.post(form.action, {**form.values(), "otp": otp, "action": "submit"})
                c.settle()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.3)
        assert c.message()["transStatus"] == "Y"
        c.rreq()
        time.sleep(1)
        assert len({json.dumps(m, sort_keys=True) for m in c.rreqs()}) == 1, "the same bytes, however often"
        assert c.rreqs()[0]["transStatus"] == "Y"
    finally:
        del os.environ["TDS_POINT_FILE"]
        session_lab.drop(node)
