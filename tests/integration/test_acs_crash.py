"""kill -9 at every point of every flow, on two nodes with one Redis. Browser, issuer and Directory Server repeat what they would
repeat, at the other node: the transaction has one outcome, told in the same bytes; page, record and notice agree with it.

FLOWS says how often a flow comes by each point; a run with all points logged shows that this is so. All cells are run at once, on
pairs of nodes of their own, when the first one is asked for."""
import collections
import concurrent.futures
import html
import http.client
import json
import os
import pathlib
import queue
import re
import time
import traceback
import urllib.parse

import pytest
import redis
from lab.httpd import BLOCKED, CHALLENGE, FRICTIONLESS, GERMAN, NOT_ENROLLED, REJECT
from lab.procs import wait_until
from sim import messages
from sim.authenticator import Authenticator
from sim.issuer import signature
from sim.webclient import Page
from test_acs_versions import IN_231

OTP, OOB, DELEGATE, DECOUPLED, SPC, DEVICE = CHALLENGE, FRICTIONLESS, REJECT, BLOCKED, GERMAN, NOT_ENROLLED
AUTHENTICATOR = Authenticator("bank.test")
SHOP = "https://shop.test"
GONE = (OSError, http.client.HTTPException)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json; charset=utf-8"}


def _card(group, **more):
    return group, "active", "+491700001234", "en", {"ref": "c-" + group, **more}


OPTIONS = dict(
    srv=False, supported="2.2.0,2.3.1", threads=32, children=1, children_max=1, answer_within="1500ms",
    proxy="connectiontimeout=500ms timeout=1 ttl=30 acquire=500 max=16",
    cards={OTP: _card("otp"), OOB: _card("oob"), DELEGATE: _card("delegate"), DECOUPLED: _card("decoupled"),
           SPC: _card("spc", credentials=[AUTHENTICATOR.credential], rpId="bank.test"),
           DEVICE: _card("device", credentials=[AUTHENTICATOR.credential], rpId="bank.test")},
    rules=("decoupled \"%{CARD:group} == 'decoupled'\"", "spc \"%{CARD:group} == 'spc'\"",
           "challenge:oob \"%{CARD:group} == 'oob'\"", "challenge:delegate \"%{CARD:group} == 'delegate'\"",
           "challenge:spc \"%{CARD:group} == 'device'\"", 'challenge:otp "true"'),
    hooks=tuple(kind + " within=1s failures=0" for kind in ("delegate", "oob", "decoupled", "notice")),
    issuer=["ACSChallengeMethods otp delegate oob spc", "ACSDecoupledFallback always", "ACSDecoupledMin 1s",
            "ACSSPCIcon https://bank.test/card.png"],
    main=["ACSRetryInterval 500ms", "ACSRResTimeout 500ms", "ACSLease 2s"])


class Pair:
    """Two nodes, a Redis database and a point file."""

    def __init__(self, lab, name, db, **times):
        self.lab, self.turn = lab, 0
        self.redis = redis.Redis(unix_socket_path=lab.redis.socket, db=db)
        directory = pathlib.Path(lab.directory, "points-" + name)
        directory.mkdir()
        directory.chmod(0o777)
        self.file = directory / "file"
        self.say("")
        os.environ["TDS_POINT_FILE"] = str(self.file)
        try:
            self.nodes = [lab.node(f"{name}{n}", store=f"redis://127.0.0.1:{lab.redis.port}/{db}", **OPTIONS, **times)
                          for n in (1, 2)]
        finally:
            del os.environ["TDS_POINT_FILE"]

    def say(self, text):
        new = self.file.with_suffix(".new")
        new.write_text(text)
        new.chmod(0o644)
        new.rename(self.file)

    def arm(self, point, nth):
        for old in self.file.parent.glob("*.taken"):
            old.unlink()
        self.say(f"{point} kill nth {nth}\n" if point else "* log\n")

    def disarm(self):
        self.say("")

    def killed(self, point, nth):
        return os.path.exists(f"{self.file}.{point}.{nth}.taken")

    def logged(self):
        """How often each point was come by since the last call."""
        log = pathlib.Path(f"{self.file}.log")
        names = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return dict(collections.Counter(names))

    def idle(self, *ids):
        """Nothing (or none of ids) is due any more: no time limit, nothing in an outbox."""
        lanes = list(self.redis.scan_iter(_type="ZSET", count=1000))
        return not any(self.redis.zscore(lane, i) is not None for lane in lanes for i in ids) if ids else not lanes


