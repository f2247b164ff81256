"""Directory Server simulator.

Links b, b', c, c' with mutual TLS: 3DS Servers post AReq (and PReq, Erro) to /3dss, ACSs post RReq (and Erro) to /acs.
It adds dsTransID, dsReferenceNumber and dsURL, passes the AReq to the ACS of the card's range, and hands back what
comes; an RReq goes to the threeDSServerURL of its AReq.

Fault points, beside "connect" (see net.Faults):
  areq rreq erro preq   the request has come in and is not passed on: silent, close, status, html, nonsense, erro ...
  ares rres             the answer before it is handed back: the same kinds, and those that change a message
  areq_out rreq_out     the request before it is passed on: those that change a message, and
                        client_cert (cert= "foreign-client" or null), repeat (sent twice)
Kinds that change a message: set (values=), drop (names=), wrong_ids (names=), body (text=).
Kind erro: code=, component=, description=, detail=.

    python3 tests/sim/ds.py --config FILE
    {"pki": DIRECTORY, "port": 0, "control_port": 0, "acs": {"default": URL, "ranges": [[START, END, URL]]}}
"""
import json
import os
import sys
import threading

if __package__ in (None, ""):
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import messages
    import net
    import pki as pki_module
else:
    from . import messages, net
    from . import pki as pki_module

CHANGES = ("set", "drop", "wrong_ids", "body")


