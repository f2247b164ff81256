"""Steps of cases for the 3DS Server: the run is Requestor, browser, and Directory Server with the ACS behind it."""
import json
import re
import time

import expect
import model
import world as world_module
from lab.lab import Lab
from run_case import CHANGES, Run
from sim import messages

STATUS_OF_ERRORS = (400, 422, 502, 503, 504)


class SrvRun(Run):
    WORDS = {**Run.WORDS,
             "create": {"card", "block", "becomes", "api", "more"},
             "authenticate": {"requestor", "ares", "api", "areq", "erro", "no_areq", "no_erro"},
             "get": {"has", "wait"}, "cancel": set(), "challenge": {"ares"}, "erro_in": CHANGES,
             "rreq": CHANGES | {"erro", "rres", "unknown", "request_headers", "reply_headers"},
             "notify": CHANGES | {"pad", "leads_back"}, "form": {"has"},
             "pres": CHANGES | {"mode", "earlier", "many", "erro", "ranges"}}

    def __init__(self, *args):
        super().__init__(*args)
        self.api = self.world.lab.requestor(self.node, Lab.KEY)
        self.clients.append(self.api.client)
        self.group, self.stored = "challenge", {}
        self.answer = self.result = self.page = None

    # the Requestor

    def do_create(self, arg):
        """Make a transaction. api: {status, has}; becomes: the version that is chosen, if not that of the run."""
        pan = world_module.card(arg.get("card", self.group), self.version, arg.get("block", self.block))
        self.version = arg.get("becomes", self.version)
        self.since = time.time()
        answer = self.api.create(pan, self.world.lab.shop.url + "/return", **self.resolve(arg.get("more", {})))
        got = self.answered("create", answer)
        self._is_api(answer, got, arg.get("api", {"status": [201]}))
        self.id = (got or {}).get("threeDSServerTransID")
        if answer.status == 201:
            expect.need(got.get("messageVersion") == self.version, f"messageVersion {got.get('messageVersion')} (S-21)")

    def _is_api(self, answer, got, wanted):
        expect.need(answer.status in wanted["status"],
                    f"the Requestor gets status {answer.status}: {answer.body[:300]!r}")
        expect.values("answer to the Requestor", got, self.resolve(wanted.get("has", {})))

    def do_authenticate(self, arg):
        """Ask for authentication. requestor: changes of its data; ares: the ARes of the DS by base and changes; api:
        what the Requestor gets; areq: what the DS saw; erro: what the DS gets about the ARes; no_areq, no_erro."""
        data = self.resolve(model.base(self.version, "requestor-brw-pa"))
        data = model.changed(data, self.resolve(arg.get("requestor", {})))
        self.world.answers[self.id] = lambda areq: self._ares(areq, arg.get("ares", {}))
        self.note("authenticate", data)
        answer = self.api.authenticate(self.id, data)
        self.result = self.answered("answer", answer)
        self._is_api(answer, self.result, arg.get("api", {"status": [502] if "erro" in arg else [200]}))
        self._see_areqs(arg)
        if "erro" in arg:
            self._is_erro_to_ds(self.resolve(arg["erro"]))
        if arg.get("no_erro"):
            time.sleep(1)
            expect.need(not self._erros(), "an Erro was posted to the DS")

    def _ares(self, areq, arg):
        self.m["areq"], self.m["ds"] = areq, areq
        raw, message = self.build(arg, "ares-y")
        self.m["ares"] = message
        self.note("ARes of the DS", message or raw)
        return raw

    def value_server_trans_id(self):
        return self.id

    def _see_areqs(self, arg):
        records = self.ds.records.all("areq", threeDSServerTransID=self.id)
        wanted = arg.get("areq", {})
        count = 0 if arg.get("no_areq") else wanted.get("count", 1)
        expect.need(len(records) == count, f"the DS saw {len(records)} AReqs, wanted {count}")
        for record in records:
            self.note("AReq at the DS", record["message"])
            expect.areq(record["message"], record["headers"], self.id, self.version)
            expect.values("AReq", record["message"], self.resolve(wanted.get("has", {})))
            expect.headers("AReq headers", record["headers"], self.resolve(wanted.get("headers", {})))
            self.m["areq_of_server"] = record["message"]

    def _erros(self):
        """Whatever its ids say: an ARes with a foreign id is answered with that id (E-05)."""
        ids = {self.id, *(self.m[n].get("dsTransID") for n in ("areq", "ares") if self.m.get(n))} - {None}
        return [r for r in self.ds.records.all("erro", link="3dss")
                if ids & {(r["message"] or {}).get(n) for n in ("threeDSServerTransID", "dsTransID")}]

    def _is_erro_to_ds(self, wanted):
        end = time.monotonic() + 8
        while not self._erros():
            expect.need(time.monotonic() < end, "no Erro was posted to the DS (X-HTTP-06)")
            time.sleep(0.05)
        message = self._erros()[0]["message"]
        self.note("Erro to the DS", message)
        stored = {"threeDSServerTransID": self.id}
        expect.erro(message, wanted, "S", self.m["ares"], stored, {self.version} | (
            {(self.m["ares"] or {}).get("messageVersion")} & set(model.VERSIONS)))
        code = (self.result or {}).get("errorCode")
        expect.need((code, (self.result or {}).get("errorComponent")) == (message["errorCode"], "S"),
                    f"the Requestor is told {code}, not {message['errorCode']} (S-43)")

    def do_get(self, arg):
        """The state and result of the transaction."""
        answer = self.api.get(self.id, arg.get("wait"))
        self._is_api(answer, self.answered("result", answer), {"status": [200], "has": arg["has"]})

    def do_cancel(self, arg):
        answer = self.api.call("POST", f"/v1/authentications/{self.id}/cancel", {})
        self.answered("cancel", answer)
        expect.need(answer.status == 200, f"cancel: status {answer.status}")

    def do_challenge(self, arg):
        """A transaction whose ARes says C: create and authenticate in one."""
        self.do_create({})
        self.do_authenticate({"ares": {"base": "ares-c", **arg.get("ares", {})}, "api": {"status": [200], "has": {
            "transStatus": "C"}}})

    # the Directory Server

    def do_rreq(self, arg):
        """Post an RReq. erro: {...} or rres: resultsStatus; headers: of the reply."""
        raw, message = self.build(arg, "rreq-y")
        self.m["rreq"] = message
        answer = self._post(raw, message, arg)
        got = self.answered("answer", answer)
        expect.json_answer(answer)
        if "erro" in arg:
            stored = {} if arg.get("unknown") else {n: self.m.get("ares", {}).get(n) for n in expect.IDS}
            expect.erro(got, self.resolve(arg["erro"]), "S", message, {k: v for k, v in stored.items() if v})
        elif "rres" in arg:
            expect.rres(got, message, arg["rres"])
        else:
            raise ValueError(f"{self.case.id}: rreq wants erro or rres")
        expect.headers("headers", answer.headers, self.resolve(arg.get("reply_headers", {})))

    def _post(self, raw, message, arg):
        self.note("to the results endpoint", message or raw)
        return self.world.client("ds-ca", "ds-client").request("POST", self.node.results_url, raw, {
            "Content-Type": "application/json; charset=utf-8", **self.resolve(arg.get("request_headers", {}))})

    def do_erro_in(self, arg):
        """The DS posts an Erro: 200, empty."""
        raw, message = self.build(arg, "erro")
        answer = self._post(raw, message, arg)
        self.answered("answer", answer)
        expect.empty_answer(answer)

    # card ranges, without a Directory Server

    def do_pres(self, arg):
        """A PRes as pres_probe reads it. mode: full, delta; earlier: changes of the PRes before it; many: so many;
        erro: code and detail of the Erro; ranges: how many there are in the end."""
        earlier = [self.build(arg["earlier"], "pres")[0]] if "earlier" in arg else []
        raw, message = self._many(arg["many"]) if "many" in arg else self.build(arg, "pres")
        self.note("PRes", message or raw)
        got = self.probe("pres_probe", [self.version, arg.get("mode", "full")], earlier, raw)
        self.is_verdict(arg, got)
        expect.need("ranges" not in arg or got.get("ranges") == arg["ranges"], f"{got.get('ranges')} ranges")

    def _many(self, count):
        message = self.resolve(model.base(self.version, "pres"))
        text = json.dumps(message["cardRangeData"][0])
        first, last = "4000000000000000", "4000009999999999"
        message["cardRangeData"] = [json.loads(text.replace(first, str(int(first) + 1000 * i)).replace(
            last, str(int(first) + 1000 * i + 999))) for i in range(count)]
        return json.dumps(message).encode(), None

    # the browser

    def do_notify(self, arg):
        """Post a cres form to the notificationURL. leads_back: the page goes on to the shop, or it does not."""
        raw, message = self.build(arg, "cres")
        value = messages.b64url(raw) + ("=" * (-len(messages.b64url(raw)) % 4) if arg.get("pad") else "")
        self.note("cres form", message)
        self.page = self.browser_of_its_own().post(self.node.browser_url + "/notify", {"cres": value})
        self.note_page("page", self.page)
        expect.need(self.page.status == 200, f"status {self.page.status} (B-43)")
        back = self.world.lab.shop.url + "/return"
        expect.need((back in self.page.html) == arg["leads_back"], f"leads back to the shop: not {arg['leads_back']}")
        echoed = [x for x in (self.m["ares"]["acsTransID"], value) if x in self.page.html]
        expect.need(not echoed, "the page echoes the CRes (B-43)")

    def do_form(self, arg):
        """What the browser is to post to the ACS: B-01, B-02."""
        creq = self.result["creq"]
        expect.need(re.fullmatch(r"[A-Za-z0-9_-]+", creq), "creq is no unpadded base64url (B-02)")
        message = json.loads(messages.unb64url(creq))
        self.note("creq", message)
        names = {"messageType", "messageVersion", "threeDSServerTransID", "acsTransID", "challengeWindowSize"}
        expect.need(set(message) == names, f"CReq has {sorted(set(message) ^ names)} too many or too few (B-01)")
        expect.values("CReq", message, self.resolve(arg["has"]))
        page = self.browser_of_its_own().open(self.result["challengeUrl"])
        self.note_page("hosted page", page)
        forms = [f for f in page.forms if "creq" in f.inputs]
        expect.need(len(forms) == 1 and forms[0].method == "post", "the hosted page has no form with creq (B-02)")
        expect.need(forms[0].action == self.m["ares"]["acsURL"], f"the form goes to {forms[0].action}, not to acsURL")
        expect.need(forms[0].values() == {"creq": creq}, f"fields of the form: {sorted(forms[0].values())}")