class Story:
    """One transaction, as DS, browser and issuer live through it: what finds no answer is sent again, to the other node."""

    def __init__(self, pair, ds_says_so=True):
        self.pair, self.lab, self.ds_says_so = pair, pair.lab, ds_says_so
        pair.turn += 1
        self.at, self.lost, self.page, self.final = pair.turn, [], None, None
        self.clients = {ca: pair.lab.client(ca, cert, timeout=4) for ca, cert in (
            ("ds-ca", "ds-client"), ("commercial-ca", None))}

    @property
    def node(self):
        return self.pair.nodes[self.at % 2]

    def send(self, ca, method, url, body=None, headers=()):
        """url: function of the node."""
        end = time.monotonic() + 12
        while True:
            try:
                return self.clients[ca].request(method, url(self.node), body, dict(headers), fresh=True)
            except GONE:
                if time.monotonic() > end:
                    raise
                self.at += 1

    # the Directory Server

    def areq(self, pan, v="2.3.1", **over):
        """The ARes. An AReq without an answer is given up (X-TIME-04: Erro 402), and a new one is sent."""
        for _ in range(4):
            message = self.lab.areq(pan, **{**(IN_231 if v == "2.3.1" else {"messageVersion": v}), **over})
            self.lab.ds.transactions[message["threeDSServerTransID"]] = message
            try:
                answer = self.clients["ds-ca"].request("POST", self.node.areq_url, json.dumps(message).encode(), JSON, fresh=True)
            except GONE:
                self.at += 1
                self.lost.append(message)
                if self.ds_says_so:
                    self.send("ds-ca", "POST", lambda n: n.areq_url, json.dumps(messages.erro(message, 402)).encode(), JSON)
                continue
            self.message, self.ares = message, answer.json()
            self.id, message["acsTransID"] = self.ares["acsTransID"], self.ares["acsTransID"]
            return self.ares
        raise AssertionError("no AReq was answered")

    # the browser

    def _page(self, method, url, fields=None):
        body = fields and urllib.parse.urlencode(fields).encode()
        answer = self.send("commercial-ca", method, lambda n: n.challenge_url + url.split("/acs/challenge", 1)[1], body,
                           FORM if fields else {})
        self.page = Page(url, answer)
        end = time.monotonic() + 10
        while self.page.refresh and not self.page.forms:
            assert time.monotonic() < end, "the processing page does not end"
            time.sleep(0.2)
            return self._page("GET", self.page.refresh[1])
        self.final = None
        for form in self.page.forms:
            if "cres" in form.inputs:
                self.final = json.loads(messages.unb64url(form.values()["cres"]))
        return self.page

    def creq(self):
        return self._page("POST", self.ares["acsURL"], {"creq": messages.b64url(messages.creq(self.ares))})

    def press(self, button="submit", **fields):
        form = self.page.form(with_field="token")
        return self._page("POST", form.action, {**form.values(), "action": button, **fields})

    def code(self):
        """The newest code; one that never left is asked for again, as a cardholder would."""
        try:
            return self.lab.issuer.wait("otp", 1.5, acsTransID=self.id)[-1]["message"]["otp"]
        except TimeoutError:
            self.press("resend")
            return self.lab.issuer.wait("otp", 3, acsTransID=self.id)[-1]["message"]["otp"]

    # the issuer

    def calls(self, kind, status):
        """Until it is answered."""
        path, body = f"/{kind}/{self.id}", json.dumps({"status": status}).encode()
        return self.send_signed("POST", path, body)

    def send_signed(self, method, path, body=b""):
        head = {"ACS-Issuer": "bank", **JSON, "ACS-Signature": signature(self.lab.issuer.key, method, "/acs/issuer" + path, body)}
        return self.send("commercial-ca", method, lambda n: n.issuer_url + path, body or None, head)

    def told(self, point, timeout=6):
        return self.lab.issuer.wait(point, timeout, acsTransID=self.id)

    # the verdict

    def rreqs(self, message=None):
        return self.lab.ds.records.all("rreq", threeDSServerTransID=(message or self.message)["threeDSServerTransID"])

    def one(self, status, reason=None, cancel=None, counter=None, message=None):
        """One outcome, in the same bytes however often it is told."""
        sid = (message or self.message)["threeDSServerTransID"]
        self.lab.ds.wait("rreq", 12, threeDSServerTransID=sid)
        found = self.rreqs(message)
        wait_until(lambda: self.pair.idle(found[0]["message"]["acsTransID"]), 12, "that nothing of it is due")
        found = self.rreqs(message)
        assert len({r["raw"] for r in found}) == 1, [r["raw"] for r in found]
        rreq = found[0]["message"]
        have = tuple(rreq.get(n) for n in ("transStatus", "transStatusReason", "challengeCancel"))
        assert have == (status, reason, cancel), have
        assert counter is None or rreq.get("interactionCounter") in counter, rreq.get("interactionCounter")
        assert ("authenticationValue" in rreq) == (status == "Y")
        return rreq

    def ends(self, status, reason=None, cancel=None, counter=None, cres=None, final=True):
        """One RReq, and page, record and notice say the same."""
        rreq = self.one(status, reason, cancel, counter)
        if final:
            assert self.final and self.final["messageType"] == "CRes", self.final or self.page.html[:300]
            assert self.final["transStatus"] == (status if status in "YD" else "N"), self.final
            assert self.final["acsTransID"] == self.id
        record = self.send_signed("GET", f"/transactions/{self.id}").json()
        assert record["state"] == "FINAL"
        for name in ("transStatus", "transStatusReason", "challengeCancel"):
            assert record.get(name) == rreq.get(name), (name, record)
        wait_until(lambda: self.pair.idle(self.id), 12, "that nothing of it is due")
        notices = [r["message"] for r in self.told("notice")]
        assert all(n == notices[0] for n in notices), notices
        assert all(notices[0].get(n) == rreq.get(n) for n in ("transStatus", "transStatusReason")), notices[0]

    def none_of(self, *lost):
        """R-01: what ended without a report, or was called off by the DS, is never reported."""
        for message in lost:
            assert not self.rreqs(message), self.rreqs(message)


