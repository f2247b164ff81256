"""Decision rules: what they read, what they lead to, counters, the dry run; and what the configuration check refuses."""
import re

import pytest

from lab.challenge import Challenge
from lab.conf import write
from lab.httpd import FRICTIONLESS, Httpd
from lab.payment import metric
from sim import messages

AGREES, DIFFERS = 'acs_dry_run_total{agrees="yes"}', 'acs_dry_run_total{agrees="no"}'


def status(lab, node, pan=FRICTIONLESS, **over):
    """transStatus and reason."""
    ares = Challenge(lab, pan, url=node.areq_url, **over).ares
    assert ares["messageType"] == "ARes", ares
    return ares["transStatus"] + ares.get("transStatusReason", "")


@pytest.fixture
def with_rules(session_lab, lab):
    """A node with these rules in its <ACSIssuer>."""
    nodes = []

    def make(*rules, lines=(), cards=None, log_level="info"):
        node = session_lab.node(f"rules{len(nodes)}", srv=False, rules=tuple(rules), issuer_first=list(lines), cards=cards,
                                supported="2.1.0,2.2.0", log_level=log_level)
        nodes.append(node)
        return node

    lab.redis.client.flushall()
    yield make
    for node in nodes:
        session_lab.drop(node)


# --- facts

def test_absent(lab, with_rules):
    """A rule that reads an absent fact does not match, whatever it says of it; the _OPT twin reads it as empty."""
    node = with_rules("deny:01 \"%{AREQ:recurringFrequency} -lt 30\"", "deny:02 \"%{AREQ:recurringExpiry} == ''\"",
                      "deny:03 \"! (%{AREQ:recurringExpiry} == 'x')\"", "deny:04 \"%{METHOD:language} != 'de'\"",
                      "deny:05 \"%{RISK:score} -lt 50\"", "deny:06 \"%{CARD:trusted} != 'Y'\"",
                      "deny:07 \"%{AREQ_OPT:mcc} == ''\"",
                      "attempt \"-z %{AREQ_OPT:recurringExpiry} && %{METHOD_OPT:language} == '' && %{RISK_OPT:score} == '' "
                      "&& %{CARD_OPT:trusted} == '' && %{METHOD:present} == 'N'\"", "challenge \"true\"")
    assert status(lab, node) == "A"
    assert status(lab, node, recurringFrequency="28", recurringExpiry="20301231") == "N01"
    assert status(lab, node, recurringFrequency="31", recurringExpiry="20301231") == "N03"


def test_alternatives(lab, with_rules):
    """What stands behind an alternative that holds is not read; && binds tighter than ||."""
    node = with_rules("deny:01 \"%{AREQ:mcc} == '5411' || %{AREQ:recurringExpiry} == 'x'\"", "attempt \"true || false && false\"",
                      "challenge \"true\"")
    assert status(lab, node) == "N01"
    assert status(lab, node, mcc="5999") == "A"


def test_lists(lab, with_rules):
    """AREQLIST: an array, or a text as a list of one."""
    node = with_rules("deny:01 \"'5411' -in AREQLIST('mcc')\"", "deny:02 \"'x' -in AREQLIST('recurringExpiry')\"",
                      "deny:03 \"! ('x' -in AREQLIST('recurringExpiry'))\"",
                      "deny:04 \"'03' -in AREQLIST('acctInfo.shipAddressUsageInd')\"", "challenge \"true\"")
    assert status(lab, node) == "N01"
    assert status(lab, node, mcc="5999", acctInfo={"shipAddressUsageInd": "03"}) == "N04"
    assert status(lab, node, mcc="5999", acctInfo={"shipAddressUsageInd": "04"}) == "C"


def test_card(lab, with_rules):
    node = with_rules("deny:01 \"%{CARD:status} != 'active'\"", "deny:02 \"%{CARD:group} == 'challenge'\"",
                      "attempt \"%{CARD:language} == 'en'\"", "challenge \"true\"")
    assert status(lab, node) == "A"
    assert status(lab, node, pan="4000000000000002") == "N02"


# --- outcomes

