"""Time limits of the ACS, with short values, and delivery of the RReq to a DS that misbehaves."""
import time

import pytest

from lab.challenge import Challenge
from lab.httpd import CHALLENGE
from test_acs_versions import IN_231

NODE = dict(srv=False, supported="2.1.0,2.2.0,2.3.1", first_creq_timeout="2s", challenge_timeout="3s", answer_within="2s",
            main=["ACSRetryInterval 1s", "ACSRResTimeout 1s", "ACSLease 6s"],
            proxy="connectiontimeout=2 timeout=2 ttl=30 acquire=500 max=32")


def erro(c, code):
    message = c.message()
    assert (message["messageType"], message["errorCode"]) == ("Erro", code), message


def result(rreq):
    return rreq["transStatus"], rreq.get("transStatusReason"), rreq.get("challengeCancel"), rreq["interactionCounter"]


# --- nobody comes

def test_no_creq(lab, node, logs):
    """[CB-017] [CB-018]"""
    logs.expect("ACS0091")
    c = Challenge(lab, CHALLENGE)
    assert result(c.rreq()) == ("N", "14", "05", "00")
    c.open()
    erro(c, "402")
    time.sleep(1.5)
    assert len(c.rreqs()) == 1


def test_cardholder_silent(lab, node):
    """[CB-019] [CB-020]"""
    c = Challenge(lab, CHALLENGE)
    c.open()
    assert result(c.rreq()) == ("N", "14", "04", "00")
    c.press(otp=c.otp())
    c.settle()
    assert c.message()["transStatus"] == "N"
    assert len(c.rreqs()) == 1


def test_page_reloads_after_the_limit(lab, node):
    """B-21: every page has a timed reload that ends with the CRes."""
    c = Challenge(lab, CHALLENGE)
    c.open()
    seconds, url = c.page.refresh
    assert 5 <= seconds <= 9 and url.startswith(node.challenge_url + "/page/")
    c.rreq()
    c.page = c.browser.open(url)
    c.settle()
    assert c.message()["transStatus"] == "N"


def test_activity_restarts_the_time(lab, node):
    """[CB-022]"""
    c = Challenge(lab, CHALLENGE)
    c.open()
    for _ in range(2):
        time.sleep(2)
        c.press(otp=c.wrong())
        assert c.page.form(with_field="otp")
    time.sleep(2)
    c.press(otp=c.otp())
    assert c.message()["transStatus"] == "Y"


def test_creq_again_restarts_the_time(lab, node):
    """[B-31] [X-TIME-08] a page that is shown again is a page: its time begins anew"""
    c = Challenge(lab, CHALLENGE, **IN_231)
    c.open()
    for _ in range(2):
        time.sleep(2)
        c.open()
    time.sleep(2)
    c.press(otp=c.otp())
    assert c.message()["transStatus"] == "Y"
    assert c.rreq()["interactionCounter"] == "01" and len(c.rreqs()) == 1


def test_creq_again_after_silence(lab, node, logs):
    logs.expect("ACS0091")
    c = Challenge(lab, CHALLENGE)
    c.open()
    c.rreq()
    c.open()
    assert c.message()["transStatus"] == "N"


def test_erro_from_ds_ends_it(lab, node, logs):
    """[CO-025]"""
    logs.expect("ACS0062", "ACS0091")
    c = Challenge(lab, CHALLENGE)
    answer = lab.ds.post_acs({"messageType": "Erro", "messageVersion": "2.2.0", "errorCode": "203",
                              "errorComponent": "D", "errorDescription": "x", "errorDetail": "x",
                              "errorMessageType": "ARes", "threeDSServerTransID": c.areq["threeDSServerTransID"],
                              "dsTransID": c.areq["dsTransID"], "acsTransID": c.id})
    assert (answer.status, answer.body) == (200, b"")
    c.open()
    erro(c, "305")
    time.sleep(3)
    assert not c.rreqs()


# --- the DS misbehaves

def entered(lab):
    c = Challenge(lab, CHALLENGE)
    c.open()
    c.press(otp=c.otp())
    return c


def test_ds_refuses(lab, node, logs):
    """[CB-031]"""
    logs.expect("ACS0073", "AH00957", "AH01114")
    c = Challenge(lab, CHALLENGE)
    c.open()
    otp = c.otp()
    lab.ds.refuse()
    start = time.monotonic()
    c.press(otp=otp)
    assert c.page.refresh and not c.page.forms, "the processing page"
    c.settle()
    assert c.message()["transStatus"] == "Y", "B-39: after the time to answer"
    assert 1.5 < time.monotonic() - start < 5
    lab.ds.resume()
    assert result(c.rreq()) == ("Y", None, None, "01")
    time.sleep(1.5)
    assert len(c.rreqs()) == 1


