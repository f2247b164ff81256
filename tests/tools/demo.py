"""What ./quickstart runs.

    demo.py serve DIRECTORY   everything, until SIGTERM; DIRECTORY/state.json says where it is
    demo.py pay DIRECTORY     a frictionless payment and two challenges, step by step, and where to go on by hand
"""
import base64
import json
import os
import signal
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(TESTS, "integration"), TESTS]

from sim import messages, net  # noqa: E402
from sim.requestor import Requestor  # noqa: E402
from sim.webclient import Browser  # noqa: E402

CARDS = {  # by the words that are printed: PAN, what the issuer's card system answers
    "challenge by a code": ("4000000000000002", {"group": "challenge"}),
    "frictionless": ("4000000000000010", {"group": "frictionless"}),
    "challenge in the issuer's app: approve in the inbox, then press the button":
        ("4000000000000077", {"group": "oob"}),
    "decoupled, where the 3DS Server asks for it; else a challenge by a code":
        ("4000000000000085", {"group": "decoupled"}),
    "rejected": ("4000000000000028", {"group": "reject"}),
    "blocked by the issuer": ("4000000000000036", {"status": "blocked"}),
    "not enrolled": ("4000000000000044", {"status": "notEnrolled"}),
    "unknown to the issuer": ("4000000000000069", None),
    "the issuer's card system is down: stand-in": ("4000000000000093", "down"),
    "challenge by a code, pages in German": ("4000000000000051", {"group": "challenge", "language": "de"}),
}
FRICTIONLESS, CHALLENGE, APP = (next(pan for pan, a in CARDS.values() if isinstance(a, dict) and a.get("group") == group)
                                for group in ("frictionless", "challenge", "oob"))
RULES = ("reject \"%{CARD:group} == 'reject'\"",
         "frictionless \"%{CARD:group} == 'frictionless'\"",
         "decoupled \"%{CARD:group} == 'decoupled' && %{AREQ:threeDSRequestorDecReqInd} == 'Y'\"",
         "challenge:oob \"%{CARD:group} == 'oob'\"",
         "challenge \"true\"")


# --- serve

def card_system(message):
    """The answer of the issuer's card system."""
    answer = {pan: a for pan, a in CARDS.values()}.get(message.get("acctNumber"))
    if answer == "down":
        return net.Reply(503, b"", "text/plain")
    if answer is None:
        return None
    cardholder = {"ref": "c-" + message["cardIndex"][:8], "phone": "+491700001234", "language": answer.get("language", "en")}
    return {"status": "active", "cardholder": cardholder, **{k: v for k, v in answer.items() if k != "language"}}


def serve(directory):
    from lab.lab import Lab
    lab = Lab()
    node = lab.node("quickstart", children=2, rules=RULES, card_source="hook",
                    hooks=("card within=1s failures=0 fallback=attempt", "oob", "decoupled"),
                    issuer=["ACSLanguages \"en de\"", "ACSChallengeMethods otp oob"])
    lab.issuer.answers["card"] = card_system
    lab.shop.cards = [[pan, text] for text, (pan, _) in CARDS.items()]
    lab.shop.inbox = lab.issuer.url + "/"
    state = {"shop": lab.shop.url, "inbox": lab.issuer.url, "requestor": node.requestor_url, "key": lab.KEY,
             "commercial_ca": lab.pki.ca("commercial-ca"), "acs_status": node.acs_status_url,
             "srv_status": node.srv_status_url, "error_log": node.error_log.path, "conf": node.conf_file,
             "ds": lab.ds.url}
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    path = os.path.join(directory, "state.json")
    with open(path + ".new", "w", encoding="utf-8") as f:
        json.dump(state, f)
    os.rename(path + ".new", path)
    done.wait()
    left = lab.close()
    sys.exit(f"left behind: {left}" if left else 0)


# --- pay

def step(text, /, **shown):
    print(f"   {text}")
    for name, value in shown.items():
        print(f"      {name:22} {value}")


def fail(text, answer=None):
    sys.exit(f"   FAILED: {text}" + (f"\n{answer.status} {answer.text[:1000]}" if answer is not None else ""))


def short(value):
    value = str(value)
    return value if len(value) <= 60 else value[:57] + "..."


def pick(message, *names):
    return {n: short(message[n]) for n in names if n in message}