@pytest.mark.parametrize("word,want", [("reject", "R11"), ("deny", "N01"), ("unavailable", "U22"), ("reject:12", "R12"),
                                       ("deny:17", "N17"), ("unavailable:05", "U05"), ("frictionless", "Y"), ("attempt", "A"),
                                       ("challenge", "C"), ("challenge:otp", "C")])
def test_outcome(lab, with_rules, word, want):
    assert status(lab, with_rules(f"{word} \"true\"")) == want


# --- counters

def test_counter_by_card(lab, with_rules):
    """The value before this AReq is counted; another card has one of its own."""
    node = with_rules("deny:12 \"%{COUNT:tries} -ge 3\"", "attempt \"%{COUNT:tries} == '0'\"", "frictionless \"true\"",
                      lines=["ACSCounter tries by=card window=1h"])
    assert [status(lab, node) for _ in range(5)] == ["A", "Y", "Y", "N12", "N12"]
    assert status(lab, node, pan="4000000000000051") == "A"
    keys = [k.decode() for k in lab.redis.client.scan_iter() if b":c:" in k]
    assert len(keys) == 2 and not any("4000" in k for k in keys)
    assert all(re.fullmatch(r"acs:\{([0-9a-f]{2})\}:c:\1[0-9a-f]{30}:[0-9a-f]+", k) for k in keys)
    assert all(7100 < lab.redis.client.ttl(k) <= 7200 for k in keys)  # two windows
    assert not lab.redis.keys_without_ttl()


def test_counter_sum(lab, with_rules):
    """Minor units of one currency only."""
    node = with_rules("deny:12 \"%{COUNT:spent} -ge 1000\"", "frictionless \"true\"",
                      lines=["ACSCounter spent by=card window=24h sum=amount currency=978"])
    yen = dict(purchaseCurrency="392", purchaseExponent="0", purchaseAmount="5000")
    assert [status(lab, node, **yen), status(lab, node, purchaseAmount="999"), status(lab, node, purchaseAmount="1"),
            status(lab, node, **yen)] == ["Y", "Y", "Y", "N12"]


def test_counter_by_merchant(lab, with_rules):
    node = with_rules("deny:12 \"%{COUNT:shop} -ge 1\"", "frictionless \"true\"",
                      lines=["ACSCounter shop by=merchant window=30d"])
    assert [status(lab, node), status(lab, node, pan="4000000000000051"), status(lab, node, acquirerMerchantID="OTHER"),
            status(lab, node, acquirerBIN="400552")] == ["Y", "N12", "Y", "Y"]


def device(lab, node, device_id):
    server_id = messages.new_id()
    page = lab.browser().post(node.method_url, {"threeDSMethodData": messages.b64url(
        {"threeDSServerTransID": server_id, "threeDSMethodNotificationURL": "https://shop.test/"})})
    form = next(a for tag, a in page.tags if tag == "form")
    done = lab.browser().post(form["data-url"], {"token": form["data-token"], "data": '{"deviceId":"%s"}' % device_id})
    assert done.status == 204
    return server_id


def test_counter_by_device(lab, with_rules):
    """Absent without a device."""
    node = with_rules("deny:12 \"%{COUNT:browser} -ge 2\"", "frictionless \"%{COUNT:browser} -ge 0\"",
                      "attempt \"%{COUNT_OPT:browser} == ''\"", "challenge \"true\"",
                      lines=["ACSCounter browser by=device window=10min"])
    one, two = "0123456789abcdef" * 2, "fedcba9876543210" * 2
    got = [status(lab, node, threeDSServerTransID=device(lab, node, d)) for d in (one, one, two, one)]
    assert got == ["Y", "Y", "Y", "N12"]
    assert status(lab, node) == "A"
    assert not any(one.encode() in k for k in lab.redis.client.scan_iter())


def test_counter_across_issuers_and_windows(lab, with_rules):
    """Declared anew in another shape it begins anew."""
    rules = ("deny:12 \"%{COUNT:tries} -ge 1\"", "frictionless \"true\"")
    node = with_rules(*rules, lines=["ACSCounter tries by=card window=1h"])
    assert [status(lab, node), status(lab, node)] == ["Y", "N12"]
    other = with_rules(*rules, lines=["ACSCounter tries by=card window=2h"])
    assert status(lab, other) == "Y"
    same = with_rules(*rules, lines=["ACSCounter tries by=card window=1h"])  # another node, the same counter
    assert status(lab, same) == "N12"


