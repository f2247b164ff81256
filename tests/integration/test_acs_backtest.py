"""httpd -t -D ACS_BACKTEST=FILE: what the rules would have said to stored AReqs."""
import json
import os
import re

import pytest

from lab.conf import write
from lab.httpd import FRICTIONLESS, Httpd

RULES = ("reject \"%{CARD:group} == 'stolen'\"", "deny:12 \"%{COUNT:tries} -ge 3\"",
         "challenge \"%{METHOD:timeZoneOffset} == '-600'\"", "challenge:oob \"%{RISK:score} -ge 70\"",
         "frictionless \"%{AREQ:purchaseAmount} -lt 3000\"", "challenge \"true\"")
DRY = ["ACSDryRunRule frictionless \"%{AREQ:purchaseAmount} -lt 50000\"", "ACSDryRunRule challenge \"true\""]
HEAD = ["ACSCounter tries by=card window=1h"]


@pytest.fixture
def backtest(lab):
    """Run over these lines: (return code, whole output, {(directive, outcome): (hits, changed)})."""

    def run(*lines, rules=RULES, head=HEAD, extra=(), edit=lambda text: text):
        node = Httpd(lab, "backtest")
        node.options.rules, node.options.issuer_first, node.options.issuer = rules, list(head), list(extra)
        path = node.write("conf/areqs.ndjson", "".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines))
        rc, out = node.configtest(edit(write(node)), defines=[f"ACS_BACKTEST={path}"])
        rows = re.findall(r"^  (ACS(?:DryRun)?Rule) +(\d+|none) +(\S+) +(\d+)  (\S.*)$", out, re.M)
        return rc, out, {(d, o, i): (int(n), c) for i, (d, _line, o, n, c) in enumerate(rows)}

    return run


def redacted(lab, **over):
    """As a log keeps it: masked, without names."""
    areq = lab.areq(FRICTIONLESS, **over)
    areq["acctNumber"] = "400000******0010"
    return {k: v for k, v in areq.items() if k not in ("cardholderName", "email", "cardExpiryDate", "browserIP")}


def hits(rows, directive="ACSRule"):
    return [n for (d, _o, _i), (n, _c) in rows.items() if d == directive]


def changed(rows, directive="ACSRule"):
    return [c for (d, _o, _i), (_n, c) in rows.items() if d == directive]


def test_table(lab, backtest):
    small, large = redacted(lab, purchaseAmount="2999"), redacted(lab, purchaseAmount="3000")
    rc, out, rows = backtest(small, large, large, {"areq": small, "outcome": "Y"}, {"areq": small, "outcome": "C"},
                             {"areq": large, "outcome": "Y"})
    assert rc == 0 and "Syntax OK" in out
    assert "<ACSIssuer bank>: 6 AReq, 0 settled by the card" in out
    assert [o for _d, o, _i in rows] == ["reject:11", "deny:12", "challenge", "challenge:oob", "frictionless", "challenge"]
    assert hits(rows) == [0, 0, 0, 0, 3, 3]
    assert changed(rows) == ["-", "-", "-", "-", "1 of 2", "1 of 1"]


def test_lines_are_named(lab, backtest):
    _rc, out, _rows = backtest(redacted(lab))
    node = Httpd(lab, "backtest")
    text = open(node.conf_file, encoding="utf-8").read().split("\n")
    want = [i for i, line in enumerate(text, 1) if line.strip().startswith("ACSRule ")]
    assert [int(n) for n in re.findall(r"^  ACSRule +(\d+)", out, re.M)] == want


def test_other_facts(lab, backtest):
    """Card, method, counters and risk come with the line; what does not come is absent."""
    areq = redacted(lab, purchaseAmount="1")
    _rc, _out, rows = backtest({"areq": areq, "card": {"group": "stolen"}}, {"areq": areq, "count": {"tries": 3}},
                               {"areq": areq, "count": {"tries": 2}}, {"areq": areq, "method": {"timeZoneOffset": "-600"}},
                               {"areq": areq, "risk": {"score": "70"}}, {"areq": areq})
    assert hits(rows) == [1, 1, 1, 1, 2, 0]


def test_settled_by_the_card(lab, backtest):
    _rc, out, rows = backtest({"areq": redacted(lab), "card": {"status": "blocked"}})
    assert "1 AReq, 1 settled by the card" in out and sum(hits(rows)) == 0


def test_dry_run_beside(lab, backtest):
    _rc, _out, rows = backtest({"areq": redacted(lab, purchaseAmount="40000"), "outcome": "C"}, extra=DRY)
    assert hits(rows) == [0, 0, 0, 0, 0, 1] and changed(rows)[-1] == "0 of 1"
    assert hits(rows, "ACSDryRunRule") == [1, 0] and changed(rows, "ACSDryRunRule") == ["1 of 1", "-"]


SECOND = """<ACSIssuer second>
  ACSCardRange 4100000000000000 4100009999999999
  ACSRule frictionless "true"
"""


def two_issuers(text):
    """A second one, otherwise as the first."""
    first = re.search(r"<ACSIssuer bank>\n(.*?)</ACSIssuer>\n", text, re.S).group(1)
    rest = "".join(line + "\n" for line in first.split("\n") if line and not re.search(r"ACSCardRange|Rule |ACSCounter|ACSIssuerKey", line))
    return text.replace("<ACSDirectoryServer", SECOND + rest + "</ACSIssuer>\n<ACSDirectoryServer", 1)


def test_issuer(lab, backtest):
    """By name, or by what is left of the account number."""
    areq = redacted(lab)
    _rc, out, _rows = backtest(areq, dict(areq, acctNumber="410000******0010"), {"issuer": "second", "areq": areq},
                               {"issuer": "third", "areq": areq}, dict(areq, acctNumber="420000******0010"), edit=two_issuers)
    assert "<ACSIssuer bank>: 1 AReq" in out and "<ACSIssuer second>: 2 AReq" in out
    assert "2 of 5 lines left out; the first is line 4: of no issuer" in out


def test_faulty_lines(lab, backtest):
    rc, out, rows = backtest(redacted(lab), "", "{", "[]", {"areq": {}}, {"messageType": "ARes", "messageVersion": "2.2.0"},
                             redacted(lab))
    assert rc == 0 and sum(hits(rows)) == 2
    assert "4 of 7 lines left out; the first is line 3: not a JSON object" in out


def test_what_httpd_knows_is_empty(lab, backtest):
    """There is no request but a made-up one, without headers."""
    rc, out, rows = backtest(redacted(lab), redacted(lab), rules=(
        "deny \"%{HTTP_USER_AGENT} == '' && %{CONTENT_TYPE} == '' && %{HTTPS} == 'off' && -n %{TIME_YEAR}\"", "challenge \"true\""))
    assert rc == 0 and hits(rows) == [2, 0], out


def test_no_file(lab, backtest):
    node = Httpd(lab, "backtest")
    rc, out = node.configtest(defines=["ACS_BACKTEST=/nowhere/x"])
    assert rc == 0 and "ACS_BACKTEST: cannot read /nowhere/x" in out


def test_only_with_t(lab, backtest):
    """Without the word nothing is printed."""
    node = Httpd(lab, "backtest")
    _rc, out = node.configtest()
    assert "AReq" not in out and os.path.exists(node.conf_file)


def test_no_values_are_printed(lab, backtest):
    _rc, out, _rows = backtest({"areq": redacted(lab, merchantName="Secret Shop"), "risk": {"score": "777"}})
    assert "Secret" not in out and "777" not in out and "400000" not in out
