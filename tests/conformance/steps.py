"""What a few cases need beyond the step language: TLS, time, pages. Each function gets the run and the step's
arguments."""
import html
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import time

import expect
from sim import net
from world import card, fresh_connection_refused

# --- TLS


def _endpoint(run, name):
    return {"areq": run.node.areq_url, "results": run.node.results_url, "challenge": run.node.challenge_url}[name]


def refused(run, cert, endpoint):
    """X-LINK-01: no answer to a client with this certificate (None: without)."""
    raw, _ = run.build({}, "areq-brw-pa") if endpoint == "areq" else (b"{}", None)
    client = run.world.lab.client("ds-ca", cert)
    expect.need(fresh_connection_refused(client, "POST", _endpoint(run, endpoint), body=raw, headers={
        "Content-Type": "application/json; charset=utf-8"}), "the request was answered")


def public(run):
    """X-LINK-03: the challenge endpoint asks for no client certificate."""
    answer = run.world.lab.client().request("POST", run.node.challenge_url, b"creq=", {
        "Content-Type": "application/x-www-form-urlencoded"}, fresh=True)
    expect.need(answer.status in (200, 400) and "html" in answer.content_type, f"status {answer.status}")


def suite(run, cipher, key):
    """X-TLS-02: with only this suite on offer an AReq gets its ARes; the certificate has this kind of key."""
    ctx = net.client_context(run.world.lab.pki.ca("ds-ca"), run.world.lab.pki.both("ds-client"))
    ctx.maximum_version = ssl.TLSVersion.TLSv1_2
    ctx.set_ciphers(cipher)
    ctx.set_ecdh_curve("prime256v1")
    with socket.create_connection(("127.0.0.1", run.node.ds_port), 5) as raw, ctx.wrap_socket(
            raw, server_hostname="localhost") as tls:
        expect.need(tls.cipher()[0] == cipher, f"the suite is {tls.cipher()[0]}")
        pem = ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))
    from cryptography import x509
    kind = type(x509.load_pem_x509_certificate(pem.encode()).public_key()).__name__
    expect.need(key in kind, f"the server's key is {kind}")
    body, areq = run.build({}, "areq-brw-pa")
    answer = net.Client(ctx).post_json(run.node.areq_url, body, fresh=True)
    expect.ares(run.answered("answer", answer), areq)


# NULL, anonymous, EXPORT, RC4, DES, IDEA, KRB5, ARIA
WEAK = (0x0001, 0x0002, 0x003B, 0xC010, 0xC006, 0x0018, 0x0034, 0xC018, 0x006C, 0x0003, 0x0006, 0x0008, 0x0004, 0x0005,
        0xC011, 0xC007, 0x0009, 0x0015, 0x0007, 0x001E, 0x0020, 0xC03C, 0xC050, 0xC060, 0xC05C)


def _client_hello(suites):
    def extension(number, data):
        return struct.pack("!HH", number, len(data)) + data
    extensions = extension(10, struct.pack("!HH", 2, 23)) + extension(11, b"\x01\x00") + extension(
        13, struct.pack("!H", 8) + bytes.fromhex("0401050106010403"))
    body = b"\x03\x03" + os.urandom(32) + b"\x00" + struct.pack("!H", 2 * len(suites)) + b"".join(
        struct.pack("!H", s) for s in suites) + b"\x01\x00" + struct.pack("!H", len(extensions)) + extensions
    message = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack("!H", len(message)) + message


def _answers_hello(port, suites):
    """The type of the record that comes back: 22 handshake, 21 alert; 0: closed."""
    with socket.create_connection(("127.0.0.1", port), 5) as s:
        s.sendall(_client_hello(suites))
        try:
            return (s.recv(1) or b"\0")[0]
        except OSError:
            return 0


def weak_suites(run):
    """X-TLS-03: none of them, one by one and all together, at any endpoint; the hello itself is sound."""
    for port in (run.node.ds_port, run.node.public_port):
        expect.need(_answers_hello(port, (0xC02F,)) == 22, "the hello with a good suite was refused")
        for suites in [(s,) for s in WEAK] + [WEAK]:
            kind = _answers_hello(port, suites)
            expect.need(kind != 22, f"suites {[hex(s) for s in suites]} were accepted")


