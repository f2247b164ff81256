"""A peer that hangs takes its own threads and no more; a restart under load loses nothing."""
import concurrent.futures
import time

from lab.challenge import Challenge
from lab.conf import PROXY
from lab.httpd import CHALLENGE, FRICTIONLESS
from sim import messages
from sim.ds import DirectoryServer

OPTIONS = dict(srv=False, children=1, children_max=1, answer_within="6s",
               main=["ACSRetryInterval 1s", "ACSRResTimeout 4s", "ACSLease 10s"],
               proxy="connectiontimeout=1 timeout=5 ttl=30 acquire=500 max=16")


def second_ds(lab):
    """Another Directory Server, of the same scheme profile, at another address."""
    ds = DirectoryServer(lab.pki)
    ds.answers_rreq = messages.rres
    block = PROXY.format(url=ds.url_acs, args=OPTIONS["proxy"], ca=lab.pki.ca("ds-ca"),
                         client=f'  SSLProxyMachineCertificateFile "{lab.pki.both("acs-client")}"\n')
    return ds, block.splitlines()


def at(ds, lab, node):
    """A challenge whose RReq goes to ds."""
    c = Challenge(lab, CHALLENGE, url=node.areq_url, dsURL=ds.url_acs)
    ds.transactions[c.areq["threeDSServerTransID"]] = dict(c.areq, acsTransID=c.id)
    c.open(url=node.challenge_url)
    return c


def test_one_ds_stuck_another_served(lab, session_lab, logs):
    logs.expect("ACS0071", "ACS0073", "AH01102", "AH00898", "AH00957", "AH01114", "AH00941", "AH00484", "AH03490", "AH10159")
    other, block = second_ds(lab)
    node = session_lab.node("stuck", acs_ds=[f"ACSDSURLPrefix {other.url_acs}"],
                            **dict(OPTIONS, main=OPTIONS["main"] + block))
    try:
        stuck = [at(lab.ds, lab, node) for _ in range(40)]
        good = [at(other, lab, node) for _ in range(8)]
        codes = {c.id: c.otp() for c in stuck + good}
        lab.ds.fault("rreq", "silent", n=200)
        with concurrent.futures.ThreadPoolExecutor(len(stuck)) as pool:
            waiting = [pool.submit(c.press, otp=codes[c.id]) for c in stuck]
            time.sleep(1)
            for c in good:
                start = time.monotonic()
                c.press(otp=codes[c.id])
                c.settle()
                assert c.message()["transStatus"] == "Y"
                assert time.monotonic() - start < 1.5, "a stuck DS holds up another one"
            assert lab.ds.post_acs(lab.areq(FRICTIONLESS), url=node.areq_url).json()["transStatus"] == "Y"
            for f in waiting:
                f.result()
        for c in stuck:  # each of them ends at the shop all the same
            c.settle()
            assert c.message()["transStatus"] == "Y"
        assert len(other.records.all("rreq")) == len(good)
    finally:
        session_lab.drop(node)
        other.stop()


def test_graceful_restarts_under_load(lab, session_lab, logs):
    """A5: every 3 seconds; no transaction is lost, no child aborts."""
    logs.expect("ACS0073", "AH01102", "AH00898", "AH03490")
    node = session_lab.node("restarts", **dict(OPTIONS, children=2, children_max=4))
    stop = time.monotonic() + 13
    lost = []

    def payments(n):
        done = 0
        while time.monotonic() < stop:
            c = retry(lambda: Challenge(lab, CHALLENGE, url=node.areq_url))
            retry(lambda: c.open(url=node.challenge_url))
            form, otp = c.page.form(with_field="otp"), c.otp()
            retry(lambda: setattr(c, "page", c.browser.submit(form, button="submit", otp=otp)))
            c.settle()
            if c.message().get("transStatus") != "Y" or not c.rreqs():
                lost.append((n, c.id, c.message()))
            done += 1
        return done

    def retry(step, tries=100):
        """What a browser or a DS does when the connection itself fails: nothing was sent then, or a form is repeated."""
        for left in range(tries, 0, -1):
            try:
                return step()
            except OSError:
                if left == 1:
                    raise
                time.sleep(0.1)

    try:
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            runs = [pool.submit(payments, n) for n in range(6)]
            for _ in range(3):
                time.sleep(3)
                node.graceful()
            total = sum(r.result() for r in runs)
        assert total > 20 and not lost, lost
        assert not node.log_lines(r"exit signal|Assertion|AH00051|AH00052")
    finally:
        session_lab.drop(node)