def test_refused_areq_is_not_counted(lab, with_rules, logs):
    logs.expect("ACS0063")
    node = with_rules("deny:12 \"%{COUNT:tries} -ge 1\"", "frictionless \"true\"",
                      lines=["ACSCounter tries by=card window=1h"])
    assert Challenge(lab, FRICTIONLESS, url=node.areq_url, mcc="x").ares["messageType"] == "Erro"
    assert status(lab, node) == "Y"


def commands(lab):
    stats = lab.redis.client.info("commandstats")
    return {name.removeprefix("cmdstat_"): s["calls"] for name, s in stats.items()}


def spent(lab, fn):
    """Commands that Redis was sent for it."""
    lab.redis.client.config_resetstat()
    fn()
    return {k: n for k, n in commands(lab).items() if k in ("get", "hgetall", "set", "incrby", "evalsha", "eval", "mget")}


def test_what_is_not_read_is_not_fetched(lab, with_rules):
    """One write and no read, where rules read neither METHOD nor COUNT and cards come from a file."""
    plain = with_rules("frictionless \"%{CARD:group} == 'frictionless'\"", "challenge \"true\"")
    status(lab, plain)
    assert spent(lab, lambda: status(lab, plain)) == {"set": 1}
    counting = with_rules("deny:12 \"%{COUNT:tries} -ge 9\"", "frictionless \"true\"",
                          lines=["ACSCounter tries by=card window=1h"])
    status(lab, counting)
    assert spent(lab, lambda: status(lab, counting)) == {"get": 2, "set": 1, "incrby": 1}
    methodical = with_rules("deny:12 \"%{METHOD:language} == 'xx'\"", "frictionless \"true\"")
    status(lab, methodical)
    assert spent(lab, lambda: status(lab, methodical)) == {"get": 1, "set": 1, "incrby": 1}


# --- dry run

def test_dry_run(lab, with_rules):
    """Counted and logged with outcomes and lines, never values; it decides nothing."""
    node = with_rules("frictionless \"%{AREQ:mcc} == '5411'\"", "challenge \"true\"",
                      lines=["ACSDryRunRule deny:12 \"%{AREQ:mcc} == '5411' && %{AREQ:purchaseAmount} -gt 50000\"",
                             "ACSDryRunRule frictionless \"%{AREQ:mcc} == '5411'\"", "ACSDryRunRule deny \"true\""])
    assert status(lab, node) == "Y"
    assert (metric(lab, node.acs_status_url, AGREES), metric(lab, node.acs_status_url, DIFFERS)) == (1, 0)
    assert status(lab, node, purchaseAmount="60001") == "Y"
    assert status(lab, node, mcc="5999") == "C"
    assert (metric(lab, node.acs_status_url, AGREES), metric(lab, node.acs_status_url, DIFFERS)) == (1, 2)
    said = re.findall(r"ACS0101: (.*)", node.error_log.text())
    lines = {n: i for i, n in enumerate(open(node.conf_file, encoding="utf-8").read().split("\n"), 1)}

    def line(start):
        return next(i for text, i in lines.items() if text.strip().startswith(start))

    assert said == [
        f"issuer bank: frictionless by line {line('ACSRule frictionless')}; dry run: frictionless by line "
        f"{line('ACSDryRunRule frictionless')}",
        f"issuer bank: frictionless by line {line('ACSRule frictionless')}; dry run: deny:12 by line "
        f"{line('ACSDryRunRule deny:12')}",
        f"issuer bank: challenge by line {line('ACSRule challenge')}; dry run: deny:01 by line {line('ACSDryRunRule deny ')}"]


def test_without_dry_run_nothing_is_counted(lab, with_rules):
    node = with_rules("frictionless \"true\"")
    status(lab, node)
    assert metric(lab, node.acs_status_url, AGREES) == metric(lab, node.acs_status_url, DIFFERS) == 0


# --- the configuration check

def check(lab, *lines):
    """Of a configuration with these lines in place of the rules."""
    node = Httpd(lab, "check")
    text = re.sub(r"  ACSRule .*\n", "", write(node))
    text = text.replace("  ACSCardSource", "".join(f"  {line}\n" for line in lines) + "  ACSCardSource", 1)
    return node.configtest(text), {line: i for i, line in enumerate((x.strip() for x in text.split("\n")), 1)}


