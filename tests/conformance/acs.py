"""Steps of cases for the ACS: the run is the Directory Server and the browser."""
import json
import re
import threading
import time

import expect
import model
from run_case import CHANGES, Run
from sim import messages


PAGE = {"page", "erro", "cres", "neutral", "inform", "keep"}


class AcsRun(Run):
    WORDS = {**Run.WORDS,
             "areq": CHANGES | {"erro", "ares", "either", "keep", "chunked", "request_headers", "reply_headers"},
             "ds_erro": CHANGES, "creq": CHANGES | PAGE | {"session", "field"},
             "press": PAGE | {"otp", "button", "page_of", "twice", "trust"},
             "issuer": {"kind", "status", "of", "answer"}, "told": {"point", "has", "of"},
             "method": {"keep", "field", "padded", "data", "notice", "hidden", "neutral"},
             "fault": {"point", "kind", "code", "values", "names", "seconds"},
             "rreq": {"count", "quiet", "has", "between", "timeout", "of"}, "erro_to_ds": {"erro"}}

    def __init__(self, *args):
        super().__init__(*args)
        self.answer = self.page = self.session = None
        self.stored = {}          # ids of the transaction under way
        self.transactions = {}    # acsTransID: (AReq, ARes)
        self.browser = self.browser_of_its_own()
        self.at = time.time()     # when the last answer of the ACS was there

    # AReq -> ARes or Erro

    def do_areq(self, arg):
        """Post an AReq. erro: {...}, ares: {...} (what it has), either: [{erro}, {ares}]; keep: a name for the ARes;
        chunked, request_headers, reply_headers."""
        raw, message = self.build(arg, "areq-brw-pa")
        self.m["sent"] = message
        self._expect_transaction(message)
        url = self.node.areq_url
        headers = {"Content-Type": "application/json; charset=utf-8", **self.resolve(arg.get("request_headers", {}))}
        body = _pieces(raw) if arg.get("chunked") else raw
        self.note("AReq", message or raw)
        self.answer = self.world.client("ds-ca", "ds-client").request("POST", url, body, headers)
        self.at = time.time()
        got = self.answered("answer", self.answer)
        self._judge_areq(arg, message, got)
        expect.headers("headers", self.answer.headers, self.resolve(arg.get("reply_headers", {})))

    def _expect_transaction(self, areq):
        """The DS simulator knows the transaction, as if it had passed the AReq on."""
        for name in ("threeDSServerTransID", "dsTransID"):
            if not areq or not isinstance(areq.get(name), str):
                return
        self.ds.transactions.setdefault(areq["threeDSServerTransID"], dict(
            areq, acs_url=None, threeDSServerURL=None))

    def _judge_areq(self, arg, areq, got):
        wanted = [k for k in ("erro", "ares", "either") if k in arg]
        if len(wanted) != 1:
            raise ValueError(f"{self.case.id}: areq wants one of erro, ares, either")
        expect.json_answer(self.answer)
        choices = arg["either"] if "either" in arg else [arg]
        faults = []
        for choice in choices:
            try:
                self._judge_choice(choice, areq, got)
                return
            except expect.Mismatch as e:
                faults.append(str(e))
        raise expect.Mismatch("; nor: ".join(faults))

    def _judge_choice(self, choice, areq, got):
        if "erro" in choice:
            expect.erro(got, self.resolve(choice["erro"]), "A", areq)
            return
        self.m["areq"], self.m["ares"] = areq, got or {}
        if "keep" in choice:
            self.m[choice["keep"]] = self.m["ares"]
        expect.ares(got, areq)
        expect.values("ARes", got, self.resolve(choice["ares"]))
        self.id = got["acsTransID"]
        self.transactions[self.id] = areq, got
        self.stored = {n: got[n] for n in expect.IDS if n in got}
        self.ds.transactions[areq["threeDSServerTransID"]].update(acsTransID=self.id, dsTransID=areq["dsTransID"])
        self.world.rres[self.id] = self._rres

    def _rres(self, rreq):
        self.m["rreq"] = rreq
        return json.loads(self.build({}, "rres")[0])

    def do_ds_erro(self, arg):
        """The Directory Server posts an Erro about the transaction: 200, empty."""
        raw, message = self.build({**arg, "set": {**self.stored, **arg.get("set", {})}}, "erro")
        self.note("Erro of the DS", message)
        answer = self.world.client("ds-ca", "ds-client").post_json(self.node.areq_url, raw)
        self.answered("answer", answer)
        expect.empty_answer(answer)

    # the browser

    def do_method(self, arg):
        """The 3DS Method form in the hidden frame. keep: a name for its message; field: the value itself, null for none;
        padded: with padding; data: what the page's script tells; then notice (what comes back), hidden, neutral."""
        message = {"threeDSServerTransID": messages.new_id(), "threeDSMethodNotificationURL": "https://shop.test/method"}
        field = arg["field"] if "field" in arg else messages.b64url(message)
        if arg.get("padded"):
            field += "=" * (-len(field) % 4)
        if "keep" in arg:
            self.m[arg["keep"]] = message
        self.note("3DS Method form", message if "field" not in arg else str(field))
        self.page = self.browser.post(self.node.method_url, {} if field is None else {"threeDSMethodData": field})
        self.note_page("page", self.page)
        if "neutral" in arg:
            expect.need(self.page.status in arg["neutral"], f"status {self.page.status}, wanted {arg['neutral']}")
            expect.need(not self.page.forms and not self.page.refresh, "the page leads elsewhere")
            return
        expect.need(self.page.status == 200, f"status {self.page.status}")
        if "data" in arg:
            self._tell(arg["data"])
        if arg.get("notice"):
            self._is_notice(message)
        if arg.get("hidden"):
            self._is_hidden()

    def _tell(self, data):
        form = next(attrs for tag, attrs in self.page.tags if tag == "form")
        done = self.browser_of_its_own().post(form["data-url"], {"token": form["data-token"], "data": json.dumps(data)})
        expect.need(done.status == 204, f"what the page told was answered with {done.status}")

    def _is_notice(self, message):
        """M-07: one field, unpadded base64url of the one member."""
        form = self.page.form(with_field="threeDSMethodData")
        expect.need((form.method, form.action) == ("post", message["threeDSMethodNotificationURL"]),
                    f"the form goes to {form.method} {form.action}")
        expect.need(list(form.inputs) == ["threeDSMethodData"], f"fields {list(form.inputs)}")
        value = form.values()["threeDSMethodData"]
        expect.need(re.fullmatch("[A-Za-z0-9_-]+", value), f"not unpadded base64url: {value}")
        expect.need(json.loads(messages.unb64url(value)) == {"threeDSServerTransID": message["threeDSServerTransID"]},
                    f"it says {messages.unb64url(value)!r}")

    def _is_hidden(self):
        """M-08: nothing that is seen, but what a browser without scripts has to press; any page may frame it."""
        seen = {tag for tag, attrs in self.page.tags if attrs.get("type") != "hidden"}
        expect.need(seen <= {"html", "head", "meta", "title", "body", "form", "noscript", "button", "script"}, f"tags {seen}")
        bare = re.sub(r"(?s)<(noscript|script|head)[^>]*>.*?</\1>|<[^>]*>|\s", "", self.page.html)
        expect.need(not bare, f"text {bare!r}")
        expect.need(not self.page.header("x-frame-options"), "X-Frame-Options is set")
        expect.frameable(self.page)

    def do_creq(self, arg):
        """Post the CReq form. session: threeDSSessionData; field: the creq value itself. Then one of page, erro,
        neutral, cres."""
        raw, message = self.build(arg, "creq")
        self.m["creq"] = message
        if "session" in arg:
            self.session = self.resolve(arg["session"])
        field = arg["field"] if "field" in arg else messages.b64url(raw)
        data = {"creq": field}
        if self.session is not None:
            data["threeDSSessionData"] = self.session
        self.note("CReq form", message or field)
        self.page = self.browser.post(self.m["ares"].get("acsURL") or self.node.challenge_url, data)
        self._judge_page(arg)

    def do_press(self, arg):
        """Answer on the page: otp right or wrong, or a button. twice: sent two times at once."""
        fields = {}
        if "otp" in arg:
            fields["otp"] = self._otp(arg["otp"])
        if "trust" in arg:
            self._has_box("trust")
            fields["trust"] = arg["trust"]
        self.note("form", {"button": arg.get("button", "submit"), **{k: arg[k] for k in ("otp",) if k in arg}})
        if "page_of" in arg:
            self.page = self.m[arg["page_of"]]
        form = self.page.form(with_field="token")
        if arg.get("twice"):
            self._twice(form, fields)
        else:
            self.page = self.browser.submit(form, button=arg.get("button", "submit"), page=self.page, **fields)
        self._judge_page(arg)

    def _has_box(self, name):
        expect.need(any(f.inputs.get(name, {}).get("type") == "checkbox" for f in self.page.forms), f"no box {name} on the page")

    def _twice(self, form, fields):
        pages = []

        def send():
            browser = self.browser_of_its_own()
            pages.append(browser.submit(form, button="submit", page=self.page, **fields))
        threads = [threading.Thread(target=send) for _ in range(2)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        expect.need(len(pages) == 2, "not both forms were answered")
        self.page = pages[-1]

    def _otp(self, which):
        try:
            right = self.world.lab.issuer.otp(self.id)
        except TimeoutError:
            raise expect.Mismatch("no code reached the issuer") from None
        return right if which == "right" else ("1" if right[0] != "1" else "2") + right[1:]

    def _settle(self):
        end = time.monotonic() + 15
        while self.page.refresh and not self.page.forms:
            expect.need(time.monotonic() < end, "the processing page does not end")
            time.sleep(min(self.page.refresh[0], 1))
            self.page = self.browser.open(self.page.refresh[1])

    def _judge_page(self, arg):
        self._settle()
        self.at = time.time()
        self.note_page("page", self.page)
        if "page" in arg:
            self._is_challenge(arg["page"])
        if "keep" in arg:
            self.m[arg["keep"]] = self.page
        if "erro" in arg:
            self._is_erro(self.resolve(arg["erro"]))
        if "cres" in arg:
            self._is_cres(self.resolve(arg["cres"]))
        if "neutral" in arg:
            expect.need(self.page.status in arg["neutral"], f"status {self.page.status}, wanted {arg['neutral']}")
            expect.need(not self.page.forms, "the page carries a form")
            expect.need(not self.page.refresh and not re.search(r"location\s*[.=]", self.page.html),
                        "the page leads elsewhere")
        if arg.get("inform"):
            self._is_information()
        if not {"page", "erro", "cres", "neutral", "inform"} & set(arg):
            raise ValueError(f"{self.case.id}: nothing is expected of a page")

    def _is_challenge(self, wanted):
        expect.need(self.page.status == 200 and any("otp" in f.inputs for f in self.page.forms),
                    f"no challenge page but status {self.page.status}")
        expect.values("page headers", self.page.answer.headers, {} if wanted is True else wanted.get("headers"))

    def _is_information(self):
        """N-27: a page with one control, to continue, and nowhere to enter anything."""
        expect.need(self.page.status == 200 and len(self.page.forms) == 1, f"no information page but status {self.page.status}")
        form = self.page.forms[0]
        expect.need([b.get("value") for b in form.buttons] == ["continue"], f"controls {form.buttons}")
        expect.need(all(i.get("type") == "hidden" for i in form.inputs.values()), f"inputs {list(form.inputs)}")

    def _carried(self):
        forms = [f for f in self.page.forms if "cres" in f.inputs]
        expect.need(len(forms) == 1 and forms[0].method == "post", f"no form with cres: {self.page.html[:300]}")
        form, fields = forms[0], forms[0].values()
        expect.need(form.action == self.m["areq"]["notificationURL"],
                    f"the form goes to {form.action}, not to notificationURL")
        expect.need(re.fullmatch(r"[A-Za-z0-9_-]+", fields["cres"]), "cres is no unpadded base64url (B-38)")
        want = {"cres"} | ({"threeDSSessionData"} if self.session is not None else set())
        expect.need(set(fields) == want, f"the form has {sorted(fields)}, wanted {sorted(want)} (B-38)")
        expect.need(fields.get("threeDSSessionData") == self.session, "threeDSSessionData is not what was sent (B-03)")
        message = json.loads(messages.unb64url(fields["cres"]))
        self.note("cres", message)
        return message

    def _is_erro(self, wanted):
        self.m["erro"] = self._carried()
        expect.erro(self.m["erro"], wanted, "A", self.m["creq"], self.stored,
                    {self.version} | ({(self.m["creq"] or {}).get("messageVersion")} & set(model.VERSIONS)))

    def _is_cres(self, wanted):
        expect.cres(self._carried(), self.m["areq"], self.m["ares"], wanted)

    # the issuer

    def _of(self, arg):
        """acsTransID of the ARes that was kept under a name, or of the newest."""
        return self.m[arg["of"]]["acsTransID"] if "of" in arg else self.id

    def do_issuer(self, arg):
        """The issuer calls: kind (decoupled, oob) and status; answer: HTTP status, 200 by default."""
        client = self.world.lab.client()
        self.clients.append(client)
        path = f"/{arg['kind']}/{self._of(arg)}"
        self.note("issuer's call", {"path": path, "status": arg["status"]})
        answer = self.world.lab.issuer.call(client, self.node.issuer_url, "POST", path, {"status": arg["status"]})
        self.at = time.time()
        self.answered("answer", answer)
        wanted = arg.get("answer", 200)
        expect.need(answer.status == wanted, f"the issuer's call was answered with {answer.status}, wanted {wanted}")

    def do_told(self, arg):
        """What the issuer was told at a hook (point: decoupled/start), and what it has."""
        try:
            record = self.world.lab.issuer.wait(arg["point"], 10, acsTransID=self._of(arg))[-1]
        except TimeoutError:
            raise expect.Mismatch(f"the issuer was not told of {arg['point']}") from None
        self.note(arg["point"], record["message"])
        expect.need(record["signed"], "the call was not signed")
        expect.values(arg["point"], record["message"], self.resolve(arg.get("has", {})))

    def value_assertion(self):
        """What a browser's authenticator makes of the SPC offer of the ARes kept as first."""
        return self.world.authenticator.assertion(self.m["first"]["spcTransData"], "https://shop.test")

    def value_merchant(self):
        """A merchant of this run alone."""
        if "merchant" not in self.m:
            self.m["merchant"] = "M-" + messages.new_id()[:20]
        return self.m["merchant"]

    # what the Directory Server sees

    def do_fault(self, arg):
        """The DS misbehaves for this transaction: point, kind and the kind's arguments."""
        self.ds.fault(match={"acsTransID": self.id}, **arg)

    def do_rreq(self, arg):
        """count RReqs and no more after quiet seconds; has: of each; between: seconds since the ACS answered; of: the name of
        a kept ARes, else the newest."""
        id, (areq, ares) = self._of(arg), self.transactions[self._of(arg)]
        count, has = arg.get("count", 1), self.resolve(arg.get("has", {}))
        if count:
            self.wait_ds("rreq", arg.get("timeout", 12), count, acsTransID=id)
        time.sleep(arg.get("quiet", 1 if count else 2.5))
        found = self.ds.records.all("rreq", acsTransID=id)
        for record in found:
            self.note("RReq", record["message"])
        expect.need(len(found) == count, f"{len(found)} RReqs, wanted {count} (R-01)")
        for record in found:
            expect.rreq(record["message"], areq, ares)
            expect.values("RReq", record["message"], has)
            expect.json_type("RReq", record["headers"].get("content-type"))
            if self.version == "2.3.1":
                expect.need(record["headers"].get("x-request-id") == id, "RReq: X-Request-ID (X-HTTP-09)")
        expect.need(len({r["raw"] for r in found}) <= 1, "RReqs with different bytes (R-22)")
        if "between" in arg:
            low, high = arg["between"]
            late = found[-1]["t"] - self.at
            expect.need(low <= late <= high, f"the RReq came after {late:.1f} s, wanted {low} to {high}")

    def do_erro_to_ds(self, arg):
        """The ACS posts an Erro about the RRes."""
        record = self.wait_ds("erro", 8, link="acs", threeDSServerTransID=self.stored["threeDSServerTransID"])
        message = record[-1]["message"]
        self.note("Erro to the DS", message)
        answers = [r["message"] for r in self.ds.records.all("rres") if (r["message"] or {}).get(
            "threeDSServerTransID") == self.stored["threeDSServerTransID"]]
        expect.erro(message, self.resolve(arg["erro"]), "A", answers[-1], self.stored, {self.version})


def _pieces(raw):
    for at in range(0, len(raw), 400):
        yield raw[at:at + 400]