def test_same_bytes_again(lab, node, logs):
    """R-22: what is sent again is what was sent first. R-32: but only when it could not be sent."""
    logs.expect("ACS0071", "AH01102", "AH00898")
    lab.ds.fault("rreq", "silent")
    c = entered(lab)
    c.settle()
    assert c.message()["transStatus"] == "Y"
    erro_sent = lab.ds.wait("erro", threeDSServerTransID=c.areq["threeDSServerTransID"])[0]["message"]
    assert (erro_sent["errorCode"], erro_sent["errorComponent"]) == ("402", "A")
    time.sleep(1.5)
    assert len(c.rreqs()) == 1


@pytest.mark.parametrize("fault", ["html", "nonsense", "close", "cut"])
def test_ds_answers_nonsense(lab, node, logs, fault):
    logs.expect("ACS0071", "AH01102", "AH00898", "AH01110", "AH03308")
    lab.ds.fault("rreq", fault, n=2 if fault == "close" else 1)  # on a reused connection it is tried once more
    c = entered(lab)
    c.settle()
    assert c.message()["transStatus"] == "Y"
    assert lab.ds.wait("erro", threeDSServerTransID=c.areq["threeDSServerTransID"])
    assert len({r["interactionCounter"] for r in c.rreqs()}) == 1


@pytest.mark.parametrize("name", ["foreign-server", "expired-server", "wrong-name-server"])
def test_ds_with_wrong_certificate(lab, node, logs, name):
    """A3: refused by us; delivered once the right one is back."""
    logs.expect("ACS0073", "AH01084", "AH02003", "AH02004", "AH02005", "AH02039", "AH02008", "AH01097", "AH00961", "AH02411", "AH00898", "AH02040", "AH02411")
    c = Challenge(lab, CHALLENGE)
    c.open()
    otp = c.otp()
    lab.ds.drop_connections()
    lab.ds.fault("connect", "wrong_cert", n=2, cert=name)
    c.press(otp=otp)
    c.settle()
    assert c.message()["transStatus"] == "Y"
    assert result(c.rreq())[0] == "Y"


def test_ds_hangs_in_tls(lab, node, logs):
    logs.expect("ACS0073", "ACS0071", "AH01084", "AH00898", "AH02008", "AH01097", "AH01102", "AH01110", "AH00961", "AH02003")
    c = Challenge(lab, CHALLENGE)
    c.open()
    otp = c.otp()
    lab.ds.drop_connections()
    lab.ds.fault("connect", "tls_hang", n=1, seconds=3)
    start = time.monotonic()
    c.press(otp=otp)
    assert time.monotonic() - start < 7
    c.settle()
    assert c.message()["transStatus"] == "Y"
    assert result(c.rreq())[0] == "Y"


def test_ds_hangs_in_tcp(lab, node, logs):
    logs.expect("ACS0073", "AH00957", "AH01114", "AH00898", "AH01102")
    c = Challenge(lab, CHALLENGE)
    c.open()
    otp = c.otp()
    lab.ds.drop_connections()
    lab.ds.block_connect()
    start = time.monotonic()
    c.press(otp=otp)
    assert time.monotonic() - start < 6, "two connects of two seconds"
    lab.ds.resume()
    c.settle()
    assert c.message()["transStatus"] == "Y"
    assert result(c.rreq())[0] == "Y"


@pytest.mark.parametrize("fault,args", [("drip", {}), ("drip", {"head": 1}), ("delay", {"seconds": 3})])
def test_ds_slow(lab, node, logs, fault, args):
    """The read limit holds for the whole answer, however it drips, the head included."""
    logs.expect("ACS0071", "AH01102", "AH00898", "AH01110", "AH03308", "AH10404", "AH01106")
    c = Challenge(lab, CHALLENGE)
    c.open()
    otp = c.otp()
    lab.ds.fault("rres", fault, **args)
    start = time.monotonic()
    c.press(otp=otp)
    assert time.monotonic() - start < 3
    assert c.message()["transStatus"] == "Y"
    sent = lab.ds.wait("erro", threeDSServerTransID=c.areq["threeDSServerTransID"])[0]["message"]
    assert sent["errorCode"] == "402"


def test_ds_sees_our_certificate(lab, node):
    """A3"""
    c = entered(lab)
    assert lab.ds.wait("rreq", acsTransID=c.id)[0]["peer"] == "acs-client.test"
