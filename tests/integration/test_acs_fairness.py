"""The systems of one issuer fail: the AReqs of the others are answered as fast as before. Runs alone (see tests/tools/runall.py):
it compares times."""
import json
import os
import subprocess

import pytest
from lab.httpd import FRICTIONLESS
from test_acs_hooks import NODE

OTHER = "4000020000000002"

BANK2 = ["<ACSIssuer second>", "  ACSCardRange 4000020000000000 4000029999999999", "  ACSCardSource file:{cards}",
         '  ACSRule frictionless "true"', "  ACSOTPDelivery {otp}", "  ACSTemplates {templates}",
         "  ACSAuthenticationValue lab file:{value}", "  ACSECI Y 05", "</ACSIssuer>"]


class Load:
    """AReqs of one card at a fixed rate, by a program of its own."""

    def __init__(self, lab, node, pan, rate, seconds, connections):
        self.template = os.path.join(lab.directory, f"areq-{pan}.json")
        with open(self.template, "w", encoding="utf-8") as f:
            json.dump(lab.areq(pan), f, separators=(",", ":"))
        self.process = subprocess.Popen(
            [os.path.join(os.environ["TDS_BUILD"], "tests/bench/load"), "--port", str(node.ds_port), "--path", "/acs/areq", "--ca",
             lab.pki.ca("ds-ca"), "--cert", lab.pki.both("ds-client"), "--connections", str(connections), "--rate", str(rate),
             "--warm", "0.5", "--seconds", str(seconds), "--expect", '"messageType":"ARes"', self.template],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def line(self):
        return self.process.stdout.readline()

    def go(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def result(self):
        found = json.loads(self.line())
        self.go()
        self.process.wait()
        return found


def both(lab, node, seconds=2):
    """(the other issuer's, the one issuer's) figures of the same time."""
    loads = [Load(lab, node, OTHER, 150, seconds, 8), Load(lab, node, FRICTIONLESS, 20, seconds, 20)]
    for load in loads:
        assert load.line() == "ready\n"
    for load in loads:
        load.go()
    return [load.result() for load in loads]


@pytest.fixture(scope="module")
def two(session_lab):
    """A node with two issuers: the cards of the one are asked for, those of the other are in a file."""
    lab = session_lab
    node = lab.node("two", **{**NODE, "children": 2, "hooks": ("card within=500ms fallback=attempt pause=1s",), "issuer": [],
                              "rules": ('frictionless "true"',)}, start=False)
    section = [line.format(cards=node.cards_file, otp=lab.issuer.otp_url, templates=lab.templates, value=node.value_key)
               for line in BANK2]
    node.options.main = [*node.options.main, *section]
    node.write(node.cards_file, json.dumps({"cards": {OTHER: {"status": "active"}}}))
    node.start()
    yield node
    lab.drop(node)


@pytest.mark.parametrize("fault", ["silent", "huge", "tls_hang"])
def test_other_issuers(lab, two, logs, fault):
    """The same traffic before and while the one issuer's systems fail: every AReq of its cards is answered in time, with
    the fallback, and the p99 of the other issuer's stays within 1.5 times. The best of some tries: neighbours on the machine make
    noise, never the other way round."""
    lab.vault.always(OTHER)
    logs.expect("ACS0110", "ACS0111", r"\[proxy", r"\[ssl")
    tries = []
    while len(tries) < 3:
        calm = both(lab, two)[0]
        if fault == "tls_hang":
            lab.issuer.fault("connect", fault, n=-1, seconds=5)
            for server in lab.issuer.servers:
                server.drop_connections()
        else:
            lab.issuer.fault("card", fault, n=-1, seconds=2, size=200_000)
        other, failing = both(lab, two)
        lab.issuer.faults.clear()
        assert other["errors"] == failing["errors"] == 0, (other, failing)
        assert failing["requests"] > 25 and failing["max"] < 3e6, failing
        tries.append((other["p99"] / calm["p99"], calm["p99"], other["p99"], failing["p99"]))
        if tries[-1][0] <= 1.5:
            break
    best = min(tries)
    print(f"{fault}: p99 of the other issuer {best[1]:.0f} -> {best[2]:.0f} us, {best[0]:.2f} times; of the failing one {best[3]:.0f} us")
    assert best[0] <= 1.5, tries
