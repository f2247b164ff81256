"""The laboratory itself: PKI, simulators, a bare httpd. No module needed."""
import json
import ssl
import time

import pytest

from lab.conf import Options
from lab.httpd import Httpd
from lab.logs import luhn_ok
from sim import messages, net
from sim.webclient import Browser

PAN = "4000000000000002"


@pytest.fixture
def tls(lab):
    return lab.client("ds-ca", "3dss-client", timeout=3)


@pytest.fixture
def acs(lab):
    """The DS answers by itself."""
    lab.ds.answers = lambda areq: messages.ares(areq, "Y")


def ask(lab, client, **over):
    return client.post_json(lab.ds.url_3dss, messages.areq(PAN, **over))


def test_cards_have_check_digits():
    from lab import httpd
    for pan in (*httpd.CARDS, httpd.UNKNOWN, httpd.OUT_OF_RANGE):
        assert luhn_ok(pan), pan


# --- TLS ---------------------------------------------------------------------

def test_ds_wants_a_certificate_of_its_own_ca(lab, acs):
    for cert in (None, "foreign-client", "requestor-client"):
        with pytest.raises(OSError):
            ask(lab, lab.client("ds-ca", cert, timeout=3))
    assert not lab.ds.records.all("areq")


def test_ds_is_verified(lab):
    with pytest.raises(OSError):
        ask(lab, lab.client("commercial-ca", "3dss-client"))


@pytest.mark.parametrize("cert", ["foreign-server", "expired-server", "wrong-name-server"])
def test_wrong_server_certificate_on_demand(lab, tls, acs, cert):
    lab.ds.fault("connect", "wrong_cert", cert=cert)
    with pytest.raises(net.ConnectFailed):
        ask(lab, tls)
    assert ask(lab, tls).json()["messageType"] == "ARes"


def test_old_tls_is_refused(lab):
    ctx = net.client_context(lab.pki.ca("commercial-ca"))
    ctx.minimum_version = ssl.TLSVersion.TLSv1
    ctx.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError):
        net.Client(ctx).request("GET", lab.shop.url + "/")


# --- Directory Server --------------------------------------------------------

def test_ds_passes_an_areq_on(lab, tls):
    seen = []
    lab.ds.answers = lambda areq: seen.append(areq) or messages.ares(areq, "Y")
    sent = messages.areq(PAN)
    got = tls.post_json(lab.ds.url_3dss, sent).json()
    assert got["messageType"] == "ARes" and got["transStatus"] == "Y"
    assert got["threeDSServerTransID"] == sent["threeDSServerTransID"]
    assert seen[0]["dsURL"] == lab.ds.url_acs and seen[0]["dsTransID"] == got["dsTransID"]
    assert lab.ds.records.all("areq")[0]["peer"] == "3dss-client.test"


def test_ds_keeps_connections(lab, tls, acs):
    before = lab.ds.server.connections
    for _ in range(5):
        ask(lab, tls)
    assert lab.ds.server.connections == before + 1


def test_ds_says_405_without_acs(lab, tls):
    assert ask(lab, tls).json()["errorCode"] == "405"


@pytest.mark.parametrize("kind,error", [("close", OSError), ("reset", OSError), ("silent", TimeoutError)])
def test_ds_does_not_answer(lab, tls, acs, kind, error):
    tls.timeout = 1
    lab.ds.fault("areq", kind)
    with pytest.raises(error):
        ask(lab, tls)
    assert lab.ds.records.all("areq") and not lab.ds.records.all("ares")
    assert ask(lab, tls).json()["messageType"] == "ARes"


def test_ds_answers_too_late(lab, tls, acs):
    tls.timeout = 1
    lab.ds.fault("ares", "silent")
    with pytest.raises(TimeoutError):
        ask(lab, tls)
    assert lab.ds.records.all("ares")


def test_ds_is_slow(lab, tls, acs):
    lab.ds.fault("ares", "delay", seconds=0.5)
    start = time.monotonic()
    assert ask(lab, tls).json()["messageType"] == "ARes"
    assert time.monotonic() - start >= 0.5