class DirectoryServer(net.Sim):
    CONTROL = net.Sim.CONTROL + ("set_acs", "post_acs", "post_3dss")

    def __init__(self, pki, port=0, acs=None, host="localhost", reference="3DS_LOA_DIS_TEST_020200_00001",
                 acs_timeout=10, rres_timeout=3, forward_errors=True, ranges=(), answers=None):
        super().__init__()
        self.pki, self.reference, self.forward_errors = pki, reference, forward_errors
        self.acs_timeout, self.rres_timeout, self.ranges = acs_timeout, rres_timeout, list(ranges)
        self.acs = {"default": None, "ranges": []}
        self.acs.update(acs or {})
        self.answers = answers  # function(AReq) -> ARes (or its bytes) instead of an ACS
        self.transactions, self._lock = {}, threading.Lock()
        ca = pki.ca("ds-ca")
        others = {n: net.server_context(pki.both(n), ca, True)
                  for n in ("foreign-server", "expired-server", "wrong-name-server")}
        self.server = self.serve(self._handle, net.server_context(pki.both("ds-server"), ca, True), port,
                                 others=others)
        self.client = net.Client(net.client_context(ca, pki.both("ds-client")), timeout=acs_timeout)
        self.url = f"https://{host}:{self.server.port}"
        self.url_3dss, self.url_acs = self.url + "/3dss", self.url + "/acs"

    def set_acs(self, url):
        """The ACS of all cards."""
        self.acs["default"] = url

    def clear(self):
        super().clear()
        self.answers = None

    def acs_for(self, pan):
        for start, end, url in self.acs["ranges"]:
            if len(start) == len(pan) and start <= pan <= end:
                return url
        return self.acs["default"]

    # what comes in

    def _handle(self, request):
        link = {"/3dss": "3dss", "/acs": "acs"}.get(request.path)
        if link is None or request.method != "POST":
            return None
        message = _parsed(request.body)
        kind = str((message or {}).get("messageType", "other")).lower()
        self.records.add(kind, link=link, message=message, raw=request.body.decode("utf-8", "replace"),
                         peer=request.peer_name, peer_cert=request.peer_cert, headers=request.headers)
        fault = self.faults.take(kind, message)
        if fault and fault["kind"] == "erro":
            return self._erro(message, fault)
        if fault and fault["kind"] in ("gzip", "raw"):
            reply = self._route(link, kind, message)
            reply.fault = fault
            return reply
        if fault and fault["kind"] != "delay":
            return net.Reply(200, b"", fault=fault)
        if fault:
            self.server._stopping.wait(fault.get("seconds", 1))
        return self._route(link, kind, message)

    def _route(self, link, kind, message):
        if message is None:
            return net.json_reply(messages.erro(None, 101, detail="Invalid Formatted Message"))
        if kind == "erro":
            return self._error_in(link, message)
        if link == "3dss" and kind == "areq":
            return self._areq(message)
        if link == "3dss" and kind == "preq":
            return self._preq(message)
        if link == "acs" and kind == "rreq":
            return self._rreq(message)
        return net.json_reply(messages.erro(message, 101, detail="Invalid Message for the receiving component"))

    def _erro(self, message, fault):
        return net.json_reply(messages.erro(message, fault.get("code", "101"), fault.get("component", "D"),
                                            fault.get("description", ""), fault.get("detail", "")))

    # AReq -> ACS -> ARes

    def _areq(self, message):
        missing = [n for n in ("threeDSServerTransID", "acctNumber", "messageVersion", "threeDSServerURL")
                   if not message.get(n)]
        if missing:
            return net.json_reply(messages.erro(message, 201, detail=",".join(missing)))
        for name in ("dsTransID", "dsURL", "dsReferenceNumber"):
            if name in message:
                return net.json_reply(messages.erro(message, 203, detail=name))
        out = dict(message, dsTransID=messages.new_id(), dsReferenceNumber=self.reference, dsURL=self.url_acs)
        transaction = {"areq": message, "acs_url": self.acs_for(message["acctNumber"]),
                       "dsTransID": out["dsTransID"], "threeDSServerURL": message["threeDSServerURL"]}
        with self._lock:
            self.transactions[message["threeDSServerTransID"]] = transaction
        answer, raw = self._to_acs(out, transaction)
        transaction["ares"] = answer
        if answer and answer.get("acsTransID"):
            transaction["acsTransID"] = answer["acsTransID"]
        return self._hand_back("ares", answer, raw)

    def _to_acs(self, out, transaction):
        if self.answers:
            answer = self.answers(out)
            if isinstance(answer, bytes):
                return _parsed(answer), answer
            return answer, json.dumps(answer).encode()
        url = transaction["acs_url"]
        if not url:
            return _both(messages.erro(out, 405, description="no ACS for this card"))
        try:
            answer = self._pass_on("areq_out", url, out, self.acs_timeout)
        except net.ConnectFailed:
            return _both(messages.erro(out, 405, description="ACS cannot be reached"))
        except OSError:
            error = messages.erro(out, 402, description="ACS did not answer")
            threading.Thread(target=self._post_quietly, args=(url, error), daemon=True).start()
            return _both(error)
        message = _parsed(answer.body)
        self.records.add("acs_answer", message=message, status=answer.status, headers=answer.headers,
                         raw=answer.text)
        if not message or message.get("messageType") not in ("ARes", "Erro"):
            return _both(messages.erro(out, 101, description="ACS answered something else"))
        return message, answer.body

    def _pass_on(self, point, url, message, timeout):
        """Post message to url with the faults of point; connecting is tried twice."""
        fault = self.faults.take(point, message) or {}
        body = json.dumps(message, separators=(",", ":")).encode()
        client, fresh = self.client, False
        if fault.get("kind") in CHANGES:
            body = _changed(message, fault)
        if fault.get("kind") == "client_cert":
            cert = fault.get("cert")
            client = net.Client(net.client_context(self.pki.ca("ds-ca"), cert and self.pki.both(cert)))
            fresh = True
        self.records.add(point, message=_parsed(body), url=url)
        if fault.get("kind") == "repeat":
            self.client.post_json(url, body, timeout=timeout)
        try:
            return client.post_json(url, body, timeout=timeout, fresh=fresh)
        except net.ConnectFailed:
            return client.post_json(url, body, timeout=timeout, fresh=fresh)

    # RReq -> 3DS Server -> RRes

    def _rreq(self, message):
        with self._lock:
            transaction = self.transactions.get(message.get("threeDSServerTransID"))
        if not transaction:
            return net.json_reply(messages.erro(message, 301, detail="threeDSServerTransID"))
        for name in ("dsTransID", "acsTransID"):
            if message.get(name) != transaction.get(name):
                return net.json_reply(messages.erro(message, 301, detail=name))
        transaction.setdefault("rreqs", []).append(message)
        if self.answers_rreq:
            answer = self.answers_rreq(message)
            return self._hand_back("rres", answer, json.dumps(answer).encode())
        try:
            answer = self._pass_on("rreq_out", transaction["threeDSServerURL"], message, self.rres_timeout)
        except net.ConnectFailed:
            return self._hand_back("rres", *_both(messages.erro(message, 405, description="no connection")))
        except OSError:
            return self._hand_back("rres", *_both(messages.erro(message, 402, description="no answer in time")))
        reply = _parsed(answer.body)
        self.records.add("3dss_answer", message=reply, status=answer.status, headers=answer.headers, raw=answer.text)
        if not reply or reply.get("messageType") not in ("RRes", "Erro"):
            return self._hand_back("rres", *_both(messages.erro(message, 101, description="not an RRes")))
        transaction["rres"] = reply
        return self._hand_back("rres", reply, answer.body)

    answers_rreq = None  # function(RReq) -> RRes instead of a 3DS Server

    def _hand_back(self, point, message, raw):
        fault = self.faults.take(point, message)
        if fault and fault["kind"] == "erro":
            return self._erro(message, fault)
        body = _changed(message, fault) if fault and fault["kind"] in CHANGES else raw
        self.records.add(point, message=_parsed(body), fault=fault and fault["kind"])
        return net.Reply(200, body, fault=fault if fault and fault["kind"] not in CHANGES else None)

    # the rest

    def _error_in(self, link, message):
        with self._lock:
            transaction = self.transactions.get(message.get("threeDSServerTransID"))
        if transaction and self.forward_errors:
            url = transaction["acs_url"] if link == "3dss" else transaction["threeDSServerURL"]
            if url:
                threading.Thread(target=self._post_quietly, args=(url, message), daemon=True).start()
        return net.Reply(200, b"")

    def _post_quietly(self, url, message):
        try:
            answer = self.client.post_json(url, message, timeout=5)
            self.records.add("erro_out", message=message, url=url, status=answer.status, raw=answer.text)
        except OSError as e:
            self.records.add("erro_out", message=message, url=url, failed=str(e))

    def _preq(self, message):
        return net.json_reply({
            "messageType": "PRes", "messageVersion": message.get("messageVersion"),
            "threeDSServerTransID": message.get("threeDSServerTransID"), "dsTransID": messages.new_id(),
            "dsStartProtocolVersion": "2.1.0", "dsEndProtocolVersion": "2.2.0", "serialNum": "1",
            "cardRangeData": [{"startRange": s, "endRange": e, "actionInd": "A", "acsStartProtocolVersion": "2.1.0",
                               "acsEndProtocolVersion": "2.2.0"} for s, e in self.ranges]})

    # a test's own hand

    def post_acs(self, message, url=None, cert="ds-client", timeout=10):
        """Post to the ACS with a client certificate (None: without)."""
        return self._post(url or self.acs["default"], message, cert, timeout)

    def post_3dss(self, message, url, cert="ds-client", timeout=10):
        return self._post(url, message, cert, timeout)

    def _post(self, url, message, cert, timeout):
        if cert == "ds-client":
            return self.client.post_json(url, message, timeout=timeout)
        ctx = net.client_context(self.pki.ca("ds-ca"), cert and self.pki.both(cert))
        return net.Client(ctx).post_json(url, message, timeout=timeout, fresh=True)


def _parsed(raw):
    try:
        value = json.loads(raw)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _both(message):
    return message, json.dumps(message, separators=(",", ":")).encode()


def _changed(message, fault):
    if fault["kind"] == "body":
        return fault["text"].encode()
    out = dict(message or {})
    if fault["kind"] == "set":
        out.update(fault["values"])
    if fault["kind"] == "drop":
        out = {k: v for k, v in out.items() if k not in fault["names"]}
    if fault["kind"] == "wrong_ids":
        out.update({n: messages.new_id() for n in fault.get("names", ["threeDSServerTransID"])})
    return json.dumps(out, separators=(",", ":")).encode()


def make(config):
    options = {k: v for k, v in config.items() if k not in ("pki", "control_port")}
    return DirectoryServer(pki_module.PKI(config["pki"]), **options)


if __name__ == "__main__":
    net.run(make)