def begin(api, pan, shop):
    made = api.create(pan, shop + "/return")
    if made.status != 201:
        fail("create", made)
    made = made.json()
    step("shop's back end -> 3DS Server: create", **pick(made, "threeDSServerTransID", "messageVersion", "directoryServer"))
    data = {**messages.purchase(), **messages.browser()}
    answer = api.authenticate(made["threeDSServerTransID"], data)
    if answer.status != 200:
        fail("authenticate", answer)
    answer = answer.json()
    step("3DS Server -> DS -> ACS: AReq; back: ARes",
         **pick(answer, "acsTransID", "dsTransID", "transStatus", "eci", "authenticationValue", "acsURL"))
    return made["threeDSServerTransID"], answer


def come_back(browser, page):
    """The page that carries the CRes away, and where it goes."""
    back = page.form(with_field="cres")
    cres = json.loads(base64.urlsafe_b64decode(back.values()["cres"] + "=="))
    step("ACS -> DS -> 3DS Server: RReq; back: RRes; then the CRes", transStatus=cres["transStatus"])
    page = browser.post(back.action, back.values())
    step("browser -> 3DS Server: notificationURL", status=page.status)


def challenge(state, answer):
    browser = Browser(state["commercial_ca"])
    page = browser.post(answer["acsURL"], {"creq": answer["creq"]})
    form = page.form(with_field="otp")
    step("browser -> ACS: CReq; the challenge page says", page=short(page.text[:60]))
    inbox = net.Client(net.client_context(state["commercial_ca"]))
    text = inbox.request("GET", f"{state['inbox']}/inbox.json?acsTransID={answer['acsTransID']}").json()[-1]
    step("ACS -> issuer's SMS gateway", text=text["text"])
    page = browser.submit(form, button="submit", otp=text["otp"])
    step("browser -> ACS: the code")
    come_back(browser, page)


def in_the_app(state, answer):
    browser = Browser(state["commercial_ca"])
    page = browser.post(answer["acsURL"], {"creq": answer["creq"]})
    form = page.form(with_field="token")
    step("browser -> ACS: CReq; ACS -> issuer: oob/start; the challenge page says", page=short(page.text[:60]))
    inbox = net.Client(net.client_context(state["commercial_ca"]))
    approved = inbox.request("GET", f"{state['inbox']}/approve?acsTransID={answer['acsTransID']}")
    step("cardholder approves in the app; issuer -> ACS: ACCEPTED, signed", status=approved.status)
    page = browser.submit(form, button="submit")
    step("browser -> ACS: the button")
    come_back(browser, page)


def settled(api, trans_id):
    result = api.get(trans_id, 5).json()
    step("shop's back end <- 3DS Server: the result",
         **pick(result, "state", "transStatus", "eci", "authenticationValue", "interactionCounter"))
    if result.get("transStatus") != "Y":
        fail("the result is not Y")


def pay(directory):
    with open(os.path.join(directory, "state.json"), encoding="utf-8") as f:
        state = json.load(f)
    api = Requestor(state["requestor"], state["commercial_ca"], state["key"])
    print(f"4. a frictionless payment, card {FRICTIONLESS}")
    trans_id, answer = begin(api, FRICTIONLESS, state["shop"])
    if answer.get("transStatus") != "Y":
        fail("transStatus is not Y")
    for number, pan, how, text in ((5, CHALLENGE, challenge, "a code"), (6, APP, in_the_app, "the issuer's app")):
        print(f"{number}. a payment with a challenge by {text}, card {pan}")
        trans_id, answer = begin(api, pan, state["shop"])
        if answer.get("transStatus") != "C":
            fail("transStatus is not C")
        how(state, answer)
        settled(api, trans_id)
    page = Browser(state["commercial_ca"]).open(state["shop"] + "/")
    if page.status != 200:
        fail("the shop does not answer", page.answer)
    print(f"7. now by hand\n      shop        {state['shop']}/   (answers {page.status}; its certificate is of a test CA:\n"
          f"                  {state['commercial_ca']})\n      inbox       {state['inbox']}/\n      cards")
    for text, (pan, _) in CARDS.items():
        print(f"                  {pan}  {text}")
    print(f"      metrics     {state['acs_status']}/metrics  {state['srv_status']}/metrics\n"
          f"      httpd.conf  {state['conf']}\n      error log   {state['error_log']}\n      stop        ./quickstart stop")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("serve", "pay"):
        sys.exit(__doc__)
    {"serve": serve, "pay": pay}[sys.argv[1]](os.path.abspath(sys.argv[2]))