def test_ds_drips(lab, tls, acs):
    lab.ds.fault("ares", "drip", seconds=0.001)
    assert ask(lab, tls).json()["messageType"] == "ARes"


def test_ds_cuts(lab, tls, acs):
    import http.client
    lab.ds.fault("ares", "cut")
    with pytest.raises(http.client.IncompleteRead):
        ask(lab, tls)


def test_ds_answers_something_else(lab, tls, acs):
    lab.ds.fault("ares", "erro", code="203", detail="acctNumber")
    lab.ds.fault("ares", "nonsense")
    lab.ds.fault("ares", "html")
    lab.ds.fault("ares", "huge", size=100000)
    got = ask(lab, tls).json()
    assert (got["messageType"], got["errorCode"], got["errorDetail"]) == ("Erro", "203", "acctNumber")
    with pytest.raises(ValueError):
        ask(lab, tls).json()
    page = ask(lab, tls)
    assert page.status == 502 and page.content_type == "text/html"
    assert len(ask(lab, tls).body) > 100000
    assert ask(lab, tls).json()["messageType"] == "ARes"


def test_ds_changes_answers(lab, tls, acs):
    lab.ds.fault("ares", "set", values={"transStatus": "N"})
    lab.ds.fault("ares", "drop", names=["acsTransID"])
    lab.ds.fault("ares", "wrong_ids")
    sent = messages.areq(PAN)
    assert tls.post_json(lab.ds.url_3dss, sent).json()["transStatus"] == "N"
    assert "acsTransID" not in tls.post_json(lab.ds.url_3dss, sent).json()
    assert tls.post_json(lab.ds.url_3dss, sent).json()["threeDSServerTransID"] != sent["threeDSServerTransID"]


def test_faults_by_count(lab, tls, acs):
    lab.ds.fault("ares", "set", n=2, skip=1, values={"transStatus": "N"})
    assert [ask(lab, tls).json()["transStatus"] for _ in range(4)] == ["Y", "N", "N", "Y"]


def test_ds_refuses_connections(lab, acs):
    client = lab.client("ds-ca", "3dss-client", connect_timeout=1)
    lab.ds.refuse()
    with pytest.raises(net.ConnectFailed, match="refused"):
        ask(lab, client)
    lab.ds.resume()
    assert ask(lab, client).json()["messageType"] == "ARes"


@pytest.mark.parametrize("how", ["pause", "block_connect"])
def test_ds_hangs_before_tls(lab, acs, how):
    client = lab.client("ds-ca", "3dss-client", connect_timeout=0.5, timeout=1)
    getattr(lab.ds, how)()
    start = time.monotonic()
    with pytest.raises(net.ConnectFailed, match="timed out"):
        ask(lab, client)
    assert time.monotonic() - start >= 0.4
    lab.ds.resume()
    assert ask(lab, client).json()["messageType"] == "ARes"


def test_ds_hangs_in_tls(lab, acs):
    client = lab.client("ds-ca", "3dss-client", connect_timeout=0.5, timeout=1)
    lab.ds.fault("connect", "tls_hang")
    with pytest.raises(net.ConnectFailed, match="timed out"):
        ask(lab, client)
    assert ask(lab, client).json()["messageType"] == "ARes"


def test_rreq_goes_to_the_3ds_server(lab, tls):
    results = []

    def server(request):
        results.append(request.peer_name)
        return net.json_reply(messages.rres(request.json()))

    host = net.Server(server, net.server_context(lab.pki.both("3dss-ds"), lab.pki.ca("ds-ca"), True)).start()
    lab.ds.answers = lambda areq: messages.ares(areq, "C")
    url = f"https://localhost:{host.port}/3ds/results"
    ares = tls.post_json(lab.ds.url_3dss, messages.areq(PAN, server_url=url)).json()
    acs = lab.client("ds-ca", "acs-client")
    bad = messages.rreq(ares, "Y", acsTransID=messages.new_id())
    assert acs.post_json(lab.ds.url_acs, bad).json()["errorDetail"] == "acsTransID"
    assert acs.post_json(lab.ds.url_acs, messages.rreq(ares, "Y")).json()["resultsStatus"] == "01"
    assert results == ["ds-client.test"]
    host.refuse()
    lab.ds.client.close()
    assert acs.post_json(lab.ds.url_acs, messages.rreq(ares, "Y")).json()["errorCode"] == "405"
    host.stop()