LAST = 'ACSRule challenge "true"'
REFUSED = [
    (('ACSRule deny "%{AREQ:nothing} == \'1\'"', LAST), "AREQ has no element 'nothing'"),
    (('ACSRule deny "%{AREQ_OPT:nothing} == \'1\'"', LAST), "AREQ has no element 'nothing'"),
    (('ACSRule deny "\'1\' -in AREQLIST(\'nothing\')"', LAST), "AREQ has no element 'nothing'"),
    (('ACSRule deny "%{CARD:ref} == \'1\'"', LAST), "CARD has no element 'ref'"),
    (('ACSRule deny "%{METHOD:deviceId} == \'1\'"', LAST), "METHOD has no element 'deviceId'"),
    (('ACSRule deny "%{METHOD:x} == \'1\'"', LAST), "METHOD has no element 'x'"),
    (('ACSRule deny "%{RISK:x} == \'1\'"', LAST), "RISK has no element 'x'"),
    (('ACSRule deny "%{COUNT:x} -gt 1"', LAST), "COUNT has no element 'x'"),
    (('ACSRule deny "%{COUNT:x} -gt 1"', "ACSCounter x by=card window=1h", LAST), "COUNT has no element 'x'"),
    (('ACSRule deny:1 "true"',), "'1' is no transStatusReason"),
    (('ACSRule deny:00 "true"',), "'00' is no transStatusReason"),
    (('ACSRule deny:40 "true"',), "'40' is no transStatusReason"),
    (('ACSRule deny: "true"',), "'' is no transStatusReason"),
    (('ACSRule frictionless:12 "true"',), "frictionless takes nothing behind it"),
    (('ACSRule decoupled:12 "true"',), "decoupled takes nothing behind it"),
    (('ACSRule spc:otp "true"',), "spc takes nothing behind it"),
    (('ACSRule challenge:12 "true"',), "unknown challenge method '12'"),
    (('ACSRule challenge:sms "true"',), "unknown challenge method 'sms'"),
    (('ACSRule refuse "true"',), "unknown outcome 'refuse'"),
    (('ACSRule deny "%{AREQ:mcc} =="', LAST), "ACSRule: "),
    (("ACSCounter", LAST), "a name of letters, digits and _ comes first"),
    (("ACSCounter a-b by=card window=1h", LAST), "a name of letters, digits and _ comes first"),
    (("ACSCounter a by=card", LAST), "window= is missing"),
    (("ACSCounter a window=1h", LAST), "by= is missing"),
    (("ACSCounter a by=shop window=1h", LAST), "by= must be card, device or merchant"),
    (("ACSCounter a by=card window=31d", LAST), "window= must be 1s to 30d"),
    (("ACSCounter a by=card window=1", LAST), "window= must be 1s to 30d"),
    (("ACSCounter a by=card window=-1h", LAST), "window= must be 1s to 30d"),
    (("ACSCounter a by=card window=1h sum=x", LAST), "sum= must be amount"),
    (("ACSCounter a by=card window=1h currency=978", LAST), "currency= goes with sum=amount only"),
    (("ACSCounter a by=card window=1h sum=amount currency=EUR", LAST), "currency= must be three digits"),
    (("ACSCounter a by=card window=1h max=3", LAST), "unknown option 'max=3'"),
    (("ACSCounter a by=card window=1h", "ACSCounter a by=merchant window=1h", LAST), "a is declared twice"),
    (tuple(f"ACSCounter a{i} by=card window=1h" for i in range(17)) + (LAST,), "at most 16"),
    ((LAST, 'ACSDryRunRule deny "%{AREQ:mcc} == \'1\'"'), "the last ACSDryRunRule"),
    ((LAST, 'ACSDryRunRule deny "%{AREQ:x} == \'1\'"'), "ACSDryRunRule: "),
]


@pytest.mark.parametrize("lines,complaint", REFUSED, ids=range(len(REFUSED)))
def test_refused(lab, lines, complaint):
    (rc, out), _ = check(lab, *lines)
    assert rc != 0 and complaint in out, out


