"""Providers of authentication values in a running ACS, and what production refuses. The values are worked out here from
the description of their format, without anything of the product."""
import base64
import hashlib
import hmac
import os
import re

import pytest

from lab.challenge import Challenge
from lab.conf import write
from lab.httpd import CHALLENGE, FRICTIONLESS, REJECT, UNKNOWN, Httpd
from lab.procs import own

KEY = "7c39878c1f96d212f509b2dc4cc8cd1b00112233445566778899aabbccddeeff"
CVK = "0123456789abcdeffedcba9876543210"
LINE = r"ACSAuthenticationValue lab .*"


def key_file(node, name, text, mode=0o600):
    path = node.write(name, text + "\n")
    own(path)
    os.chmod(path, mode)
    return path


def conf_of(node, *lines):
    """The laboratory's configuration with these lines in the place of its value and eci."""
    return re.sub(LINE, "\n".join(lines), re.sub(r" *ACSECI .*\n", "", write(node)))


def iav(pan, ds_trans_id):
    data = bytes.fromhex(pan.ljust(20, "F") + ds_trans_id.replace("-", ""))
    mac = hmac.new(bytes.fromhex(KEY), data, hashlib.sha256).digest()
    return base64.b64encode((b"\xc6\x04" + mac[:4]).ljust(20, b"\0")).decode()


@pytest.fixture
def serve(lab):
    """Start a node with these lines of ACSAuthenticationValue."""
    nodes = []

    def start(*lines):
        node = lab.node(f"value-{len(nodes)}", start=False, srv=False)
        nodes.append(node)
        node.start(text=conf_of(node, *[line(node) if callable(line) else line for line in lines]))
        return node
    yield start
    for node in nodes:
        lab.drop(node)


@pytest.fixture
def spare(lab):
    """A node that is not started."""
    return Httpd(lab, "spare-value")


def test_issuer_value(lab, serve):
    serve(lambda n: "ACSAuthenticationValue mc-iav key=file:" + key_file(n, "iav.key", KEY))
    c = Challenge(lab, FRICTIONLESS)
    assert (c.ares["transStatus"], c.ares["eci"]) == ("Y", "02")
    assert c.ares["authenticationValue"] == iav(FRICTIONLESS, c.areq["dsTransID"])
    c = Challenge(lab, CHALLENGE)
    assert c.ares["transStatus"] == "C" and "eci" not in c.ares
    c.open()
    c.press(otp=c.otp())
    rreq = c.rreq()
    assert (rreq["transStatus"], rreq["eci"]) == ("Y", "02")
    assert rreq["authenticationValue"] == iav(CHALLENGE, c.areq["dsTransID"])


def test_tracking_number(lab, serve):
    serve(lambda n: f"ACSAuthenticationValue cvv-atn key=file:{key_file(n, 'cvk.key', CVK)} keyID=2")
    seen = set()
    for _ in range(5):
        ares = Challenge(lab, FRICTIONLESS).ares
        assert (ares["transStatus"], ares["eci"]) == ("Y", "05")
        value = base64.b64decode(ares["authenticationValue"], validate=True).hex()
        assert re.match(r"^00" r"99" r"02" r"0\d{3}" r"(?P<un>\d{4})\d{12}(?P=un)" r"00" r"00000000$", value)
        seen.add(value[14:30])
    assert len(seen) == 5, "tracking numbers repeat"


def test_not_makable_is_u(lab, serve, logs):
    logs.expect("ACS0050")
    serve(lambda n: "ACSAuthenticationValue cvv-u3v7 key=file:" + key_file(n, "cvk.key", CVK))
    ares = Challenge(lab, FRICTIONLESS, purchaseAmount="1234567890123").ares
    assert (ares["transStatus"], ares["transStatusReason"], ares["eci"]) == ("U", "22", "07")
    assert "authenticationValue" not in ares
    assert Challenge(lab, FRICTIONLESS, purchaseAmount="123456789012").ares["transStatus"] == "Y"