def test_control_port(lab, tls, acs):
    control = lab.ds.control()
    url = f"http://127.0.0.1:{control.port}"
    client = net.Client(None)
    assert client.request("GET", url + "/ready").json() == {"ready": True}
    client.post_json(url + "/fault", {"point": "ares", "kind": "set", "values": {"transStatus": "A"}})
    assert ask(lab, tls).json()["transStatus"] == "A"
    assert any(r["point"] == "areq" for r in client.request("GET", url + "/records").json())
    assert client.post_json(url + "/stop", {}).status == 404
    control.stop()


def test_simulator_as_a_process(lab, tmp_path):
    import os
    import signal
    import subprocess
    import sys
    import sim
    config = tmp_path / "issuer.json"
    config.write_text(json.dumps({"pki": lab.pki.directory}))
    script = os.path.join(os.path.dirname(sim.__file__), "issuer.py")
    with subprocess.Popen([sys.executable, script, "--config", str(config)], stdout=subprocess.PIPE) as process:
        try:
            said = json.loads(process.stdout.readline())
            assert lab.client().request("GET", said["url"] + "/inbox.json").json() == []
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


# --- issuer, shop ------------------------------------------------------------

def test_issuer_inbox(lab):
    message = {"acsTransID": messages.new_id(), "otp": "123456", "channel": "sms", "to": "+49170", "text": "<b>",
               "language": "en", "merchantName": "Shop", "amount": "1.00", "currency": "EUR", "expiresAt": "x"}
    client = lab.client(cert="acs-client")
    assert client.post_json(lab.issuer.otp_url, message).status == 204
    assert lab.issuer.otp(message["acsTransID"]) == "123456"
    page = lab.browser().open(lab.issuer.url + "/")
    assert "123456" in page.text and "<b>" not in page.html
    assert client.post_json(lab.issuer.otp_url, {"otp": "1"}).status == 400
    lab.issuer.fault("otp", "status", status=503)
    assert client.post_json(lab.issuer.otp_url, message).status == 503
    assert len(lab.issuer.inbox(message["acsTransID"])) == 1


class FakeServer:
    """A stand-in for the requestor API, so that the shop can be looked at alone."""

    def __init__(self, lab, status):
        self.status, self.calls = status, []
        self.server = net.Server(self.handle, net.server_context(lab.pki.both("public"))).start()
        self.url = f"https://localhost:{self.server.port}"

    def handle(self, request):
        self.calls.append((request.method, request.path, request.headers.get("authorization")))
        made = {"threeDSServerTransID": "0b7d8d8e-0000-4000-8000-000000000001", "state": "READY", "browserToken": "t"}
        if request.path == "/r/v1/authentications":
            return net.json_reply(made, 201)
        if request.path.endswith("/authenticate"):
            self.data = request.json()
            made.update(transStatus=self.status, state="CHALLENGE", acsURL=self.url + "/acs?a=%20&b", creq="e30",
                        challengeUrl=self.url + "/hosted")
            return net.json_reply(made)
        return net.json_reply(dict(made, state="FINAL", transStatus="Y", eci="05"))


@pytest.fixture
def fake(lab):
    made = []

    def make(status):
        made.append(FakeServer(lab, status))
        api = lab.shop.api
        lab.shop.setup(made[-1].url + "/r", "key")
        made.append(api)
        return made[0]

    yield make
    made[0].server.stop()
    lab.shop.setup(None)
    lab.shop.api = made[1]


def test_shop_frictionless_without_scripts(lab, fake):
    api = fake("Y")
    browser = lab.browser()
    browser.open(lab.shop.url + "/")
    page = browser.submit(button="pay", amount="10.5")
    assert "Payment accepted" in page.text and page.ids["eci"] == "05"
    assert api.data["purchaseAmount"] == "1050" and api.data["browserJavascriptEnabled"] is False
    assert "browserTZ" not in api.data
    assert [c[2] for c in api.calls] == ["Bearer key"] * 3


