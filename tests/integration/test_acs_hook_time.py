"""X-TIME-05: an AReq is answered within ACSAReqWithin, also if every system of the issuer hangs in TCP, one after the other."""
import time

from lab.httpd import FRICTIONLESS

NODE = dict(
    srv=False, supported="2.2.0", card_source="hook",
    hooks=("card within=500ms failures=1000 fallback=rules", "risk within=500ms failures=1000"),
    rules=("reject \"%{RISK_OPT:score} -gt 900\"", "frictionless \"true\""), acs_ds=["ACSAReqWithin 3s"])


def test_tcp_hangs(lab, node, logs):
    logs.expect("ACS0110", "ACS0112", r"\[proxy")
    for server in lab.issuer.servers:
        server.drop_connections()
    lab.issuer.block_connect()
    try:
        start = time.monotonic()
        ares = lab.ds.post_acs(lab.areq(FRICTIONLESS)).json()
        took = time.monotonic() - start
    finally:
        lab.issuer.resume()
    assert ares["transStatus"] == "Y", ares
    assert took < 3.2, took