# --- the flows

def right(pair):
    s = Story(pair)
    assert s.areq(OTP)["transStatus"] == "C"
    s.creq()
    s.press(otp=s.code())
    s.ends("Y", counter=("01",))
    return s


def wrong(pair):
    s = Story(pair)
    s.areq(OTP)
    s.creq()
    for n in range(3):
        right_one = s.code()
        s.press(otp=str((int(right_one[0]) + 1 + n) % 10) + right_one[1:])
        assert (s.final is None) == (n < 2), f"after {n + 1} wrong codes"
    s.ends("N", "19", counter=("03",))
    return s


def cancel(pair):
    s = Story(pair)
    s.areq(OTP)
    s.creq()
    s.press("cancel")
    s.ends("N", "19", "01")
    return s


def no_creq(pair):
    """The DS says nothing about an AReq that was not answered: what was stored of it is owed a report, once."""
    s = Story(pair, ds_says_so=False)
    s.areq(OTP)
    s.ends("N", "14", "05", counter=("00",), final=False)
    for message in s.lost:
        if s.rreqs(message):
            s.one("N", "14", "05", message=message)
    s.lost = []
    return s


def silent(pair):
    """In 2.2.0. A CReq sent again is no second challenge: Erro 305 (B-30), and the time goes on."""
    s = Story(pair)
    s.areq(OTP, "2.2.0")
    s.creq()
    shown = s.final is None
    if not shown:
        assert (s.final["messageType"], s.final["errorCode"]) == ("Erro", "305"), s.final
    s.one("N", "14", "04", counter=("00",))
    if shown:
        s.press(otp="000000")
    s.ends("N", "14", "04", counter=("00",), final=shown)
    return s


