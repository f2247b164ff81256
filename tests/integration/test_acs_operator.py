"""What an operator sees: metrics, mod_status, the transaction log, readiness; and that a silent DS delays nobody else."""
import collections
import concurrent.futures
import json
import os
import re
import time

import pytest

from lab.challenge import Challenge
from lab.httpd import CARDS, CHALLENGE, FRICTIONLESS, REJECT
from lab.procs import wait_until
from sim import messages

NODE = dict(srv=False, supported="2.1.0,2.2.0,2.3.1", first_creq_timeout="2s", challenge_timeout="20s", children_max=2,
            threads=64, main=["ACSTransactionLog logs/transactions.log", "ACSRResTimeout 5s", "ACSDeliveryThreads 4"])

# --- metrics -----------------------------------------------------------------

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'


def parse(text):
    """The text format of Prometheus, strictly: {name: (type, {labels: value})}; samples stand below their own TYPE."""
    families, current = {}, None
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        head = re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line)
        if head and head[1] == "HELP":
            current = head[2]
            assert current not in families, f"{current} is there twice"
            families[current] = [None, {}]
            continue
        if head:
            assert head[2] == current and families[current] == [None, {}] and head[3] in ("counter", "gauge", "histogram")
            families[current][0] = head[3]
            continue
        sample = re.fullmatch(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? ([0-9]+(?:\.[0-9]+)?)", line)
        assert sample, line
        labels = tuple((m[1], m[2]) for m in re.finditer(LABEL, sample[2] or ""))
        kind, samples = families[current]
        suffix = sample[1][len(current):]
        assert sample[1].startswith(current) and kind
        assert suffix in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",)), line
        key = (suffix, labels)
        assert key not in samples, line
        samples[key] = float(line.rpartition(" ")[2])
    return families


def check_histogram(samples):
    """Buckets ascend to +Inf, which is the count."""
    series = collections.defaultdict(list)
    for (suffix, labels), value in samples.items():
        if suffix == "_bucket":
            assert labels[-1][0] == "le"
            series[labels[:-1]].append((float(labels[-1][1]), value))
    assert series
    for labels, buckets in series.items():
        assert buckets == sorted(buckets) and buckets[-1][0] == float("inf")
        assert [n for _, n in buckets] == sorted(n for _, n in buckets)
        assert samples[("_count", labels)] == buckets[-1][1]
        assert samples[("_sum", labels)] >= 0


def metrics(lab, node):
    answer = lab.client().request("GET", node.acs_status_url + "/metrics")
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return parse(answer.body.decode())


def value(families, name, suffix="", **labels):
    return sum(v for (s, have), v in families[name][1].items() if s == suffix and labels.items() <= dict(have).items())


def test_format_and_label_sets(lab, node):
    families = metrics(lab, node)
    statuses = set("YANURCDIS")
    for name in ("acs_ares_total", "acs_rreq_outcome_total"):
        kind, samples = families[name]
        assert kind == "counter"
        assert {tuple(n for n, _ in labels) for _, labels in samples} == {("issuer", "ds", "transStatus")}
        assert {labels for _, labels in samples} == {(("issuer", "bank"), ("ds", "scheme"), ("transStatus", s)) for s in statuses}
    codes = {dict(labels)["code"] for _, labels in families["acs_erro_total"][1]}
    assert {"101", "203", "301", "402", "405", "other"} <= codes
    for name, labels in (("acs_areq_seconds", ["issuer"]), ("acs_rreq_seconds", ["ds"]), ("acs_deadline_lateness_seconds", []),
                         ("acs_hook_seconds", ["issuer", "hook"])):
        kind, samples = families[name]
        assert kind == "histogram"
        check_histogram(samples)
        assert {tuple(n for n, _ in have if n != "le") for _, have in samples} == {tuple(labels)}
    kind, samples = families["acs_hook_breaker"]
    assert kind == "gauge" and {dict(have)["hook"] for _, have in samples} == {
        "card", "risk", "otp", "delegate", "oob", "decoupled", "notice", "trust"}


def test_counts_survive_a_graceful_restart(lab, node, logs):
    logs.expect("ACS0063", "AH03490")  # the old generation still has its place in the scoreboard
    before = metrics(lab, node)
    assert lab.ds.post_acs(lab.areq(FRICTIONLESS)).json()["transStatus"] == "Y"
    assert lab.ds.post_acs(dict(lab.areq(FRICTIONLESS), deviceChannel="99")).json()["errorCode"] == "203"
    c = Challenge(lab, CHALLENGE)
    c.open()
    c.press(otp=c.otp())
    c.rreq()
    wait_until(lambda: value(metrics(lab, node), "acs_rreq_seconds", "_count") > value(before, "acs_rreq_seconds", "_count"),
               5, "the RReq is counted")
    node.graceful()
    after = metrics(lab, node)

    def more(name, suffix="", **labels):
        return value(after, name, suffix, **labels) - value(before, name, suffix, **labels)

    assert (more("acs_ares_total", transStatus="Y"), more("acs_ares_total", transStatus="C"), more("acs_ares_total")) == (1, 1, 2)
    assert (more("acs_rreq_outcome_total", transStatus="Y"), more("acs_rreq_outcome_total")) == (1, 1)
    assert (more("acs_erro_total", code="203"), more("acs_erro_total")) == (1, 1)
    assert (more("acs_areq_seconds", "_count", issuer="bank"), more("acs_rreq_seconds", "_count", ds="scheme")) == (2, 1)
    assert 0 < more("acs_areq_seconds", "_sum") < 5


def test_lateness(lab, node, logs):
    logs.expect("AH03490")
    before = metrics(lab, node)
    Challenge(lab, CHALLENGE).rreq()
    after = metrics(lab, node)
    name = "acs_deadline_lateness_seconds"
    assert value(after, name, "_count") - value(before, name, "_count") == 1
    assert 0 <= value(after, name, "_sum") - value(before, name, "_sum") < 2.5


def test_mod_status(lab, node):
    def auto():
        body = lab.client().request("GET", f"http://127.0.0.1:{node.local_port}/server-status?auto").body.decode()
        return {k: int(v) for k, v in re.findall(r"^(ACS\w+): (\d+)$", body, re.M)}

    before = auto()
    lab.ds.post_acs(lab.areq(FRICTIONLESS))
    after = auto()
    assert after["ACSARes"] == before["ACSARes"] + 1 and after["ACSErro"] == before["ACSErro"]
    assert {"ACSOutcomes", "ACSTimeouts", "ACSRReqUnreached", "ACSRReqGivenUp", "ACSStoreDown"} <= set(after)
    body = lab.client().request("GET", f"http://127.0.0.1:{node.local_port}/server-status").body.decode()
    assert f"<tr><th>ARes sent</th><td>{after['ACSARes']}</td></tr>" in body


# --- transaction log ---------------------------------------------------------

MEMBERS = {"time", "event", "node", "issuer", "ds", "acsTransID", "dsTransID", "threeDSServerTransID", "messageVersion",
           "deviceChannel", "messageCategory", "transStatus", "transStatusReason", "challengeCancel", "eci", "rule", "method",
           "interactionCounter", "attempts", "purchaseAmount", "purchaseCurrency", "merchantName", "acquirerMerchantID", "mcc",
           "panRef", "took", "traceparent", "errorCode"}
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def read_log(path, mark=0):
    """Every line is one piece of JSON that holds nothing that nobody has thought about."""
    with open(path, "rb") as f:
        raw = f.read()[mark:]
    assert not raw or raw.endswith(b"\n")
    out = []
    for line in raw.split(b"\n")[:-1]:
        assert len(line) + 1 <= 4096
        doc = json.loads(line)
        assert set(doc) <= MEMBERS, set(doc) - MEMBERS
        assert re.fullmatch(TIME, doc["time"]) and line.startswith(b'{"time":"')
        assert not any(pan[-8:].encode() in line for pan in CARDS)
        out.append(doc)
    return out


@pytest.fixture
def txnlog(node):
    path = os.path.join(node.root, "logs", "transactions.log")
    mark = os.path.getsize(path)

    def since(count=None, **match):
        def found():
            return [d for d in read_log(path, mark) if all(d.get(k) == v for k, v in match.items())]
        if count:
            wait_until(lambda: len(found()) >= count, 10, f"{count} lines of {match}")
        return found()
    return since


def test_log_of_frictionless(lab, node, txnlog):
    areq = dict(lab.areq(FRICTIONLESS), merchantName="Caf\u00e9 \u2028 \"x\"")
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = lab.client("ds-ca", "ds-client").request("POST", node.areq_url, json.dumps(areq).encode(), {
        "Content-Type": "application/json; charset=utf-8", "traceparent": trace})
    ares = json.loads(answer.body)
    assert ares["transStatus"] == "Y"
    line, = txnlog(dsTransID=areq["dsTransID"])
    with open(node.conf_file, encoding="utf-8") as f:
        rule = next(i for i, text in enumerate(f, 1) if "ACSRule frictionless" in text)
    want = {"event": "ares", "issuer": "bank", "ds": "scheme", "acsTransID": ares["acsTransID"], "transStatus": "Y", "eci": "05",
            "rule": rule, "traceparent": trace, **{k: areq[k] for k in (
                "threeDSServerTransID", "messageVersion", "deviceChannel", "messageCategory", "purchaseAmount", "purchaseCurrency",
                "merchantName", "acquirerMerchantID", "mcc")}}
    assert {k: line.get(k) for k in want} == want
    assert re.fullmatch("[0-9a-f]{16}", line["panRef"]) and 0 <= line["took"] < 5000 and line["node"]
    other = lab.areq(FRICTIONLESS)
    lab.ds.post_acs(other)
    again, = txnlog(dsTransID=other["dsTransID"])
    assert again["panRef"] == line["panRef"] and "traceparent" not in again
    lab.ds.post_acs(third := lab.areq(REJECT))
    assert txnlog(dsTransID=third["dsTransID"])[0]["panRef"] != line["panRef"]


@pytest.mark.parametrize("end,want", [
    ("right", {"transStatus": "Y", "eci": "05", "interactionCounter": "02", "attempts": 2}),
    ("wrong", {"transStatus": "N", "transStatusReason": "19", "interactionCounter": "03", "attempts": 3}),
    ("cancel", {"transStatus": "N", "challengeCancel": "01", "attempts": 0}),
    ("silent", {"transStatus": "N", "transStatusReason": "14", "challengeCancel": "05", "attempts": 0}),
])
def test_log_of_challenge(lab, node, txnlog, end, want):
    c = Challenge(lab, CHALLENGE)
    if end != "silent":
        c.open()
    if end == "right":
        c.press(otp=c.wrong())
        c.press(otp=c.otp())
    for _ in range(3 if end == "wrong" else 0):
        c.press(otp=c.wrong())
    if end == "cancel":
        c.press("cancel")
    rreq = c.rreq()
    outcome, = txnlog(1, event="outcome", acsTransID=c.id)
    assert {k: outcome.get(k) for k in want} == want
    for name in ("transStatus", "transStatusReason", "challengeCancel", "eci", "interactionCounter"):
        assert outcome.get(name) == rreq.get(name), name
    ares, = txnlog(event="ares", acsTransID=c.id)
    assert (ares["transStatus"], ares["method"]) == ("C", "otp")
    assert outcome["panRef"] == ares["panRef"] and outcome["merchantName"] == ares["merchantName"]
    assert (outcome["acquirerMerchantID"], outcome["mcc"]) == (ares["acquirerMerchantID"], ares["mcc"])
    assert len(txnlog(acsTransID=c.id)) == 2


def test_log_of_erro(lab, node, txnlog, logs):
    logs.expect("ACS0063")
    areq = dict(lab.areq(FRICTIONLESS), deviceChannel="99")
    lab.ds.post_acs(areq)
    line, = txnlog(dsTransID=areq["dsTransID"])
    assert (line["event"], line["errorCode"], line["ds"]) == ("erro", "203", "scheme")
    assert line["threeDSServerTransID"] == areq["threeDSServerTransID"] and "transStatus" not in line


def test_lines_never_mix(lab, node, txnlog):
    """Many at once, with names as long and as ugly as the codec lets pass."""
    names = ["\"\\" * 20, "\u20ac" * 40, "{\"event\":\"x\"},", "\U0001f600" * 20, "a" * 40]

    def one(i):
        areq = dict(lab.areq(FRICTIONLESS), merchantName=names[i % len(names)])
        return areq["dsTransID"], names[i % len(names)], lab.ds.post_acs(areq).json().get("transStatus")

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        done = list(pool.map(one, range(200)))
    lines = {d["dsTransID"]: d for d in txnlog() if d["event"] == "ares"}
    sent = [(ds, name) for ds, name, status in done if status == "Y"]
    assert len(sent) >= 160
    for ds, name in sent:
        assert lines[ds]["merchantName"] == name


def test_piped_log(session_lab, lab, logs):
    """A program gets the lines; one that reads nothing makes nobody wait."""
    node = lab.node("piped", start=False, srv=False)
    path = os.path.join(node.root, "logs", "piped.log")
    node.options.main[:] = [f'ACSTransactionLog "|/usr/bin/tee -a {path}"']
    node.start()
    try:
        areq = lab.areq(FRICTIONLESS)
        assert lab.ds.post_acs(areq, url=node.areq_url).json()["transStatus"] == "Y"
        wait_until(lambda: os.path.exists(path) and any(d["dsTransID"] == areq["dsTransID"] for d in read_log(path)), 10,
                   "the line")
        assert lab.client().request("GET", node.acs_status_url + "/ready").status == 200
    finally:
        lab.drop(node)


def test_log_that_cannot_be_written(lab, logs):
    """Payments go on; the log says so once, readiness is red, and lines are counted."""
    logs.expect("ACS0150")
    node = lab.node("full", srv=False, children_max=1, main=["ACSTransactionLog /dev/full"])
    try:
        for _ in range(3):
            assert lab.ds.post_acs(lab.areq(FRICTIONLESS), url=node.areq_url).json()["transStatus"] == "Y"
        node.wait_log("ACS0150")
        assert len(node.log_lines("ACS0150")) == 1
        ready = lab.client().request("GET", node.acs_status_url + "/ready")
        assert ready.status == 503 and b"transaction log" in ready.body
        assert value(metrics(lab, node), "acs_transaction_log_lost_total") >= 3
    finally:
        lab.drop(node)


def test_ready(lab, node):
    assert lab.client().request("GET", node.acs_status_url + "/ready").status == 200


def test_log_in_a_directory_that_is_not_there(lab, node):
    """configtest says it: the start would be too late."""
    other = lab.node("nolog", start=False, srv=False, main=["ACSTransactionLog nowhere/at/all.log"])
    lab.nodes.pop("nolog")
    code, text = other.configtest()
    assert code != 0 and "nowhere/at/all.log: there is no directory" in text, text
    bad = other.configtest(open(other.conf_file, encoding="utf-8").read().replace("nowhere/at/all.log", '"|"'))
    assert bad[0] != 0 and "ACSTransactionLog: must be" in bad[1]


def test_issuer_endpoint_wants_to_know_who_calls(lab, logs):
    logs.expect("ACS0160")
    node = lab.node("issuer", srv=False, end=[], main=["ACSTransactionLog logs/t.log"])
    try:
        url = f"{node.issuer_url}/transactions?from=2026-01-01T00:00:00Z&to=2036-01-01T00:00:00Z"
        answer = lab.client().request("GET", url)
        assert answer.status in (401, 403) and b"transStatus" not in answer.body
    finally:
        lab.drop(node)


# --- lanes -------------------------------------------------------------------

def test_silent_ds_delays_no_time_limit(lab, node, logs):
    """All threads for deliveries hang in a DS that never answers: of 200 other time limits 99 in 100 are saved within 2 s."""
    logs.expect("ACS0071", "ACS0072", "ACS0073", "AH03490", "AH01102", "AH00898")
    before = value(metrics(lab, node), "acs_deadline_lateness_seconds", "_count")
    lab.ds.answers_rreq = messages.rres
    lab.ds.fault("rreq", "silent", n=-1)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: lab.ds.post_acs(lab.areq(CHALLENGE)).json()["transStatus"], range(200)))
    last = time.time()
    assert made == ["C"] * 200
    wait_until(lambda: value(metrics(lab, node), "acs_deadline_lateness_seconds", "_count") - before >= 200, 12, "200 steps")
    assert time.time() - last < 2 + 2 + 1, "first_creq_timeout, 2 s, and a second for looking"
    late = metrics(lab, node)["acs_deadline_lateness_seconds"][1]
    assert late[("_bucket", (("le", "2"),))] >= 0.99 * late[("_count", ())]
    assert late[("_bucket", (("le", "5"),))] == late[("_count", ())]
    silent = len(lab.ds.records.all("rreq"))
    assert 1 <= silent < 200, "the DS is what is slow, and it alone"
    lab.ds.clear()
    lab.ds.answers_rreq = messages.rres
    wait_until(lambda: len(lab.ds.records.all("rreq")) >= 200 - silent - 8, 60, "the rest is delivered")