# --- HTTP

def get_is_405(run):
    answer = run.world.client("ds-ca", "ds-client").request("GET", run.node.areq_url)
    expect.need(answer.status == 405, f"status {answer.status}")
    expect.need(b"messageType" not in answer.body, "a protocol body came back")


# --- the 3DS Server and a Directory Server that cannot be reached

def break_connections(run, count):
    """The next connections to this Directory Server are reset before TLS; -1: all of them."""
    server = run.ds.servers[0]
    run.ds.faults.clear()
    server.drop_connections()
    time.sleep(0.3)
    run.m["accepted_before"] = len(server.accepted)
    if count:
        run.ds.fault("connect", "reset", n=count)


def connections(run, count, mend=True):
    """So many were tried since break_connections, at once, and no more come."""
    server = run.ds.servers[0]
    time.sleep(1.5)
    times = server.accepted[run.m["accepted_before"]:]
    run.ds.faults.clear()
    expect.need(len(times) == count, f"{len(times)} connections, wanted {count}")
    expect.need(times[-1] - times[0] < 1, f"the retry came after {times[-1] - times[0]:.1f} s, not at once")


def ds_silent(run):
    run.m["silent_from"] = time.time()
    run.ds.fault("areq", "silent", match={"threeDSServerTransID": run.id}, seconds=20)


def given_up(run, low, high):
    """The connection was closed after the limit, and the Requestor had its answer."""
    took = time.time() - run.m["silent_from"]
    expect.need(low <= took <= high, f"the Requestor waited {took:.1f} s")
    end = time.monotonic() + 3
    while not any(t > run.m["silent_from"] for t in run.ds.servers[0].given_up):
        expect.need(time.monotonic() < end, "the connection to the DS stays open")
        time.sleep(0.05)


def retries(run, interval):
    """R-31: at once, then at the interval."""
    server = run.ds.servers[0]
    times = server.accepted[run.m["accepted_before"]:]
    run.ds.faults.clear()
    gaps = [b - a for a, b in zip(times, times[1:])]
    expect.need(len(gaps) >= 3, f"only {len(times)} connections")
    expect.need(gaps[0] < 0.7, f"the first retry came after {gaps[0]:.2f} s, not at once")
    later = [g for g in gaps[1:] if g > 0.5]
    expect.need(later and all(0.6 * interval <= g <= interval + 1.5 for g in later), f"gaps of {gaps} s")


def different_ids(run, count):
    """S-24"""
    seen = set()
    for _ in range(count):
        run.do_create({})
        run.do_authenticate({"ares": {"base": "ares-y"}})
        seen.add(run.m["areq_of_server"]["threeDSServerTransID"])
    expect.need(len(seen) == count, "the same threeDSServerTransID again")


def no_common_version(run, node):
    """S-21, at a 3DS Server of other versions than the card's range has."""
    from lab.lab import Lab
    api = run.world.lab.requestor(run.world.node(node), Lab.KEY)
    run.clients.append(api.client)
    answer = api.create(card("challenge", run.version, "apart"))
    got = run.answered("create", answer)
    expect.need(answer.status == 422 and got.get("errorCode"), f"status {answer.status}")
    expect.need("threeDSServerTransID" not in got, "a transaction was made")
    expect.need(not [r for r in run.ds_records("areq") if r["message"].get("acctNumber") == card(
        "challenge", run.version, "apart")], "an AReq went out")


def logged(run, pattern):
    """The 3DS Server's log says so, with the id of the transaction."""
    expect.need(run.node.error_log.has(rf"(?m)^.*{run.id}.*{pattern}"), f"no log line about {pattern}")


# --- pages

def after_rres(run, seconds):
    """B-37: the final page came after the RRes, which the DS kept back for so long."""
    handed = [r["t"] for r in run.ds.records.all("rres") if (r["message"] or {}).get("acsTransID") == run.id]
    expect.need(handed and run.at - handed[-1] >= seconds, "the final page was there before the RRes")


