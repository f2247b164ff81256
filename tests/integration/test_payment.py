"""Payments through both modules."""
import concurrent.futures
import os
import pathlib
import time

import pytest

from lab.httpd import CHALLENGE, FRICTIONLESS, REJECT
from lab.payment import Payment, metric

OPTIONS = dict(children=2, answer_within="2s",
               main=["ACSRetryInterval 1s", "ACSRResTimeout 2s", "ACSLease 7s"],
               proxy="connectiontimeout=1 timeout=4 ttl=30 acquire=500 max=32")
RREQS = 'srv_rreq_total{answer="rres"}'


@pytest.fixture(scope="module", params=[False, True], ids=["acs first", "3DS Server first"])
def both(session_lab, request):
    """Two nodes with both modules on one Redis; in either load order."""
    nodes = [session_lab.node(f"both{i}-{request.param:d}", srv_first=request.param, **OPTIONS) for i in range(2)]
    session_lab.ds.set_acs(nodes[0].areq_url)
    yield nodes
    for node in nodes:
        session_lab.drop(node)


@pytest.fixture(autouse=True)
def acs_of_the_ds(lab, request):
    if "both" in request.fixturenames:
        lab.ds.set_acs(request.getfixturevalue("both")[0].areq_url)


def test_frictionless(lab, both):
    p = Payment(lab, FRICTIONLESS, both[0])
    assert p.answer["transStatus"] == "Y" and len(p.answer["authenticationValue"]) == 28
    assert p.result()["state"] == "FINAL"


def test_rejected(lab, both):
    assert Payment(lab, REJECT, both[0]).result()["transStatus"] == "R"


def test_challenge(lab, both):
    p = Payment(lab, CHALLENGE, both[0])
    assert p.answer["transStatus"] == "C" and "authenticationValue" not in p.answer
    p.open()
    p.press(otp=p.otp())
    p.settle()
    assert p.message()["transStatus"] == "Y"
    p.back()
    result = p.result()
    assert (result["transStatus"], result["interactionCounter"], result["eci"]) == ("Y", "01", "05")
    assert lab.ds.wait("areq")[0]["peer"] == "3dss-client.test"  # A3: the DS sees whose certificate it is
    assert lab.ds.wait("rreq")[0]["peer"] == "acs-client.test"


def test_nobody_comes(lab, session_lab):
    """A6, seen from the requestor."""
    node = session_lab.node("nobody", first_creq_timeout="1s", challenge_timeout="2s", **OPTIONS)
    lab.ds.set_acs(node.areq_url)
    try:
        p, q = Payment(lab, CHALLENGE, node), Payment(lab, CHALLENGE, node)
        q.open()
        for payment, cancel in ((p, "05"), (q, "04")):
            r = payment.result(10)
            assert (r["transStatus"], r["transStatusReason"], r["challengeCancel"]) == ("N", "14", cancel)
        q.press(otp=q.otp())
        q.settle()
        assert q.message()["transStatus"] == "N"
        q.back()
    finally:
        session_lab.drop(node)


def test_fifty_over_two_nodes(lab, both):
    """A4"""
    before = sum(metric(lab, n.srv_status_url, RREQS) for n in both)

    def one(n):
        p = Payment(lab, CHALLENGE, both[n % 2], both[1 - n % 2], purchaseAmount=str(2000 + n))
        p.open()
        assert f"{20 + n // 100}.{n % 100:02d} EUR" in p.page.text
        p.press(otp=p.otp())
        p.settle()
        assert p.message()["transStatus"] == "Y"
        p.page.form(with_field="cres")
        return p

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        done = list(pool.map(one, range(50)))
    for p in done:
        r = p.result()
        assert (r["transStatus"], r["state"], r["acsTransID"]) == ("Y", "FINAL", p.acs_id)
    assert len({p.id for p in done}) == 50
    assert sum(metric(lab, n.srv_status_url, RREQS) for n in both) - before == 50


# --- kill -9 of the serving child

POINTS = ("acs.before_save", "acs.after_save", "acs.rreq_sent", "acs.before_answer",
          "srv.rreq_after_save")


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(lab, session_lab, logs, point):
    """A5: the RReq takes effect once at the 3DS Server, and the cardholder's reload ends at the shop."""
    logs.expect("AH00052", "ACS0072", "ACS0071", "ACS0073", "AH01102", "AH00898")
    points = pathlib.Path(lab.directory, "both-" + point)
    points.mkdir()
    points.chmod(0o777)
    file = points / "file"
    os.environ["TDS_POINT_FILE"] = str(file)
    acs = session_lab.node("acs-" + point, srv=False, **OPTIONS)
    srv = session_lab.node("srv-" + point, acs=False, **dict(OPTIONS, main=[]))
    lab.ds.set_acs(acs.areq_url)
    try:
        p = Payment(lab, CHALLENGE, srv, acs)
        p.open()
        otp, form = p.otp(), p.page.form(with_field="otp")
        file.write_text(f"{point} kill once\n")
        fields = {**form.values(), "otp": otp, "action": "submit"}
        deadline = time.monotonic() + 20
        while True:  # the cardholder reloads
            try:
                p.browser = lab.browser()
                p.page = p.browser.post(form.action, fields)
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.3)
        assert os.path.exists(f"{file}.{point}.taken"), "the point was not reached"
        p.settle()
        assert p.message()["transStatus"] == "Y"
        p.back()
        r = p.result(15)
        assert (r["transStatus"], r["state"]) == ("Y", "FINAL"), r
        time.sleep(1)
        assert p.result() == r
        assert metric(lab, srv.srv_status_url, RREQS) <= 1
    finally:
        del os.environ["TDS_POINT_FILE"]
        session_lab.drop(srv)
        session_lab.drop(acs)
