"""A small shop: 3DS Requestor and merchant.

    GET  /               checkout: cards, amount, how the challenge is shown
    POST /pay            create and authenticate at the 3DS Server, then frame, redirect or result
    GET  /return         returnURL: where the browser comes back to
    GET  /result         what GET /v1/authentications/{id} says
    GET  /order.json?id= the same for tests

Works without JavaScript: by full-page redirect, or inside the frame.

    python3 tests/sim/shop.py --config FILE
    {"pki": DIRECTORY, "port": 0, "control_port": 0, "requestor": URL, "key": BEARER, "cards": [[PAN, TEXT]], "inbox": URL}
"""
import html
import json
import os
import sys
import threading
import urllib.parse

if __package__ in (None, ""):
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import messages
    import net
    import pki as pki_module
    from requestor import Requestor
else:
    from . import messages, net
    from . import pki as pki_module
    from .requestor import Requestor

WINDOWS = {"01": (250, 400), "02": (390, 400), "03": (500, 600), "04": (600, 400), "05": ("100%", 640)}
VIEWS = {"frame": "in a frame, hosted page", "redirect": "full page, hosted page",
         "raw-frame": "in a frame, own form", "raw-redirect": "full page, own form"}
CARDS = [["4000000000000002", "challenge"], ["4000000000000010", "frictionless"], ["4000000000000028", "rejected"]]
SHOWN = ("threeDSServerTransID", "state", "transStatus", "transStatusReason", "eci", "authenticationValue", "dsTransID",
         "acsTransID", "messageVersion", "challengeCancel", "interactionCounter")