def oob(pair):
    """A start that never left is sent when the cardholder presses the button and the issuer knows of nothing."""
    s = Story(pair)
    s.areq(OOB)
    s.creq()
    try:
        s.told("oob/start", 2)
    except TimeoutError:
        s.press()
        s.told("oob/start", 2)
    assert s.calls("oob", "ACCEPTED").status == 200
    s.press()
    s.ends("Y")
    return s


def oob_asked(pair):
    """The result comes with the answer to our question."""
    s = Story(pair)
    s.areq(OOB)
    s.creq()
    s.lab.issuer.accepts.add(s.id)
    s.press()
    s.ends("Y")
    return s


def delegate(pair):
    """The attempt is counted before the issuer is asked: if that came to nothing, the code has to be entered again."""
    s = Story(pair)
    s.areq(DELEGATE)
    s.creq()
    s.press(otp="111111")
    counter = ("01",)
    if not s.final:
        s.press(otp="111111")
        counter = ("02",)
    s.ends("Y", counter=counter)
    return s


def device(pair):
    """SPC within the challenge frame."""
    s = Story(pair)
    s.areq(DEVICE)
    s.creq()
    asked = json.loads(html.unescape(re.search('data-request="([^"]*)"', s.page.html)[1]))
    origin = "/".join(s.ares["acsURL"].split("/")[:3])  # N-15: our own page
    s.press(assertion=json.dumps(AUTHENTICATOR.assertion(asked["data"], origin, payeeName=asked["payeeName"])))
    s.ends("Y", counter=("01",))
    return s


def device_or_code(pair):
    """The device cannot: a code."""
    s = Story(pair)
    s.areq(DEVICE)
    s.creq()
    s.press("other")
    s.press(otp=s.code())
    s.ends("Y", counter=("01",))
    assert s.rreqs()[0]["message"]["authenticationMethod"] == ["02"]
    return s


def decoupled(pair):
    s = Story(pair)
    assert s.areq(DECOUPLED, "2.2.0", threeDSRequestorDecReqInd="Y", threeDSRequestorDecMaxTime="00010")["transStatus"] == "D"
    s.told("decoupled/start")
    assert s.calls("decoupled", "ACCEPTED").status == 200
    s.ends("Y", final=False)
    assert s.calls("decoupled", "DECLINED").status == 409
    return s


def declined(pair):
    """The answer to the start says it."""
    s = Story(pair)
    s.areq(DECOUPLED, "2.2.0", threeDSRequestorDecReqInd="Y", threeDSRequestorDecMaxTime="00010",
           merchantName="Declined at once")
    s.ends("N", "01", final=False)
    return s


SPC_IN = {"threeDSRequestorSpcSupport": "Y", "payeeOrigin": SHOP}


def spc_silent(pair):
    s = Story(pair)
    assert s.areq(SPC, **SPC_IN)["transStatus"] == "S"
    s.ends("N", "14", "04", counter=("00",), final=False)
    return s


def spc(pair):
    """The link to the first counts once: who had no answer to the second AReq has a challenge at the third."""
    s = Story(pair)
    first = s.areq(SPC, **SPC_IN)
    called_off, first_message = list(s.lost), s.message
    second = s.areq(SPC, **SPC_IN, threeDSRequestorAuthenticationInfo=[
        {"threeDSReqAuthMethod": "09", "threeDSReqAuthData": AUTHENTICATOR.assertion(first["spcTransData"], SHOP)}],
        threeDSRequestorPriorAuthenticationInfo=[{"threeDSReqPriorAuthMethod": "05", "threeDSReqPriorRef": first["acsTransID"]}])
    if second["transStatus"] == "Y":
        assert second["authenticationValue"]
        wait_until(pair.idle, 12, "that nothing is due")
        assert s.told("notice")[-1]["message"]["transStatus"] == "Y"
        s.none_of(s.message)
    else:
        assert second["transStatus"] == "C" and len(s.lost) > len(called_off)
        s.creq()
        s.press(otp=s.code())
        s.ends("Y", counter=("01",))
    s.none_of(first_message)
    return s


