"""Issuer back end simulator: takes one-time codes for delivery and shows them in an inbox.

    POST /otp                    the ACS's delivery call; fault point "otp"
    POST /KIND[/...]             the ACS's hooks: card risk delegate oob decoupled trust notice; fault points and records have
                                 the path as name: "card", "delegate/verify", "oob/start"
    GET /                        the inbox as a page, with what the issuer's app asks
    GET /approve?acsTransID=     what the cardholder presses there; status=DECLINED and the like, else ACCEPTED
    GET /inbox.json?acsTransID=  the inbox for tests, newest last

    python3 tests/sim/issuer.py --config FILE          {"pki": DIRECTORY, "port": 0, "control_port": 0}
"""
import hashlib
import hmac
import html
import json
import os
import sys
import time

if __package__ in (None, ""):
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import net
    import pki as pki_module
else:
    from . import net
    from . import pki as pki_module

HOOKS = ("card", "risk", "delegate", "oob", "decoupled", "trust", "notice")

MEMBERS = ("acsTransID", "otp", "channel", "to", "text")

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="3">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Inbox</title><style>
body{{font:100%/1.5 system-ui,sans-serif;max-width:46rem;margin:1rem auto;padding:0 1rem}}
article{{border:1px solid #ccc;border-radius:.5rem;padding:.75rem;margin:.75rem 0}}
strong{{font-size:1.5rem;letter-spacing:.1em}}small{{color:#555}}</style></head><body>
<h1>Messages to cardholders</h1>{items}</body></html>"""
ITEM = """<article><small>{when} · {channel} to {to}</small><p>{text}</p><strong>{otp}</strong>
<p><small>{payee} {amount} {currency} · {id}</small></p></article>"""

ASKED = """<article><small>{when} · in the app</small><p>Pay {payee} {amount} {currency}? ({how})</p>
<p><a href="/approve?acsTransID={id}">Approve</a> · <a href="/approve?acsTransID={id}&amp;status=DECLINED">Decline</a></p>
<p><small>{id}</small></p></article>"""


def signature(key, method, path, body=b"", now=None):
    """The header ACS-Signature; key: 64 hexadecimal digits."""
    t = int(time.time() if now is None else now)
    mac = hmac.new(bytes.fromhex(key), f"{t}.{method}.{path}.".encode() + body, hashlib.sha256)
    return f"t={t},v1={mac.hexdigest()}"


def signed(key, request):
    """Is this request signed under key, now?"""
    header = request.headers.get("acs-signature", "")
    t = header.partition(",")[0][2:]
    return t.isdigit() and abs(time.time() - int(t)) < 300 and hmac.compare_digest(
        header, signature(key, request.method, request.path, request.body, int(t)))


class Issuer(net.Sim):
    """answers: path -> answer, a dict or a function(message) -> dict, None (404) or net.Reply. key: what hooks must be signed
    with; None: it is not looked at. keys: others, of other banks."""

    CONTROL = net.Sim.CONTROL + ("answer",)
    DEFAULTS = {"delegate/verify": {"result": "wrong"}, "oob/status": {"status": "PENDING"}}

    def __init__(self, pki, port=0, host="localhost", ca="ds-ca"):
        super().__init__()
        self.server = self.serve(self._handle, net.server_context(pki.both("issuer"), pki.ca(ca)), port,
                                 others={"foreign-server": net.server_context(pki.both("foreign-server"))})
        self.url = f"https://{host}:{self.server.port}"
        self.otp_url = self.url + "/otp"
        self.answers, self.key, self.keys, self.pki = {}, None, [], pki

    def clear(self):
        super().clear()
        self.answers = {}

    def answer(self, point, answer):
        self.answers[point] = answer

    def _handle(self, request):
        if request.path == "/otp" and request.method == "POST":
            return self._otp(request)
        if request.method == "POST" and request.path.split("/")[1] in HOOKS:
            return self._hook(request)
        if request.path == "/inbox.json":
            return net.json_reply(self.inbox(request.query.get("acsTransID")))
        if request.path == "/approve":
            return self._approve(request.query)
        if request.path == "/":
            return self._page()
        return None

    def _otp(self, request):
        if not request.peer_name:  # the inbox is for people, this is for the ACS alone
            return net.json_reply({"error": "no client certificate"}, 403)
        fault = self.faults.take("otp")
        try:
            message = request.json()
        except ValueError:
            message = {}
        missing = [m for m in MEMBERS if not isinstance(message.get(m), str) or not message[m]]
        self.records.add("otp", message=message, missing=missing, peer=request.peer_name, headers=request.headers,
                         fault=fault and fault["kind"])
        if missing:
            return net.json_reply({"missing": missing}, 400)
        return net.Reply(204, b"", "text/plain", fault=fault)

    def _hook(self, request):
        point = request.path[1:]
        if not request.peer_name:
            return net.json_reply({"error": "no client certificate"}, 403)
        try:
            message = request.json()
        except ValueError:
            message = None
        good = self.key is None or any(signed(key, request) for key in (self.key, *self.keys))
        fault = self.faults.take(point, message)
        self.records.add(point, message=message, headers=request.headers, signed=good, fault=fault and fault["kind"])
        if message is None or not good:
            return net.json_reply({"error": "not JSON, or not signed"}, 400)
        answer = self.answers.get(point, self.DEFAULTS.get(point, {}))
        if callable(answer):
            answer = answer(message)
        if answer is None:
            return net.Reply(404, b"", "text/plain", fault=fault)
        if isinstance(answer, net.Reply):
            answer.fault = fault
            return answer
        return net.Reply(200, json.dumps(answer).encode(), "application/json", fault=fault)

    def call(self, client, url, method, path, message=None, issuer="bank", key=None, **headers):
        """A signed call to the endpoint issuer of the ACS at url (its mount path included)."""
        body = b"" if message is None else json.dumps(message).encode()
        target = "/" + url.split("/", 3)[3] + path
        sign = {} if key == "" else {"ACS-Signature": signature(key or self.key, method, target, body)}
        return client.request(method, url + path, body if method == "POST" else None,
                              {"Content-Type": "application/json", "ACS-Issuer": issuer, **sign, **headers})

    def inbox(self, acs_trans_id=None):
        """What has been delivered; a delivery that met a fault is not in it."""
        return [dict(r["message"], receivedAt=r["t"]) for r in self.records.all("otp")
                if not r["missing"] and r["fault"] in (None, "delay", "drip", "raw") and
                acs_trans_id in (None, r["message"]["acsTransID"])]

    def otp(self, acs_trans_id, timeout=5, count=1):
        """The newest code of a transaction, waited for."""
        return self.wait("otp", timeout, count, acsTransID=acs_trans_id)[-1]["message"]["otp"]

    def asked(self, acs_trans_id=None):
        """What the app asks cardholders, newest last: the messages that began it, and when."""
        match = {"acsTransID": acs_trans_id} if acs_trans_id else {}
        return sorted((r["t"], r["point"].split("/")[0], r["message"]) for point in ("oob/start", "decoupled/start")
                      for r in self.records.all(point, **match) if r["fault"] is None)

    def approve(self, acs_trans_id, status="ACCEPTED"):
        """The cardholder answers in the app: a signed call to the ACS. Its answer; None: nothing was asked."""
        asked = self.asked(acs_trans_id)
        if not asked:
            return None
        client = net.Client(net.client_context(self.pki.ca("commercial-ca")))
        try:
            return self.call(client, asked[-1][2]["callbackURL"], "POST", "", {"status": status})
        finally:
            client.close()

    def _approve(self, query):
        answer = self.approve(query.get("acsTransID", ""), query.get("status", "ACCEPTED"))
        if answer is None:
            return net.html_reply("nothing of that kind was asked", status=404)
        if answer.status == 200:
            return net.redirect("/")
        return net.html_reply(f"the ACS says {answer.status}: {html.escape(answer.text[:200])}", status=502)

    def _page(self):
        items = [(m["receivedAt"], ITEM, m) for m in self.inbox()]
        items += [(t, ASKED, dict(message, how=how)) for t, how, message in self.asked()]
        return net.html_reply(PAGE.format(items="".join(item(*i) for i in sorted(items, key=lambda i: -i[0])) or
                                          "<p>Nothing yet.</p>"))


def item(when, shape, message):
    value = {k: html.escape(str(message.get(k, ""))) for k in ("otp", "channel", "to", "text", "amount", "currency", "how")}
    return shape.format(when=time.strftime("%H:%M:%S", time.localtime(when)), payee=html.escape(str(message.get("merchantName", ""))),
                        id=html.escape(str(message.get("acsTransID", ""))), **value)


def make(config):
    return Issuer(pki_module.PKI(config["pki"]), config.get("port", 0), config.get("host", "localhost"))


if __name__ == "__main__":
    net.run(make)