SANDBOX = "allow-forms allow-scripts allow-same-origin allow-pointer-lock"
ALLOW = "payment *; publickey-credentials-get *"  # the bank may ask the device to confirm

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>
:root{{color-scheme:light dark}}body{{font:100%/1.5 system-ui,sans-serif;max-width:46rem;margin:1rem auto;padding:0 1rem}}
fieldset{{border:1px solid #aaa;border-radius:.5rem;margin:.75rem 0}}label{{display:block;padding:.25rem 0}}
button{{font:inherit;padding:.5rem 1.5rem}}iframe{{border:1px solid #aaa;max-width:100%}}
dl{{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem}}dd{{margin:0;overflow-wrap:anywhere}}
</style></head><body><h1>{title}</h1>{body}</body></html>"""

BROWSER_JS = """<script>(function(f){f.js.value='1';f.browserJavaEnabled.value=String(!!(navigator.javaEnabled&&navigator.javaEnabled()));
f.browserColorDepth.value=String(screen.colorDepth);f.browserScreenHeight.value=String(screen.height);
f.browserScreenWidth.value=String(screen.width);f.browserTZ.value=String(new Date().getTimezoneOffset());
f.browserLanguage.value=navigator.language||'en';})(document.getElementById('pay'));</script>"""

LISTEN_JS = """<script>(function(){var u=document.getElementById('result').href,gone=0;
function go(){if(!gone){gone=1;location.href=u}}
addEventListener('message',function(e){if(e.origin===location.origin||e.origin===document.body.dataset.trusted)go()});
})();</script>"""


def field(name, value=""):
    return f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'


def creq_form(answer, target=""):
    return (f'<form id="creq" method="post" action="{html.escape(answer["acsURL"])}"{target}>'
            f'{field("creq", answer["creq"])}<noscript><button type="submit">Go on</button></noscript></form>'
            "<script>document.getElementById('creq').submit()</script>")


def frame(window, source=""):
    width, height = WINDOWS[window]
    return (f'<iframe name="challenge" id="challenge" title="Your bank" width="{width}" height="{height}" '
            f'sandbox="{SANDBOX}" allow="{ALLOW}"{source}></iframe>')


class Shop(net.Sim):
    CONTROL = net.Sim.CONTROL + ("setup",)

    def __init__(self, pki, port=0, requestor=None, key=None, cards=None, inbox=None, host="localhost", both=None,
                 name="Corner Shop"):
        super().__init__()
        self.pki, self.name, self.inbox = pki, name, inbox
        self.cards = cards or CARDS
        self.orders, self._lock = {}, threading.Lock()
        self.server = self.serve(self._handle, net.server_context(pki.both("shop")), port)
        self.url = f"https://{host}:{self.server.port}"
        self.setup(requestor, key, both)

    def setup(self, requestor, key=None, both=None):
        """Where the 3DS Server is."""
        self.api = requestor and Requestor(requestor, self.pki.ca("commercial-ca"), key, both)

    def _handle(self, request):
        route = {("GET", "/"): self._checkout, ("POST", "/pay"): self._pay, ("GET", "/return"): self._return,
                 ("GET", "/result"): self._result, ("GET", "/order.json"): self._order}
        fn = route.get((request.method, request.path))
        if fn is None:
            return None
        self.records.add("page", path=request.path, query=request.query, method=request.method)
        return fn(request)

    def _page(self, title, body, **kw):
        return net.html_reply(PAGE.format(title=html.escape(title), body=body), **kw)

    # checkout

    def _checkout(self, request):
        cards = "".join(f'<label><input type="radio" name="card" value="{pan}"{" checked" if i == 0 else ""}> '
                        f'{pan} – {html.escape(text)}</label>' for i, (pan, text) in enumerate(self.cards))
        views = "".join(f'<label><input type="radio" name="view" value="{v}"{" checked" if v == "frame" else ""}> '
                        f'{text}</label>' for v, text in VIEWS.items())
        windows = "".join(f'<label><input type="radio" name="window" value="{w}"{" checked" if w == "03" else ""}> '
                          f'{size[0]} × {size[1]}</label>' for w, size in WINDOWS.items())
        hidden = "".join(field(n) for n in ("js", "browserJavaEnabled", "browserColorDepth", "browserScreenHeight",
                                            "browserScreenWidth", "browserTZ", "browserLanguage"))
        inbox = f'<p><a href="{html.escape(self.inbox)}">Messages to cardholders</a></p>' if self.inbox else ""
        return self._page(self.name, f"""<form id="pay" method="post" action="/pay">{hidden}
<fieldset><legend>Card</legend>{cards}<label>another: <input type="text" name="pan" inputmode="numeric"></label></fieldset>
<fieldset><legend>Amount</legend><label>EUR <input type="text" name="amount" value="123.45"></label></fieldset>
<fieldset><legend>Challenge</legend>{views}</fieldset><fieldset><legend>Window</legend>{windows}</fieldset>
<button type="submit" name="go" value="pay">Pay</button></form>{inbox}{BROWSER_JS}""")

    # pay

    def _browser_data(self, request, form):
        data = {"browserAcceptHeader": request.headers.get("accept", "*/*"), "browserIP": request.peer[0],
                "browserUserAgent": request.headers.get("user-agent", "unknown"),
                "browserLanguage": (form.get("browserLanguage") or
                                    request.headers.get("accept-language", "en").split(",")[0].split(";")[0])[:8],
                "browserJavascriptEnabled": form.get("js") == "1"}
        if data["browserJavascriptEnabled"]:
            data["browserJavaEnabled"] = form.get("browserJavaEnabled") == "true"
            for name in ("browserColorDepth", "browserScreenHeight", "browserScreenWidth", "browserTZ"):
                data[name] = form.get(name, "")
            if data["browserColorDepth"] not in ("1", "4", "8", "15", "16", "24", "32", "48"):
                data["browserColorDepth"] = "24"
        return data

    def _pay(self, request):
        form = request.form()
        pan = form.get("pan", "").replace(" ", "") or form.get("card", "")
        made = self.api.create(pan, self.url + "/return")
        if made.status != 201:
            return self._failed("create", made)
        order = dict(made.json(), view=form.get("view", "frame"), window=form.get("window", "03"))
        with self._lock:
            self.orders[order["threeDSServerTransID"]] = order
        minor = str(round(float(form.get("amount", "123.45").replace(",", ".")) * 100))
        data = messages.purchase(purchaseAmount=minor, **self._browser_data(request, form))
        data["challengeWindowSize"] = order["window"]
        answer = self.api.authenticate(order["threeDSServerTransID"], data)
        if answer.status != 200:
            return self._failed("authenticate", answer)
        order["answer"] = answer.json()
        if order["answer"].get("transStatus") != "C":
            return net.redirect("/result?threeDSServerTransID=" + order["threeDSServerTransID"])
        return self._challenge(order)

    def _failed(self, step, answer):
        return self._page("Payment failed", f'<p id="failed">{step}: {answer.status}</p>'
                                            f'<pre>{html.escape(answer.text[:2000])}</pre><p><a href="/">Back</a></p>')

    def _challenge(self, order):
        answer, view = order["answer"], order["view"]
        result = "/result?threeDSServerTransID=" + order["threeDSServerTransID"]
        if view == "redirect":
            return net.redirect(answer["challengeUrl"])
        if view == "raw-redirect":
            return self._page("Going to your bank", creq_form(answer))
        if view == "raw-frame":
            inner = frame(order["window"]) + creq_form(answer, ' target="challenge"')
        else:
            inner = frame(order["window"], f' src="{html.escape(answer["challengeUrl"])}"')
        url = urllib.parse.urlsplit(answer.get("challengeUrl") or answer["acsURL"])
        trusted = f"{url.scheme}://{url.netloc}"
        return self._page("Confirm your payment", f"""{inner}<p><a id="result" href="{result}">Result</a></p>
<script>document.body.dataset.trusted={_js(trusted)}</script>{LISTEN_JS}""")

    # back

    def _return(self, request):
        trans_id = request.query.get("threeDSServerTransID", "")
        url = "/result?" + urllib.parse.urlencode({"threeDSServerTransID": trans_id})
        return self._page("Back at the shop", f"""<p><a id="go" href="{html.escape(url)}">See the result</a></p>
<script>if(parent!==window)parent.postMessage('done',location.origin);else location.replace(document.getElementById('go').href)
</script>""")

    def _lookup(self, trans_id, wait=None):
        with self._lock:
            known = trans_id in self.orders
        return self.api.get(trans_id, wait) if known else None

    def _result(self, request):
        trans_id = request.query.get("threeDSServerTransID", "")
        answer = self._lookup(trans_id, 10)
        if answer is None or answer.status != 200:
            return self._page("Unknown order", "<p id=failed>There is no such order.</p>", status=404)
        result = answer.json()
        title = "Payment accepted" if result.get("transStatus") in ("Y", "A", "I") else "Payment not accepted"
        rows = "".join(f'<dt>{n}</dt><dd id="{n}">{html.escape(str(result[n]))}</dd>' for n in SHOWN if n in result)
        return self._page(title, f'<dl>{rows}</dl><p><a href="/">Back to the shop</a></p>')

    def _order(self, request):
        trans_id = request.query.get("id", "")
        answer = self._lookup(trans_id)
        if answer is None:
            return net.json_reply({"orders": list(self.orders)}, 404)
        return net.json_reply(answer.json(), answer.status)


def _js(text):
    """A string literal that cannot leave its script."""
    return json.dumps(text).replace("<", "\\u003c")


def make(config):
    options = {k: v for k, v in config.items() if k not in ("pki", "control_port")}
    return Shop(pki_module.PKI(config["pki"]), **options)


if __name__ == "__main__":
    net.run(make)