def fallback(pair):
    """The prior transaction counts once: who had no answer is told U, reason 07, at the next."""
    s = Story(pair)
    first = s.areq(OTP, threeDSRequestorDecReqInd="B", threeDSRequestorDecMaxTime="00010")
    s.creq()
    s.press(otp=s.code())
    assert not s.final
    s.press("continue")
    s.ends("D", "30", counter=("01",))
    before = len(s.lost)
    no_browser = dict.fromkeys([k for k in s.message if k.startswith("browser")] + ["notificationURL", "acceptLanguage",
                               "threeDSCompInd", "threeDSRequestorChallengeInd", "threeDSRequestorAuthenticationInd"])
    third = s.areq(OTP, **{**no_browser, "deviceChannel": "03", "threeRIInd": "19", "threeDSRequestorDecReqInd": "Y",
                           "threeDSRequestorDecMaxTime": "00010", "threeDSRequestorPriorAuthenticationInfo": [
                               {"threeDSReqPriorAuthMethod": "02", "threeDSReqPriorRef": first["acsTransID"]}]})
    if third["transStatus"] == "D":
        s.told("decoupled/start")
        s.calls("decoupled", "ACCEPTED")
        s.ends("Y", final=False)
    else:
        assert (third["transStatus"], third["transStatusReason"]) == ("U", "07") and len(s.lost) > before, third
    return s


# How often each flow comes by each point; the AReq and what follows it, up to the notice.
AREQ = {"acs.areq_before_save": 1, "acs.areq_after_save": 1}


def _points(saves, answers=0, told=1, rreq=1, **more):
    return {**AREQ, "acs.before_save": saves, "acs.after_save": saves, "acs.before_answer": answers, "acs.rreq_sent": rreq,
            "acs.told": told, **{"acs." + name: n for name, n in more.items()}}


FLOWS = {
    "right": _points(4, 2),             # CReq, code, report, notice
    "wrong": _points(6, 4),             # CReq, three codes, report, notice
    "cancel": _points(4, 2),
    "oob": _points(5, 2, hook_asked=1),  # CReq, result, button, report, notice
    "oob_asked": _points(4, 2, hook_asked=2),
    "delegate": _points(5, 2, hook_asked=2),  # CReq, code counted, its answer, report, notice
    "device": _points(4, 2),
    "device_or_code": _points(5, 3),    # CReq, button, code, report, notice
    "decoupled": _points(4, told=2),    # start, result, report, notice
    "declined": _points(3, told=2),     # start with its result, report, notice
    "spc": {**_points(2, rreq=0, spc_taken=1), "acs.areq_before_save": 2, "acs.areq_after_save": 2},
    # CReq, code, button, report, notice; taken, start, result, report, notice
    "fallback": {**_points(10, 3, told=3, rreq=2, fallback_taken=1), "acs.areq_before_save": 2, "acs.areq_after_save": 2},
    "no_creq": _points(3),              # time limit, report, notice
    "silent": _points(4, 2),
    "spc_silent": _points(3),
    # from the time limit on: time limit, report, call-off, notice
    "decoupled_silent": {k: v for k, v in _points(4, told=2).items() if k not in AREQ},
}
FLOWS = {flow: {point: n for point, n in points.items() if n} for flow, points in FLOWS.items()}
SHORT = ("no_creq", "silent", "spc_silent")
CELLS = [(flow, point, n + 1) for flow, points in FLOWS.items() for point, times in points.items() for n in range(times)]


def issuer_of(lab):
    def oob_status(m):
        if m["acsTransID"] in lab.issuer.accepts:
            return {"status": "ACCEPTED"}
        return {"status": "PENDING"} if lab.issuer.records.all("oob/start", acsTransID=m["acsTransID"]) else None

    lab.issuer.accepts = set()
    lab.issuer.answers.update({
        "delegate/verify": lambda m: {"result": "right" if m["code"] == "111111" else "wrong"},
        "oob/status": oob_status,
        "decoupled/start": lambda m: {"status": "DECLINED"} if m["merchantName"] == "Declined at once" else {}})
    lab.ds.answers_rreq = messages.rres


def verdict(pair, flow, point, nth, live):
    """None, or what went wrong while live() ran with the point armed."""
    pair.logged()
    pair.arm(point, nth)
    try:
        live()
        if point:
            assert pair.killed(point, nth), "the point was not come by"
        else:
            have = pair.logged()
            have["acs.before_save"] = min(have["acs.before_save"], have["acs.after_save"])  # who lost a race saves again
            assert have == FLOWS[flow], "another number of times than FLOWS says"
    except Exception:
        pair.redis.flushdb()  # what it left open is none of the next cell's business
        return traceback.format_exc()
    finally:
        pair.disarm()
    return None