def page_headers(run):
    """B-28, X-HTTP-04, X-HTTP-12"""
    page = run.page
    kind = page.header("Content-Type")
    expect.need(expect.content_type(kind) == "text/html;charset=utf-8", f"Content-Type {kind}")
    policy = page.header("Content-Security-Policy")
    expect.frameable(page)
    expect.need("no-store" in page.header("Cache-Control"), "Cache-Control is not no-store")


def page_source(run):
    """B-27, B-41: nothing from elsewhere, nothing that leaves the frame."""
    for tag, attrs in run.page.tags:
        expect.need(attrs.get("target", "") not in ("_top", "_parent", "_blank"), f"{tag} leaves the frame")
        for name in ("src", "srcset", "data", "background", "poster"):
            value = attrs.get(name, "")
            expect.need(not value or value.startswith("data:"), f"{tag} {name} from elsewhere: {value}")
        expect.need(tag not in ("link", "iframe", "object", "embed", "base"), f"{tag} on the page")
    styles = re.findall(r"url\(\s*['\"]?([^)'\"]*)|@import", run.page.html)
    expect.need(all(s.startswith("data:") for s in styles), f"style from elsewhere: {styles}")
    expect.need(not re.search(r"window\.open|\balert\(|top\.location|parent\.location", run.page.html),
                "the script leaves the frame")


def escaped(run, texts):
    for text in texts:
        expect.need(text not in run.page.html, f"{text!r} stands in the page as it is")
        expect.need(text in html.unescape(run.page.html), f"{text!r} does not stand in the page at all")


WINDOWS = {"01": (250, 400), "02": (390, 400), "03": (500, 600), "04": (600, 400), "05": (1024, 768)}
FRAME = '<iframe id="w{window}" width="{width}" height="{height}" style="border:0" srcdoc="{page}"></iframe>'
MEASURE = """<script>addEventListener('load',function(){var out=[];
document.querySelectorAll('iframe').forEach(function(f){
var d=f.contentDocument.documentElement,b=f.contentDocument.body;
out.push(f.id+':'+Math.max(d.scrollWidth,b.scrollWidth)+':'+f.clientWidth+':'+b.innerText.trim().length)});
document.getElementById('out').textContent=out.join(' ')});</script><pre id="out"></pre>"""


def windows_fit(run):
    """B-05: in each window size the page needs no scrolling from left to right, as a real browser lays it out."""
    frames = []
    for window, (width, height) in WINDOWS.items():
        run.do_areq({"card": "challenge", "ares": {"transStatus": "C"}})
        run.do_creq({"set": {"challengeWindowSize": window}, "page": True})
        frames.append(FRAME.format(window=window, width=width, height=height, page=html.escape(run.page.html)))
    found = _laid_out("<!DOCTYPE html><meta charset=utf-8>" + "".join(frames) + MEASURE)
    expect.need(len(found) == len(WINDOWS), f"measured: {found}")
    for window, needs, has, text in found:
        expect.need(int(text) > 20, f"window {window}: an empty page")
        expect.need(int(needs) <= int(has) == WINDOWS[window][0], f"window {window}: {needs} px wide in {has} px")


def _laid_out(document):
    browser = shutil.which("chromium")
    expect.need(browser, "chromium is not installed")
    with tempfile.TemporaryDirectory(prefix="tds-window-") as directory:
        path = os.path.join(directory, "page.html")
        with open(path, "w", encoding="utf-8") as f:
            f.write(document)
        argv = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                f"--user-data-dir={directory}/profile", "--window-size=1600,1200", "--dump-dom", "file://" + path]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    return re.findall(r"w(\d\d):(\d+):(\d+):(\d+)", done.stdout.rpartition('<pre id="out">')[2])


FUNCTIONS = {f.__name__: f for f in (
    refused, public, suite, weak_suites, get_is_405, break_connections, connections, ds_silent, given_up, retries,
    different_ids, no_common_version, logged, after_rres, page_headers, page_source, escaped, windows_fit)}
