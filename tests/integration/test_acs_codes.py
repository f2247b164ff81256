"""Codes under load: the gateway takes so many calls at a time, and what the page says of a code is true."""
import concurrent.futures

from lab.challenge import Challenge
from lab.httpd import CHALLENGE

PAYERS = 32
NODE = dict(srv=False, answer_within="8s", proxy="connectiontimeout=1 timeout=5 ttl=30 acquire=500 max=2",
            main=["ACSLease 12s", "ACSStoreTimeout 2s"])  # a crowd on two cores: not the store is looked at


def test_every_page_tells_the_truth(lab, node, logs):
    """More payers than the gateway can take: a page says "We sent" where the gateway has the code, and only there."""
    logs.expect("ACS0040", "ACS0110", "ACS0111")
    lab.issuer.fault("otp", "delay", n=-1, seconds=1)

    def pay(n):
        c = Challenge(lab, CHALLENGE, url=node.areq_url)
        c.open()
        return c

    with concurrent.futures.ThreadPoolExecutor(PAYERS) as pool:
        payers = list(pool.map(pay, range(PAYERS)))
    sent = 0
    for c in payers:
        handed = bool(lab.issuer.inbox(c.id))
        assert ("We sent a code" in c.page.text) == handed, (c.page.text, handed)
        assert ("could not send" in c.page.text) != handed
        assert "Send a new code" in c.page.html
        sent += handed
    assert 0 < sent < PAYERS, sent
    lab.issuer.clear()
    for c in payers:  # what was not sent has used up nothing
        if "could not send" in c.page.text:
            c.press("resend")
            assert "We sent a" in c.page.text, c.page.text
            c.press(otp=c.otp())
            c.settle()
            assert c.message()["transStatus"] == "Y"
            break
