"""Issuer back end simulator: takes one-time codes for delivery and shows them in an inbox.

    POST /otp                    the ACS's delivery call; fault point "otp"
    GET /                        the inbox as a page
    GET /inbox.json?acsTransID=  the inbox for tests, newest last

    python3 tests/sim/issuer.py --config FILE          {"pki": DIRECTORY, "port": 0, "control_port": 0}
"""
import html
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

MEMBERS = ("acsTransID", "otp", "channel", "to", "text")

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="3">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Inbox</title><style>
body{{font:100%/1.5 system-ui,sans-serif;max-width:46rem;margin:1rem auto;padding:0 1rem}}
article{{border:1px solid #ccc;border-radius:.5rem;padding:.75rem;margin:.75rem 0}}
strong{{font-size:1.5rem;letter-spacing:.1em}}small{{color:#555}}</style></head><body>
<h1>Messages to cardholders</h1>{items}</body></html>"""
ITEM = """<article><small>{when} · {channel} to {to}</small><p>{text}</p><strong>{otp}</strong>
<p><small>{payee} {amount} {currency} · {id}</small></p></article>"""


class Issuer(net.Sim):
    def __init__(self, pki, port=0, host="localhost", ca="ds-ca"):
        super().__init__()
        self.server = self.serve(self._handle, net.server_context(pki.both("issuer"), pki.ca(ca)), port,
                                 others={"foreign-server": net.server_context(pki.both("foreign-server"))})
        self.url = f"https://{host}:{self.server.port}"
        self.otp_url = self.url + "/otp"

    def _handle(self, request):
        if request.path == "/otp" and request.method == "POST":
            return self._otp(request)
        if request.path == "/inbox.json":
            return net.json_reply(self.inbox(request.query.get("acsTransID")))
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

    def inbox(self, acs_trans_id=None):
        """What has been delivered; a delivery that met a fault is not in it."""
        return [dict(r["message"], receivedAt=r["t"]) for r in self.records.all("otp")
                if not r["missing"] and r["fault"] in (None, "delay", "drip") and
                acs_trans_id in (None, r["message"]["acsTransID"])]

    def otp(self, acs_trans_id, timeout=5, count=1):
        """The newest code of a transaction, waited for."""
        return self.wait("otp", timeout, count, acsTransID=acs_trans_id)[-1]["message"]["otp"]

    def _page(self):
        items = []
        for m in reversed(self.inbox()):
            value = {k: html.escape(str(m.get(k, ""))) for k in
                     ("otp", "channel", "to", "text", "merchantName", "amount", "currency", "acsTransID")}
            items.append(ITEM.format(when=time.strftime("%H:%M:%S", time.localtime(m["receivedAt"])),
                                     payee=value["merchantName"], id=value["acsTransID"], **{
                                         k: value[k] for k in ("otp", "channel", "to", "text", "amount", "currency")}))
        return net.html_reply(PAGE.format(items="".join(items) or "<p>Nothing yet.</p>"))


def make(config):
    return Issuer(pki_module.PKI(config["pki"]), config.get("port", 0), config.get("host", "localhost"))


if __name__ == "__main__":
    net.run(make)