def test_by_range(lab, serve):
    serve(lambda n: f"ACSAuthenticationValue mc-iav key=file:{key_file(n, 'iav.key', KEY)} "
                    f"range={FRICTIONLESS}-{FRICTIONLESS}",
          lambda n: "ACSAuthenticationValue cvv-atn key=file:" + key_file(n, "cvk.key", CVK), "ACSECI R 99")
    assert Challenge(lab, FRICTIONLESS).ares["eci"] == "02"
    assert Challenge(lab, UNKNOWN).ares["eci"] == "07"
    assert Challenge(lab, REJECT).ares["eci"] == "99"


# --- configuration

def test_production(spare):
    lines = [f"ACSAuthenticationValue mc-iav key=file:{key_file(spare, 'iav.key', KEY)}"]
    rc, out = spare.configtest("ACSProduction on\n" + conf_of(spare, *lines))
    assert rc == 0, out


def test_production_signs(spare, lab):
    line = f"ACSHook notice {lab.issuer.url}/notice"
    text = "ACSProduction on\n" + conf_of(spare, f"ACSAuthenticationValue mc-iav key=file:{key_file(spare, 'iav.key', KEY)}", line)
    rc, out = spare.configtest(text)
    assert rc == 0, out
    text = re.sub(r"ACSIssuerKey .*\n", "\n", text)
    number = next(i for i, x in enumerate(text.splitlines(), 1) if line in x)
    rc, out = spare.configtest(text)
    assert rc != 0 and f"ACSHook notice (line {number} of {spare.conf_file})" in out and "ACSIssuerKey" in out, out


@pytest.mark.parametrize("line", ["ACSAuthenticationValue lab file:{key}",
                                  "ACSAuthenticationValue generic-hmac key=file:{key}",
                                  "ACSAuthenticationValue mc-spa1 key=file:{key}", "ACSOTPDelivery inbox:run/otp"])
def test_production_refuses(spare, line):
    key = key_file(spare, "iav.key", KEY)
    line = line.format(key=key)
    text = conf_of(spare, line if "Value" in line else f"ACSAuthenticationValue mc-iav key=file:{key}")
    text = re.sub(r"ACSOTPDelivery .*", line, text) if "Delivery" in line else text
    rc, out = spare.configtest(text)
    assert rc == 0, out
    text = "ACSProduction on\n" + text
    number = next(i for i, x in enumerate(text.splitlines(), 1) if line in x)
    rc, out = spare.configtest(text)
    assert rc != 0, "accepted"
    assert " ".join(line.split()[:1]) in out and f"line {number} of {spare.conf_file}" in out, out
    assert ("use an https URL" if "Delivery" in line else "use cvv-atn, cvv-u3v7 and mc-iav") in out, out


@pytest.mark.parametrize("line,complaint", [
    ("ACSAuthenticationValue cvv-atn key=file:{open}", "must be closed to others: chmod 600"),
    ("ACSAuthenticationValue cvv-atn key=file:/nowhere", "cannot open key file /nowhere"),
    ("ACSAuthenticationValue cvv-atn", "cvv-atn needs key=file:PATH"),
    ("ACSAuthenticationValue cvv-atn key=file:{key}", "must hold 32 hexadecimal digits"),
    ("ACSAuthenticationValue mc-iav key=file:{key} keyID=1", "mc-iav has no such option; it takes key= previous="),
    ("ACSAuthenticationValue mc-iav key=file:{key} range=4000000000000000-4999999999999999",
     "the last ACSAuthenticationValue must be without range="),
    ("ACSAuthenticationValue mc-iav key=file:{key}\nACSAuthenticationValue mc-iav key=file:{key}",
     "must be the last one"),
    ("ACSAuthenticationValue mc-iav key=file:{key}\nACSECI C 05", "ACSECI: the first word is a transStatus"),
    ("", "there is no ACSAuthenticationValue"),
])
def test_bad_lines(spare, line, complaint):
    line = line.format(key=key_file(spare, "iav.key", KEY), open=key_file(spare, "open.key", CVK, 0o644))
    rc, out = spare.configtest(conf_of(spare, line))
    assert rc != 0, "accepted"
    assert complaint in out, out
    assert KEY not in out and CVK not in out