def test_shop_ways_to_the_challenge(lab, fake):
    api = fake("C")
    pages = {}
    for view in ("frame", "raw-frame", "raw-redirect"):
        browser = lab.browser()
        browser.open(lab.shop.url + "/")
        pages[view] = browser.submit(button="pay", view=view, window="05", js="1", browserColorDepth="24",
                                     browserScreenHeight="1", browserScreenWidth="1", browserTZ="0")
    assert api.data["browserTZ"] == "0" and api.data["challengeWindowSize"] == "05"
    assert pages["frame"].frames[0]["src"] == api.url + "/hosted"
    assert "allow-top-navigation" not in pages["frame"].frames[0]["sandbox"]
    assert "src" not in pages["raw-frame"].frames[0]
    form = pages["raw-redirect"].form("creq")
    assert form.action == api.url + "/acs?a=%20&b" and form.values() == {"creq": "e30"}


def test_shop_shows_no_foreign_orders(lab, fake):
    fake("Y")
    assert lab.browser().open(lab.shop.url + "/result?threeDSServerTransID=x").status == 404


def test_browser_without_scripts():
    class Answer:
        status, headers = 200, {}
        text = ('<html lang="de"><meta http-equiv="refresh" content="1;url=/next"><form method="post" action="/a">'
                '<input type="hidden" name="token" value="a&amp;b"><input name="otp"><button name="action" '
                'value="submit">x</button></form><p id="i">t<b>u</b></p></html>')
    from sim.webclient import Page
    page = Page("https://x/", Answer)
    assert page.refresh == (1.0, "/next") and page.lang == "de" and page.form("otp").values()["token"] == "a&b"
    assert isinstance(Browser._automatic(page.forms[0]), bool) and not Browser._automatic(page.forms[0])


# --- Redis, httpd, logs ------------------------------------------------------

def test_redis(lab):
    assert lab.redis.client.ping()
    lab.redis.client.set("harness:x", "1", px=10000)
    assert lab.redis.keys_without_ttl() == []


@pytest.fixture
def bare(lab):
    node = Httpd(lab, "bare", Options(acs=False, srv=False))
    node.start()
    yield node
    assert node.stop() == 0
    for log in (node.error_log, node.out_log, node.access_log):
        lab.watch.faults()
        lab.watch.remove(log)


def test_httpd_hosts(lab, bare):
    public = lab.client()
    assert public.request("GET", f"https://localhost:{bare.public_port}/index.html").text.endswith("ok\n")
    assert public.request("GET", f"https://localhost:{bare.requestor_port}/index.html").status == 200
    assert lab.client(cert="requestor-client").request("GET", f"https://localhost:{bare.requestor_port}/index.html").status == 200
    assert lab.client("ds-ca", "ds-client").request("GET", f"https://localhost:{bare.ds_port}/index.html").status == 200
    for cert in (None, "foreign-client"):
        with pytest.raises(OSError):
            lab.client("ds-ca", cert).request("GET", f"https://localhost:{bare.ds_port}/index.html")


def test_httpd_restarts_and_kills(lab, bare, logs):
    logs.expect("AH00052")
    before = bare.children()
    bare.graceful()
    assert not set(before) & set(bare.children())
    gone = bare.kill_child()
    assert gone not in bare.children()
    public = lab.client()
    assert public.request("GET", f"https://localhost:{bare.public_port}/index.html").status == 200


def test_unexpected_lines_are_seen(lab, bare, logs):
    with open(bare.error_log.path, "a", encoding="utf-8") as f:
        f.write("[2030-01-01 00:00:00] [acs:error] [pid 1] ACS0001: no good\n"
                "[2030-01-01 00:00:00] [acs:warn] [pid 1] ACS0002: expected\n"
                "[2030-01-01 00:00:00] [acs:info] [pid 1] ACS0003: quiet\n"
                f"[2030-01-01 00:00:00] [acs:info] [pid 1] ACS0003: {PAN}\n")
    logs.expect("ACS0002")
    found = lab.watch.faults()
    assert len(found) == 2 and "unexpected error" in found[0] and "secret" in found[1]
