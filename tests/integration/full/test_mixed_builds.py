"""A release is rolled out node by node: this build and an older one on one Redis, one of them killed now and then. No payment is
lost, and none is reported twice."""
import concurrent.futures
import os
import random
import shutil
import subprocess
import time

import pytest

from lab.challenge import Challenge
from lab.httpd import CHALLENGE
from lab.lab import SOURCE
from sim import messages

OLD = "2cc8984"  # the last commit before records keep rows of newer releases
PAYMENTS = 200
OPTIONS = dict(srv=False, answer_within="4s", children=2, children_max=4, main=["ACSRetryInterval 1s", "ACSRResTimeout 2s", "ACSLease 6s"],
               proxy="connectiontimeout=1 timeout=3 ttl=30 acquire=500 max=32")


@pytest.fixture(scope="module")
def old_build(tmp_path_factory):
    where = str(tmp_path_factory.mktemp("old"))
    subprocess.run(["git", "-C", SOURCE, "worktree", "add", "-q", "--detach", where + "/src", OLD], check=True)
    try:
        for argv in (["autoreconf", "-fi"], ["./configure", "-q"], ["make", "-s", "-j2"]):
            subprocess.run(argv, cwd=where + "/src", check=True, stdin=subprocess.DEVNULL, capture_output=True)
        yield where + "/src"
    finally:
        shutil.rmtree(where + "/src", ignore_errors=True)
        subprocess.run(["git", "-C", SOURCE, "worktree", "prune"], check=False)


def at(node, url):
    return node.challenge_url + url.split("/acs/challenge", 1)[1]


def repeated(step, tries=60):
    """What a DS or a browser does when the connection fails, or a node says that it is not ready: once more."""
    for left in range(tries, 0, -1):
        try:
            return step()
        except (OSError, AssertionError, LookupError):
            if left == 1:
                raise
            time.sleep(0.2)


def pay(lab, nodes, number):
    """Each request at a node that chance picks."""
    pick = random.Random(number)

    def begin():
        c = Challenge(lab, CHALLENGE, url=pick.choice(nodes).areq_url, purchaseAmount=str(1000 + number))
        assert c.ares.get("transStatus") == "C", c.ares
        return c

    def opened():
        """Up to 2.2.0 a CReq may come once (B-30): whose connection breaks there, begins anew in the shop."""
        c = begin()
        page = c.open(url=pick.choice(nodes).challenge_url)
        assert page.status == 200 and page.form(with_field="otp")
        return c

    c = repeated(opened)
    otp, form = c.otp(), c.page.form(with_field="otp")

    def entered():
        form.action = at(pick.choice(nodes), form.action)
        c.page = c.browser.submit(form, button="submit", otp=otp)
        assert c.page.status == 200

    def settled():
        while c.page.refresh and not c.page.forms:
            time.sleep(c.page.refresh[0])
            c.page = c.browser.open(at(pick.choice(nodes), c.page.refresh[1]))
        assert c.page.form(with_field="cres")

    repeated(entered)
    repeated(settled)
    return c


def test_rolling_release(lab, session_lab, logs, old_build):
    logs.expect(r"AH\d{5}", r"ACS\d{4}", r"TDS\d{4}", "exit signal")
    new = session_lab.node("new", **OPTIONS)
    pages = shutil.copytree(old_build + "/conf/templates", os.path.join(session_lab.directory, "old-templates"))
    old = session_lab.node("old", templates=pages, build=old_build, of_release=("ThreeDSEnvironment",), **OPTIONS)
    lab.ds.answers_rreq = messages.rres
    ended = []
    try:
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            runs = [pool.submit(pay, lab, (new, old), n) for n in range(PAYMENTS)]
            for node in (new, old) * 5:
                done = sum(r.done() for r in runs)
                while sum(r.done() for r in runs) < min(done + PAYMENTS // 12, PAYMENTS):
                    time.sleep(0.05)
                if not all(r.done() for r in runs):
                    node.kill_child()
            ended = [r.result() for r in runs]
        results = [c.message()["transStatus"] for c in ended]
        assert results.count("Y") == PAYMENTS, [s for s in results if s != "Y"]
        for c in ended:
            told = {(m["transStatus"], m.get("authenticationValue")) for m in (lab.ds.wait("rreq", timeout=30, acsTransID=c.id) and c.rreqs())}
            assert len(told) == 1, "one outcome, however often a node repeats its report"
        assert len({c.id for c in ended}) == PAYMENTS
    finally:
        session_lab.drop(old)
        session_lab.drop(new)