@pytest.mark.parametrize("word", ["decoupled", "spc", "challenge:oob", "challenge:delegate", "deny:29", "unavailable:99"])
def test_accepted(lab, word):
    (rc, out), _ = check(lab, f'ACSRule {word} "%{{AREQ:mcc}} == \'1\'"', LAST)
    assert rc == 0, out


A, B = "%{AREQ:mcc} == '1'", "%{AREQ:merchantCountryCode} -in {'408', '364'}"


@pytest.mark.parametrize("first,second", [
    ("true", A), ("(true)", A), ("!false", A), (A, A), (A, f" ( {A} ) "), (B, B.replace(", ", ",   ")), (f"{A} && {B}", f"{A}  &&  {B}")])
def test_never_matches(lab, first, second):
    """Behind an unconditional one, or the same once more: both places are named."""
    one, two = f'ACSRule deny "{first}"', f'ACSRule reject "{second}"'
    (rc, out), lines = check(lab, one, two, LAST)
    places = [f"httpd.conf:{lines[x]}" for x in (one, two)]
    assert rc != 0 and all(p in out for p in places), out


@pytest.mark.parametrize("first,second", [
    (A, f"{A} && {B}"), (A, f"{B} && {A}"), (A, f"({A}) && ({B} || {A})"), (f"{A} && {B}", f"{B} && true && {A}"),
    (f"{A} || {B}", f"{A} && %{{AREQ:purchaseAmount}} -gt 5"), (f"{A} || {B}", f"{B} && ({A} || {B})")])
def test_covered(lab, first, second):
    (rc, out), lines = check(lab, f'ACSRule deny "{first}"', f'ACSRule reject "{second}"', LAST)
    assert rc == 0 and "ACS0140" in out, out


@pytest.mark.parametrize("first,second", [
    (A, B), (f"{A} && {B}", A), (A, f"{A} || {B}"), (A, f"{A} && {B} || {B}"), (f"{A} || {B}", f"{B} && true"),
    (A, f"! ({A} && {B})"), (A, f"%{{AREQ:merchantName}} == 'x && {A.replace(chr(39), '')}'"), ("'a' == 'x  y'", "'a' == 'x y'"),
    ("%{AREQ:mcc} =~ /a  b/", "%{AREQ:mcc} =~ /a b/")])
def test_not_covered(lab, first, second):
    (rc, out), _ = check(lab, f'ACSRule deny "{first}"', f'ACSRule reject "{second}"', LAST)
    assert rc == 0 and "ACS0140" not in out, out


@pytest.mark.parametrize("lines", [('ACSRule spc "true"', LAST), (f'ACSRule spc "{A}"', f'ACSRule challenge "{A}"', LAST),
                                   (f'ACSRule spc "{A}"', f'ACSRule deny "{A} && {B}"', LAST)])
def test_spc_is_no_cover(lab, lines):
    """Where SPC is not possible such a rule does not match, and the next one counts (docs/directives/ACSSPCIcon.md)."""
    (rc, out), _ = check(lab, *lines)
    assert rc == 0 and "ACS0140" not in out, out


def test_spc_after_spc(lab):
    (rc, out), _ = check(lab, 'ACSRule spc "true"', f'ACSRule spc "{A}"', LAST)
    assert rc != 0 and "is never reached" in out, out


def test_spc_is_no_last_rule(lab):
    (rc, out), lines = check(lab, 'ACSRule spc "true"')
    line = lines['ACSRule spc "true"']
    assert rc != 0 and f"(line {line}) must not be spc" in out, out


def test_counter_that_nobody_reads(lab):
    (rc, out), _ = check(lab, "ACSCounter idle by=card window=1h", LAST)
    assert rc == 0 and "ACS0141" in out and "idle" in out


def test_method_without_url(lab):
    node = Httpd(lab, "check")
    rc, out = node.configtest(re.sub(r"ACSMethodURL .*", "", write(node)))
    assert rc != 0 and "ACSMethodURL is missing" in out
    rc, out = node.configtest(re.sub(r"(ACSMethodURL .*)", r"\1?x=y", write(node)))
    assert rc != 0 and "ACSMethodURL must not have a query" in out