def run_cell(pair, flow, point, nth):
    def live():
        s = globals()[flow](pair)
        wait_until(pair.idle, 12, "that nothing is due")
        s.none_of(*s.lost)
    return verdict(pair, flow, point, nth, live)


def work(pair, todo, results):
    while True:
        try:
            cell = todo.get_nowait()
        except queue.Empty:
            return
        results[cell] = run_cell(pair, *cell)
        if results[cell] and not cell[1]:  # a busy machine may make an attempt more
            results[cell] = run_cell(pair, *cell)


GAP = 6  # seconds from one cell of decoupled_silent to the next


def decoupled_silent(pair, some, results):
    """A minute is the least that a requestor may allow: all begin one after the other, and end so."""
    stories = []
    for cell in some:
        s = Story(pair)
        s.areq(DECOUPLED, "2.2.0", threeDSRequestorDecReqInd="Y", threeDSRequestorDecMaxTime="00001")
        stories.append((cell, s, time.time() + 60))
        s.told("decoupled/start")
        time.sleep(max(0, stories[-1][2] - 60 + GAP - time.time()))

    def ends(s):
        s.ends("U", "24", "03", final=False)
        assert all(r["message"]["reason"] == "TIMEOUT" for r in s.told("decoupled/cancel"))
        s.none_of(*s.lost)
    for cell, s, due in stories:
        time.sleep(max(0, due - 1 - time.time()))
        results[cell] = verdict(pair, *cell, lambda s=s: ends(s))


def run_all(lab, wanted):
    """{cell: None or what went wrong}"""
    results, jobs, pairs = {}, [], []
    normal, short = queue.Queue(), queue.Queue()
    for cell in wanted:
        if cell[0] != "decoupled_silent":
            (short if cell[0] in SHORT else normal).put(cell)
    waiting = [c for c in wanted if c[0] == "decoupled_silent"]
    slow = dict(first_creq_timeout="20s", challenge_timeout="20s")
    times = dict(n=slow, m=slow, o=slow, t=dict(first_creq_timeout="2s", challenge_timeout="2s"), d=slow, e=slow)
    for db, (name, limits) in enumerate(times.items(), 1):
        pairs.append(Pair(lab, name, db, **limits))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        jobs += [pool.submit(decoupled_silent, pairs[4 + n], waiting[n::2], results) for n in (0, 1)]
        jobs += [pool.submit(work, pair, todo, results) for pair, todo in zip(pairs, (normal, normal, normal, short))]
        for job in jobs:
            job.result()
    for pair in pairs:
        for node in pair.nodes:
            lab.drop(node)
    return results


@pytest.fixture(scope="module")
def matrix(session_lab, request):
    """What came of the cells that are to be tested, and what the logs say."""
    params = [item.callspec.params for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    wanted = [(p["flow"], p.get("point"), p.get("nth", 0)) for p in params]
    session_lab.begin()
    # a child was killed; what was sent twice; a CReq again; a DS that knows no such transaction
    # TDS0201: nodes that are started and killed by the dozen may stall each other for longer than a command may take
    session_lab.watch.expect("TDS0201", "AH00052", "AH00051", "AH10159", "ACS0072", "ACS0091", "ACS0062", "ACS0073", r"\[proxy")
    issuer_of(session_lab)
    results = run_all(session_lab, wanted)
    return results, session_lab.verdict()


def _id(value):
    return str(value).removeprefix("acs.")


@pytest.mark.parametrize("flow,point,nth", CELLS, ids=_id)
def test_killed(matrix, flow, point, nth):
    why = matrix[0][flow, point, nth]
    assert not why, why


@pytest.mark.parametrize("flow", FLOWS)
def test_points(matrix, flow):
    """Every point that the flow comes by is in FLOWS, so that each has a cell above."""
    why = matrix[0][flow, None, 0]
    assert not why, why


def test_logs(matrix):
    assert not matrix[1], "\n".join(matrix[1])
