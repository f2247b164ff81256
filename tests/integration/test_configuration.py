"""The configuration check names directive and line, and the examples in conf/ start as they are."""
import json
import os
import re
import shutil

import pytest

from lab.conf import BASE, DEBIAN_MODULES, MODULES, write
from lab.httpd import Httpd
from lab.lab import SOURCE
from lab.procs import free_port, own
from sim.requestor import Requestor


@pytest.fixture
def spare(lab):
    """A node that is not started."""
    node = Httpd(lab, "spare")
    yield node


def test_good(spare):
    rc, out = spare.configtest()
    assert rc == 0 and "Syntax OK" in out, out


BAD = [
    # (what stands in the configuration, what is put there, what the complaint says)
    (r"ACSStore .*", "ACSStore memcached://x", "ACSStore: must be redis://"),
    (r"ACSStore .*", "", "ACSStore is missing"),
    (r"ACSMasterKey .*", "ACSMasterKey file:/nowhere", "ACSMasterKey: cannot open key file /nowhere"),
    (r"ACSChallengeURL .*", "ACSChallengeURL http://localhost/x", "ACSChallengeURL: must be an absolute https URL"),
    (r"ACSSupportedVersions .*", "ACSSupportedVersions 2.0.0,2.2.0", "'2.0.0' is not a protocol version"),
    (r"ACSChallengeURL .*", "ACSChallengeURL https://localhost/x?y=1", "ACSChallengeURL must not have a query"),
    (r"ACSEndpoint areq", "ACSEndpoint areq\nACSUse banc", "ACSUse: there is no <ACSIssuer banc>"),
    (r"</ACSIssuer>", "</ACSIssuer>\n<ACSIssuer b>\nACSCardRange 3000000000000000 5000000000000000\n</ACSIssuer>",
     "overlaps one of <ACSIssuer bank>"),
    (r"(ACSCardRange .*)", "\\1\n  ACSCardRange 4000001000000000 4000002000000000", "overlaps one of <ACSIssuer bank>"),
    (r"</ACSDirectoryServer>", "</ACSDirectoryServer>\n<ACSDirectoryServer b>\nACSClientCAFile {ca}\n"
     "ACSClientName DS-client.test\nACSDSURLPrefix https://localhost:1/x\n</ACSDirectoryServer>",
     "cannot be told from that of <ACSDirectoryServer scheme>"),
    # A Directory Server is its CA and a name: other members of the scheme have certificates of that CA, too.
    (r"ACSClientName .*", "", "has no ACSClientName"),
    (r"ThreeDSDSClientName .*", "", "has no ThreeDSDSClientName"),
    (r"(<ACSDirectoryServer scheme>\n(?:.*\n)*?)  ACSClientName .*", "ACSProduction on\n\\1  ACSClientName any", "ACSClientName any, and ACSProduction is on"),
    (r"ThreeDSDSClientName .*", "ThreeDSDSClientName any\nThreeDSEnvironment production", "ThreeDSDSClientName any in environment production"),
    # Environments never meet, so each that is used has a Directory Server.
    (r"(<ThreeDSDirectoryServer scheme>\n)  ThreeDSEnvironment .*", "<ThreeDSDirectoryServer scheme>", "<ThreeDSDirectoryServer scheme> (line"),
    (r"(<ThreeDSRequestor shop>\n(?:.*\n)??)  ThreeDSEnvironment .*", "<ThreeDSRequestor shop>\n  ThreeDSEnvironment production\n  "
     "ThreeDSKey sha256:" + "ab" * 32, "there is no <ThreeDSDirectoryServer> of its ThreeDSEnvironment"),
    (r"ThreeDSServerURL .*", "ThreeDSServerURL https://localhost:1/elsewhere", "no ThreeDSEndpoint results is mounted at /elsewhere"),
    # A key that stands in an example opens the door to everybody (the hash is that of the word "test").
    (r"ThreeDSKey .*", "ThreeDSKey sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "a word that anybody tries"),
    # ap_expr compares texts with < and >: "12345" < "3000" holds, and 123.45 would go through without a challenge.
    *((r"ACSRule frictionless .*", f"ACSRule frictionless \"{expr}\"", complaint) for expr, complaint in (
        ("%{AREQ:purchaseAmount} < 3000", "purchaseAmount < compares texts, character by character: for numbers write -lt"),
        ("%{AREQ:purchaseAmount} <= '3000'", "purchaseAmount <= compares texts, character by character: for numbers write -le"),
        ("'3000' > %{AREQ:purchaseAmount}", "for numbers write -gt"), ("3000>=%{AREQ_OPT:purchaseAmount}", "for numbers write -ge"),
        ("true && (%{RISK:score} > 600)", "score > compares texts"), ("%{METHOD:screenWidth}<400", "screenWidth < compares texts"),
        ("AREQ('purchaseAmount') < 3000", "purchaseAmount < compares texts"))),
    (r"(ACSRule frictionless .*)", "ACSCounter c by=card window=1h\n  ACSRule frictionless \"%{COUNT:c} < 3\"", "c < compares texts"),
    (r"(ACSRule challenge .*)", "ACSDryRunRule frictionless \"%{AREQ:purchaseAmount} < 3000\"\n  ACSDryRunRule challenge true\n  ACSRule challenge true",
     "ACSDryRunRule: purchaseAmount < compares texts"),
    # Whoever answers a call would be believed.
    *((rf"(<Proxy \"{{{url}}}(?:.*\n)*?)  {old}", f"\\g<1>  {new}", complaint) for url in ("ds", "acs_ds", "issuer") for old, new, complaint in (
        ("SSLProxyVerify require", "SSLProxyVerify optional", "SSLProxyVerify require is missing"),
        ("SSLProxyVerify require", "", "SSLProxyVerify require is missing"),
        ("SSLProxyCheckPeerName on", "SSLProxyCheckPeerName off", "SSLProxyCheckPeerName off"),
        ("SSLProxyCheckPeerExpire on", "SSLProxyCheckPeerExpire off", "SSLProxyCheckPeerExpire off"),
        ("SSLProxyCACertificateFile .*", "", "SSLProxyCACertificateFile is missing"))),
    (r"SSLProxyEngine on", "", "SSLProxyEngine on is missing"),
    (r"LoadModule proxy_http_module .*", "", "mod_proxy_http is not loaded"),
    (r"ACSOTPDelivery .*", "ACSOTPDelivery https://[::1]:8443/otp", "httpd takes no IPv6 address in <Proxy"),
    # Endpoints: TLS everywhere but at status, a client certificate where Directory Servers come.
    *((r"SSLVerifyClient require", put, "shows a client certificate") for put in
      ("", "SSLVerifyClient none", "SSLVerifyClient optional", "SSLVerifyClient optional_no_ca")),
    (r"(<Location /acs/areq>)", "\\1\n    SSLVerifyClient optional", "ACSEndpoint areq (line"),
    (r"SSLEngine on", "SSLEngine off", "there is no TLS here"),
    (r"ACSChallengeURL (https://[^/]*).*", "ACSChallengeURL \\1/elsewhere", "no ACSEndpoint challenge is mounted at /elsewhere"),
    (r"ACSMethodURL (https://[^/]*).*", "ACSMethodURL \\1/elsewhere", "no ACSEndpoint method is mounted at /elsewhere"),
    (r"<Location /acs/challenge>", "<Location /acs/challenge/>", "write it without the slash at its end"),
    *((r"(<VirtualHost .*>)", f"\\1\n  <Location />\n    {line}\n  </Location>", "answers before the endpoint can") for line in
      ("Redirect 301 / https://elsewhere.test/", "RedirectMatch . https://elsewhere.test/")),
    (r'/acs" connectiontimeout=2 timeout=5', '/acs" connectiontimeout=2 timeout=15', "exceeds ACSLease"),
    (r'(/acs".*) max=32', '/acs" connectiontimeout=2 timeout=5 acquire=500', "max= must be given"),
    (r"ACSReferenceNumber .*", "", "ACSReferenceNumber is missing"),
    (r"ACSSupportedVersions .*", "ACSSupportedVersions 2.2", "'2.2' is not a protocol version"),
    (r"ACSOperatorID .*", "ACSOperatorID x\nACSLease 3600s", "ACSLease: must be between"),
    (r"ACSOperatorID .*", "ACSOperatorID x\nACSLease soon", "ACSLease: 'soon' is not a time"),
    (r"ACSOperatorID .*", "ACSOperatorID x\nACSOTPLength 6", "ACSOTPLength is legal only inside <ACSIssuer>"),
    (r"ACSOperatorID .*", "ACSOperatorID x\nACSLease 1s", "ACSAnswerWithin must be less than ACSLease"),
    (r"ACSRule frictionless .*", "ACSRule frictionless \"%{AREQ:purchaseAmont} == '1'\"", "no element 'purchaseAmont'"),
    (r"ACSRule frictionless .*", "ACSRule frictionles \"true\"", "unknown outcome 'frictionles'"),
    (r"ACSRule challenge .*", "", "must be unconditional"),
    (r"ACSCardSource .*", "ACSCardSource file:/nowhere", "ACSCardSource: cannot open card file /nowhere"),
    (r"ACSCardRange .*", "ACSCardRange 4 5", "ACSCardRange: start and end are 13 to 19 digits"),
    (r"ACSCardRange .*", "ACSCardRange 4000000000000009 4000000000000001", "ACSCardRange: start is above end"),
    (r"ACSTemplates .*", "ACSTemplates /nowhere", "ACSTemplates: "),
    (r"ACSAuthenticationValue .*", "ACSAuthenticationValue cvv file:x", "unknown provider"),
    (r"ACSECI Y .*", "ACSECI Y five", "ACSECI: the value is two digits"),
    (r"ACSOTPDelivery .*", "ACSOTPDelivery https://elsewhere.test/otp", "no <Proxy \"https://elsewhere.test\"> block covers"),
    (r"ACSDSURLPrefix .*", "ACSDSURLPrefix https://elsewhere.test/acs", "no <Proxy \"https://elsewhere.test\"> block covers it"),
    (r"ACSClientCAFile .*", "ACSClientCAFile /nowhere", "ACSClientCAFile: cannot read CA certificates"),
    (r'/acs" connectiontimeout=2', '/acs" connectiontimeout=9', "exceeds ACSLease"),
    (r"<Location /acs/areq>", "<Directory /acs/areq>", None),
    (r"ACSChallengeURL .*", "ACSChallengeURL https://acs.test/" + "a" * 2032, "ACSChallengeURL: must be"),  # A-ARES-18
    (r"ACSEndpoint areq", "ACSEndpoint arec", "unknown endpoint 'arec'"),
    (r"ACSTemplates", "ACSHook cards {issuer}/card\n  ACSTemplates", "ACSHook: the first word is one of card, risk, delegate, oob"),
    (r"ACSTemplates", "ACSHook otp {issuer}/otp\n  ACSTemplates", "ACSHook: the first word is one of card, risk, delegate, oob"),
    (r"ACSTemplates", "ACSHook card http://bank.test/card\n  ACSTemplates", "ACSHook: the second word is an absolute https URL"),
    (r"ACSTemplates", "ACSHook card {issuer}/card?x=1\n  ACSTemplates", "https URL without a query"),
    (r"ACSTemplates", "ACSHook card {issuer}/card\n  ACSTemplates", "ACSHook card needs ACSCardSource hook"),
    (r"ACSTemplates", "ACSHook notice {issuer}/n within=12s\n  ACSTemplates", "must be less than ACSLease (12000 ms)"),
    (r"</ACSIssuer>", "</ACSIssuer>\n<ACSIssuer other>\n  ACSCardRange 4100000000000000 4100009999999999\n  ACSCardSource redis\n"
     "  ACSRule frictionless \"true\"\n  ACSChallengeMethods spc\n  ACSSPCIcon https://bank.test/x\n  ACSTemplates {templates}\n"
     "  ACSAuthenticationValue lab file:{value}\n  ACSIssuerKey file:{issuer_key}\n</ACSIssuer>",
     "ACSIssuerKey is that of <ACSIssuer"),
    (r"ACSTemplates", "ACSHook notice https://elsewhere.test/x\n  ACSTemplates",
     "no <Proxy \"https://elsewhere.test\"> block covers it"),
    (r"ACSTemplates", "ACSHook oob {issuer}/oob fallback=rules\n  ACSTemplates", "fallback=: hook oob has no such"),
    (r"ACSTemplates", "ACSHook card {issuer}/card fallback=decoupled\n  ACSTemplates", "fallback=: hook card has no such"),
    (r"ACSTemplates", "ACSHook risk {issuer}/risk fallback=erro\n  ACSTemplates", "fallback=: hook risk has no such"),
    (r"ACSTemplates", "ACSHook notice {issuer}/n fallback=unavailable\n  ACSTemplates", "fallback=: hook notice has no such"),
    (r"ACSTemplates", "ACSHook notice {issuer}/n within=31s\n  ACSTemplates", "ACSHook: within=: a time between 50ms and 30s"),
    (r"ACSTemplates", "ACSHook notice {issuer}/n pan=index\n  ACSTemplates", "ACSHook: behind the URL: within=TIME fallback=WORD"),
    (r"ACSTemplates", "ACSHook notice {issuer}/a\n  ACSHook notice {issuer}/b\n  ACSTemplates", "ACSHook: notice is given twice"),
    (r"ACSTemplates", "ACSChallengeMethods oob\n  ACSTemplates", "ACSChallengeMethods oob needs ACSHook oob"),
    (r"ACSTemplates", "ACSChallengeMethods otp delegate\n  ACSTemplates", "ACSChallengeMethods delegate needs ACSHook delegate"),
    (r"ACSTemplates", "ACSChallengeMethods spc otp\n  ACSTemplates", "ACSChallengeMethods spc needs ACSSPCIcon"),
    (r"ACSOTPDelivery .*", "ACSChallengeMethods oob\n  ACSHook oob {issuer}/oob fallback=otp", "fallback=otp needs ACSOTPDelivery"),
    (r"ACSTemplates", "ACSSPCIcon card.png\n  ACSTemplates", "ACSSPCIcon: must be an absolute https URL"),
    (r"ACSTemplates", "ACSSPCIcon http://bank.test/card.png\n  ACSTemplates", "ACSSPCIcon: must be an absolute https URL"),
    (r"ACSTemplates", "ACSChallengeMethods sms\n  ACSTemplates", "ACSChallengeMethods"),
    (r"ACSTemplates", "ACSDecoupledFallback failed\n  ACSTemplates", "ACSDecoupledFallback needs ACSHook decoupled"),
    (r"ACSTemplates", "ACSDecoupledFallback sometimes\n  ACSTemplates", "ACSDecoupledFallback"),
    (r"ACSTemplates", "ACSTrustList hook\n  ACSTemplates", "ACSTrustList hook needs ACSHook trust or card"),
    (r"ACSTemplates", "ACSTrustList redis\n  ACSTemplates", "ACSTrustList"),
    (r"ACSIssuerKey .*", "ACSIssuerKey file:{ca}", "ACSIssuerKey: "),
    (r"ACSIssuerKey .*", "ACSIssuerKey 0123", "ACSIssuerKey: must be file:PATH"),
    (r"ACSIssuerKey .*", "ACSHook oob {issuer}/oob", "call-backs to the endpoint issuer need ACSIssuerKey and ACSIssuerURL"),
    (r"</ACSDirectoryServer>", "ACSOutcome strangeCard N 01\n</ACSDirectoryServer>", "ACSOutcome: "),
    (r"</ACSDirectoryServer>", "ACSOutcome no3RI Y 01\n</ACSDirectoryServer>", "ACSOutcome: "),
    (r"</ACSDirectoryServer>", "ACSOutcome no3RI N 1\n</ACSDirectoryServer>", "ACSOutcome: '1' is no transStatusReason of any version"),
    (r"</ACSDirectoryServer>", "ACSOutcome no3RI N 31\n</ACSDirectoryServer>", "ACSOutcome: '31' is no transStatusReason of any version"),
    (r"ACSRule frictionless .*", "ACSRule deny:45 \"%{CARD:group} == 'x'\"", "'45' is no transStatusReason of any version"),
    (r"</ACSDirectoryServer>", "ACSOutcome no3RI N 00\n</ACSDirectoryServer>", "ACSOutcome: '00' is no transStatusReason"),
    (r"</ACSDirectoryServer>", "ACSOutcome fault U 40\n</ACSDirectoryServer>", "ACSOutcome: '40' is no transStatusReason"),
    (r"</ACSDirectoryServer>", "ACSChecks +watch\n</ACSDirectoryServer>", "ACSChecks"),
    *((r"ACSOperatorID .*", f"ACSOperatorID x\n{line}", f"{line.split()[0]} is legal only inside <ACSIssuer>") for line in (
        "ACSHook card {issuer}/card", "ACSIssuerKey file:/nowhere", "ACSTrustList store", "ACSDecoupledFallback failed",
        "ACSChallengeMethods otp", "ACSSPCIcon https://bank.test/x.png", "ACSDecoupledMin 5s")),
    *((r"ACSOperatorID .*", f"ACSOperatorID x\n{line}", f"{line.split()[0]} is legal only inside <ACSDirectoryServer>") for line in (
        "ACSOutcome no3RI N 21", "ACSAttempts off", "ACSInformational on", "ACSECIInARes off", "ACSChecks +clock")),
    (r"ThreeDSStore .*", "ThreeDSStore x", "ThreeDSStore: must be redis://"),
    (r"ThreeDSDSURL .*", "ThreeDSDSURL https://elsewhere.test/", "ThreeDSDSURL"),
    (r"ThreeDSKey .*", "ThreeDSKey secret", "ThreeDSKey"),
    (r"ThreeDSCardRange .*", "ThreeDSCardRange 1 2 3", "ThreeDSCardRange"),
    (r"ThreeDSEnvironment .*", "ThreeDSEnvironment live", "ThreeDSEnvironment"),
    (r"ThreeDSMerchant .*", "ThreeDSMerchant x", "ThreeDSMerchant"),
]


TEXTS = [(r"ACSTemplates", "ACSIssuerName"), (r"ACSTemplates", "ACSDecoupledText"), (r"ACSTemplates", "ACSCardholderInfo N"),
         (r"</ACSDirectoryServer>", "ACSSchemeName"), (r"ThreeDSRequestorID", "ThreeDSRequestorName"),
         (r"ThreeDSRequestorID", "ThreeDSMerchant 9876543210001 412345 5411 276"), (r"ACSRule ", "ACSRule deny:12")]


@pytest.mark.parametrize("before,directive", TEXTS, ids=lambda t: t.split()[0])
def test_text_that_is_not_utf_8(spare, before, directive):
    """Messages and pages are UTF-8: a file in Latin-1 is refused, by file and line."""
    path = os.path.join(spare.root, "latin1.conf")
    for text, line in ((b"M\xfcller", 2), ("M\xfcller".encode(), None)):
        if directive.startswith("ACSRule"):
            text = b"%{AREQ:merchantName} == '" + text + b"'"
        with open(path, "wb") as f:
            f.write(b"# in another file\n" + directive.encode() + b' "' + text + b'"\n')
        good = write(spare)
        rc, out = spare.configtest(re.sub(before, lambda m: f"Include {path}\n  {m[0]}", good, count=1))
        assert (rc != 0) == bool(line), out
        assert not line or f"latin1.conf:{line}: {directive.split()[0]}: the text is not UTF-8" in out, out


@pytest.mark.parametrize("before,directive,most", [
    (r"ACSTemplates", "ACSIssuerName", 64), (r"ACSTemplates", "ACSDecoupledText", 128), (r"ACSTemplates", "ACSCardholderInfo N", 128),
    (r"ThreeDSRequestorID", "ThreeDSRequestorName", 40), (r"ThreeDSRequestorID", "ThreeDSMerchant 9876543210001 412345 5411 276", 40)],
    ids=lambda t: str(t).split()[0])
@pytest.mark.parametrize("char", ["\xfc", "\u5b57", "\U0001f600"])
def test_length_in_characters(spare, before, directive, most, char):
    """F-03: the length of a text is that of its characters, not of their bytes."""
    good = write(spare)
    for n in (most, most + 1):
        rc, out = spare.configtest(re.sub(before, lambda m: f'{directive} "{char * n}"\n  {m[0]}', good, count=1))
        assert (rc == 0) == (n == most), out
        assert n == most or f"{directive.split()[0]}: " in out


@pytest.mark.parametrize("what,put,complaint", BAD, ids=[f"{w.split(' ')[0]}-{i}" for i, (w, _p, _c) in enumerate(BAD)])
def test_bad(spare, what, put, complaint):
    good = write(spare)
    put = put.replace("{ca}", spare.lab.pki.ca("ds-ca")).replace("{issuer}", spare.lab.issuer.url)
    put = put.replace("{templates}", spare.lab.templates).replace("{value}", spare.value_key)
    put = put.replace("{issuer_key}", spare.lab.secret("issuer.key"))
    for name, url in (("{ds}", spare.lab.ds.url_3dss), ("{acs_ds}", spare.lab.ds.url_acs), ("{issuer}", spare.lab.issuer.url)):
        what = what.replace(name, re.escape(url))
    text = re.sub(what, (lambda m: m.expand(put)) if "\\1" in put or "\\g" in put else lambda _: put, good, count=1)
    assert text != good, "the laboratory's configuration has no such line"
    rc, out = spare.configtest(text)
    assert rc != 0, "accepted"
    assert complaint is None or complaint in out, out


def test_complaint_names_the_block(spare):
    """A <Proxy> block is found by file and line."""
    text = write(spare).replace("SSLProxyVerify require", "SSLProxyVerify none", 1)
    line = next(n for n, have in enumerate(text.splitlines(), 1) if have.startswith("<Proxy "))
    rc, out = spare.configtest(text)
    assert rc and f"(line {line} of {spare.conf_file}): SSLProxyVerify require is missing" in out, out


ANYBODYS = ["00" * 32, "ab" * 32, "0123456789abcdef" * 4, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "ff" * 16 + "00" * 16, "0123456789ABCDEFFEDCBA9876543210" + "5a" * 16, "deadbeef" * 8]


@pytest.mark.parametrize("directive", ["ACSMasterKey", "ThreeDSMasterKey", "ACSIssuerKey"])
@pytest.mark.parametrize("key", [k for k in ANYBODYS if not k.startswith("ff")])
def test_key_that_anybody_tries(spare, directive, key):
    """All zero, a part again and again, counting up, out of an example: no key, and the complaint does not repeat it."""
    path = spare.write("conf/weak.key", key + "\n")
    text = re.sub(rf"{directive} .*", f"{directive} file:{path}", write(spare), count=1)
    rc, out = spare.configtest(text)
    assert rc and f"{directive}: key file {path} holds a key that anybody tries" in out and key not in out, out


@pytest.mark.parametrize("provider,key", [("cvv-atn", "0123456789ABCDEFFEDCBA9876543210"), ("mc-iav", "B039878C1F96D212F509B2DC4CC8CD1B" * 2),
                                          ("cvv-u3v7", "00112233445566778899AABBCCDDEEFF")])
def test_published_value_keys_are_for_trying_out(spare, provider, key):
    """Keys of published vectors: fine in a laboratory, refused with ACSProduction on."""
    path = spare.write("conf/value.key", key + "\n")
    text = re.sub(r"ACSAuthenticationValue .*", f"ACSAuthenticationValue {provider} key=file:{path}", write(spare), count=1)
    rc, out = spare.configtest(text)
    assert rc == 0, out
    rc, out = spare.configtest("ACSProduction on\n".join(text.partition("ACSStore ")[::2]).replace("ACSProduction on\n", "ACSProduction on\nACSStore ", 1))
    assert rc and f"ACSAuthenticationValue {provider} (line" in out and "its key is published" in out and key not in out, out


CARD = "4000000000000002"
CARDS_BAD = [
    ({"status": "activ"}, "status must be active, blocked, notEnrolled or unknown"), ({"status": 1}, "status must be"),
    ({"grup": "gold"}, "there is no member 'grup'"), ({"phone": 491700001234}, "phone must be a text"),
    ({"credentials": "x"}, "credentials must be an array"), ({CARD: "x"}, "there is no member '************0002'"), ("active", "not an account number"),
]


@pytest.mark.parametrize("row,complaint", CARDS_BAD, ids=[c for _, c in CARDS_BAD])
def test_card_file(spare, row, complaint):
    """File, line and place are named, the card is not."""
    path = spare.write("conf/bad.json", json.dumps({"cards": {"4000000000000010": {"status": "active"}, CARD: row}}, indent=1))
    line = next(n for n, have in enumerate(open(path, encoding="utf-8"), 1) if f'"{CARD}": ' in have)
    text = re.sub(r"ACSCardSource .*", f"ACSCardSource file:{path}", write(spare), count=1)
    rc, out = spare.configtest(text)
    assert rc and f"ACSCardSource: {path}:{line}: card 2: {complaint}" in out and CARD not in out, out


def test_card_file_that_others_may_read(spare):
    os.chmod(spare.cards_file, 0o644)
    rc, out = spare.configtest()
    os.chmod(spare.cards_file, 0o600)
    assert rc and f"card file {spare.cards_file} must be closed to others" in out, out


PAGES_BAD = [
    ("otp.html", r'<input type="hidden" name="token" value="{{token}}">', "", "otp.html:1: a form has no field token"),
    ("oob.html", r'name="token"', 'name="tokn" x="{{token', None),
    ("error.html", r'<style nonce="{{nonce}}">', "<style>", "has no nonce"),
    ("spc.html", r'<script nonce="{{nonce}}"', "<script", "has no nonce"),
    ("otp.html", r"<p ", '<p style="color:red" ', "style= has no effect under our policy"),
    ("otp.html", r"<button ", '<button onclick="x()" ', "on...= has no effect under our policy"),
    ("otp.html", r"<form ", '<img src="https://cdn.test/x.png"><form ', "nothing is loaded from elsewhere"),
    ("otp.html", r"<form ", '<a href="//cdn.test/x"></a><form ', "nothing is loaded from elsewhere"),
    ("style.html", r"^", "@import 'x.css';\n", "style.html:1: nothing is loaded from elsewhere"),
    ("style.html", r"^", "body{background:url(https://cdn.test/x)}\n", "style.html:1: nothing is loaded from elsewhere"),
    ("otp.html", r"{{> summary}}", "", "{{amount}} is not shown"), ("oob.html", r"{{> summary}}", "", "{{amount}} is not shown"),
    ("spc.html", r"{{> summary}}", "", "{{amount}} is not shown"),
    ("summary.html", r"{{merchantName}}", "", "{{merchantName}} is not shown"),
    ("error.html", r"(?s)^.*$", " \n", "error.html:1: the page is empty"), ("otp.html", r"(?s)^.*$", "", "otp.html:1: the page is empty"),
]


@pytest.mark.parametrize("name,what,put,complaint", [p for p in PAGES_BAD if p[3]], ids=[f"{p[0]}-{i}" for i, p in enumerate(PAGES_BAD) if p[3]])
def test_templates(spare, name, what, put, complaint):
    """What would not work in a browser, or not tell the cardholder what is confirmed, is found by configtest."""
    pages = os.path.join(spare.root, "pages")
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(spare.lab.templates, pages)
    path = os.path.join(pages, name)
    with open(path, encoding="utf-8") as f:
        good = f.read()
    bad = re.sub(what, lambda _: put, good, count=1)
    assert bad != good
    with open(path, "w", encoding="utf-8") as f:
        f.write(bad)
    rc, out = spare.configtest(write(spare).replace(f"ACSTemplates {spare.lab.templates}", f"ACSTemplates {pages}", 1))
    assert rc and complaint in out, out


def test_line_of_a_template(spare):
    pages = os.path.join(spare.root, "pages")
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(spare.lab.templates, pages)
    with open(os.path.join(pages, "otp.html"), "a", encoding="utf-8") as f:
        f.write("<p\n  style='x'>\n")
    with open(os.path.join(pages, "otp.html"), encoding="utf-8") as f:
        line = len(f.readlines()) - 1
    rc, out = spare.configtest(write(spare).replace(f"ACSTemplates {spare.lab.templates}", f"ACSTemplates {pages}", 1))
    assert rc and f"otp.html:{line}: style=" in out, out


def test_directory_of_the_transaction_log(spare):
    """httpd opens it when it starts, which is too late to say so."""
    text = write(spare).replace("ACSStore ", f"ACSTransactionLog {spare.root}/nowhere/x.log\nACSStore ", 1)
    rc, out = spare.configtest(text)
    assert rc and f"ACSTransactionLog {spare.root}/nowhere/x.log: there is no directory" in out, out


WARNED = [
    (r"ACSClientName .*", "ACSClientName any", "ACSClientName any: whoever has a certificate of its CA passes for it"),
    (r"ThreeDSDSClientName .*", "ThreeDSDSClientName any", "ThreeDSDSClientName any: whoever has a certificate of its CA may post results"),
    (r"ACSEndpoint areq", "", "ACSEndpoint areq is mounted nowhere"),
    (r"ACSEndpoint challenge", "", "ACSEndpoint challenge is mounted nowhere"),
    (r"ThreeDSEndpoint browser", "", "ThreeDSEndpoint browser is mounted nowhere"),
    (r"SSLVerifyClient require((?:.*\n)*?.*<Location /acs/areq>\n)((?:.*\n)*?.*<Location /3ds/results>\n)",
     "\\1SSLVerifyClient require\n\\2SSLVerifyClient require\n", "set it in the virtual host"),
    (r"(<Location /acs/areq>(?:.*\n)*?  </Location>)", "\\1\n  <Location /acs>\n    Require all denied\n  </Location>",
     "endpoint areq (line"),
]


@pytest.mark.parametrize("what,put,warning", WARNED, ids=[w[2][:40] for w in WARNED])
def test_warned(spare, what, put, warning):
    """What may be meant is let through, and said."""
    good = write(spare)
    text = re.sub(what, (lambda m: m.expand(put)) if "\\1" in put else lambda _: put, good, count=1)
    assert text != good
    rc, out = spare.configtest(text)
    assert rc == 0 and warning in out, out


@pytest.mark.parametrize("expr", ["%{AREQ:purchaseAmount} -lt 3000", "%{AREQ:purchaseDate} < '20300101000000'",
                                  "%{AREQ:merchantName} == 'a<b'", "%{AREQ:purchaseAmount} lt 3000"])
def test_comparisons_that_are_right(spare, expr):
    """Numbers by -lt; texts of fixed length, as dates are, by <."""
    text = re.sub(r"ACSRule frictionless .*", lambda _: f'ACSRule frictionless "{expr}"', write(spare), count=1)
    rc, out = spare.configtest(text)
    assert rc == 0, out


def test_good_says_nothing(spare):
    """No warning about a configuration that is as it should be."""
    rc, out = spare.configtest()
    assert rc == 0 and out.strip() == "Syntax OK", out


@pytest.mark.parametrize("days,words", [(-1, "has expired on"), (5, "expires on"), (60, None)])
def test_certificates_that_end(spare, days, words):
    """Thirty days before its end a certificate of ours is spoken of."""
    path = os.path.join(spare.root, "conf", "ending.pem")
    spare.lab.pki.issue(path, "commercial-ca", "public.test", days)
    text = write(spare)
    old = spare.lab.pki.cert("public")
    text = text.replace(f'SSLCertificateFile "{old}"', f'SSLCertificateFile "{path}"', 1).replace(
        f'SSLCertificateKeyFile "{spare.lab.pki.key("public")}"', f'SSLCertificateKeyFile "{path}"', 1)
    rc, out = spare.configtest(text)
    assert rc == 0 and ((words in out and path in out) if words else out.strip() == "Syntax OK"), out


def test_prefork_is_refused(spare):
    """One thread per process: nobody would be left to take what a peer calls back."""
    text = write(spare).replace("mpm_event", "mpm_prefork")
    text = re.sub(r"^(ThreadsPerChild|ThreadLimit|MinSpareThreads|MaxSpareThreads) .*", "", text, flags=re.M)
    rc, out = spare.configtest(text)
    assert rc and "load mpm_event or mpm_worker" in out, out


def test_complaint_names_the_line(spare):
    text = write(spare).replace("ACSOTPDelivery", "ACSOTPLength 99\nACSOTPDelivery", 1)
    line = text.splitlines().index(next(x for x in text.splitlines() if "ACSOTPLength 99" in x)) + 1
    rc, out = spare.configtest(text)
    assert rc and f"on line {line} of" in out and "ACSOTPLength: must be a number between 4 and 16" in out, out


def test_complaint_about_a_hook_names_the_line(spare):
    """What is found when all has been read names the line as well."""
    line = "ACSHook notice https://elsewhere.test/x"
    text = write(spare).replace("ACSTemplates", line + "\nACSTemplates", 1)
    number = next(n for n, have in enumerate(text.splitlines(), 1) if line in have)
    rc, out = spare.configtest(text)
    assert rc and f"ACSHook notice (line {number} of {spare.conf_file})" in out, out


def test_bad_issuer_key(spare):
    """64 hexadecimal digits, and no word of what stands there."""
    for key in ("ab" * 31, "ab" * 33, "xy" * 32):
        path = spare.write("conf/bad.key", key + "\n")
        os.chmod(path, 0o600)
        text = re.sub(r"ACSIssuerKey .*", f"ACSIssuerKey file:{path}", write(spare), count=1)
        rc, out = spare.configtest(text)
        assert rc and "ACSIssuerKey: " in out and "64 hex" in out and key not in out, out


# --- conf/

def example_files(lab, directory, names):
    """What an administrator would put into the directory of the example."""
    pki = lab.pki
    os.makedirs(directory)
    own(directory)
    files = {"scheme-ca.pem": pki.ca("ds-ca"), "bank-ca.pem": pki.ca("commercial-ca"),
             "scheme-server.pem": pki.both("acs-ds"), "public-server.pem": pki.both("public"),
             "scheme-client.pem": pki.both(names), "master.key": lab.secret("master.key"),
             "value.key": lab.secret("value.key")}
    for name, source in files.items():
        own(shutil.copy(source, os.path.join(directory, name)))


def load(node, *ours):
    lines = [f"LoadModule {m}_module {DEBIAN_MODULES}/mod_{m}.so" for m in MODULES
             if os.path.exists(f"{DEBIAN_MODULES}/mod_{m}.so")]
    return "\n".join(lines + [f"LoadModule {name}_module {node.module(file)}" for name, file in ours])


def base(node, loads):
    o = node.options
    return BASE.format(root=node.root, load=loads, log_level="info", children=1, children_max=2, threads=o.threads,
                       workers=o.threads * 2)


def test_configuration_of_the_readme(lab):
    """What the README shows is taken as it stands there, once the files that it names are there."""
    node = Httpd(lab, "readme")
    acs = os.path.join(node.root, "acs")
    example_files(lab, acs, "acs-client")
    shutil.copy(os.path.join(acs, "scheme-client.pem"), os.path.join(acs, "client.pem"))
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as f:
        shown = "\n".join(re.findall(r"^```apache\n(.*?)^```$", f.read(), re.M | re.S))
    assert "ACSEndpoint areq" in shown and "ACSEndpoint challenge" in shown
    text = base(node, load(node, ("acs", "mod_acs.so"))) + shown.replace("/etc/apache2/acs", acs).replace("/usr/share/mod-3ds/templates", lab.templates)
    rc, out = node.configtest(text)
    assert rc == 0 and out.strip() == "Syntax OK", out


def test_example_of_the_acs(lab, logs):
    node = Httpd(lab, "example-acs")
    example_files(lab, os.path.join(node.root, "acs"), "acs-client")
    own(shutil.copy(node.cards_file, os.path.join(node.root, "acs", "cards.json")))
    defines = {"ACS_DIR": os.path.join(node.root, "acs"), "ACS_TEMPLATES": lab.templates, "ACS_HOST": "localhost",
               "ACS_DS_PORT": node.ds_port, "ACS_PUBLIC_PORT": node.public_port, "ACS_STATUS_PORT": node.local_port,
               "ACS_STORE": lab.redis.url, "ACS_DS_URL": lab.ds.url_acs, "ACS_DS_NAME": "ds-client.test", "ACS_OTP_URL": lab.issuer.otp_url}
    node.requestor_port = node.local_port
    text = base(node, load(node, ("acs", "mod_acs.so"))) + "".join(f"Define {k} {v}\n" for k, v in defines.items()) + \
        f"Include {lab.conf}/mod_acs.conf\n"
    node.start(text=text)
    try:
        ares = lab.ds.post_acs(lab.areq("4000000000000010", purchaseAmount="100"), url=node.areq_url).json()
        assert ares["transStatus"] == "Y", ares
        ares = lab.ds.post_acs(lab.areq("4000000000000010"), url=node.areq_url).json()
        assert ares["transStatus"] == "C", ares
    finally:
        node.stop()


def test_example_of_the_3ds_server(lab, logs):
    node = Httpd(lab, "example-srv")
    example_files(lab, os.path.join(node.root, "3ds"), "3dss-client")
    defines = {"THREEDS_DIR": os.path.join(node.root, "3ds"), "THREEDS_HOST": "localhost",
               "THREEDS_DS_PORT": node.ds_port, "THREEDS_PUBLIC_PORT": node.public_port,
               "THREEDS_API_PORT": node.requestor_port, "THREEDS_STATUS_PORT": node.local_port,
               "THREEDS_STORE": lab.redis.url, "THREEDS_DS_URL": lab.ds.url_3dss, "THREEDS_DS_NAME": "ds-client.test",
               "THREEDS_KEY_SHA256": lab.key_hash(lab.KEY), "THREEDS_SHOP": lab.shop.url}
    text = base(node, load(node, ("threeds_server", "mod_3ds_server.so"))) + \
        "".join(f"Define {k} {v}\n" for k, v in defines.items()) + f"Include {lab.conf}/mod_3ds_server.conf\n"
    node.start(text=text)
    try:
        made = Requestor(node.requestor_url, lab.pki.ca("commercial-ca"), lab.KEY).create("4000000000000010")
        assert made.status == 201 and made.json()["messageVersion"] == "2.2.0", made
    finally:
        node.stop()


def two_keys(lab, node, text):
    """text with another master key before its own. (Of two random keys one pair in 256 has the same one-byte id, which
    the configuration check refuses: then another is made.)"""
    master = re.search(r"ACSMasterKey (file:\S+)", text)[1]
    for n in range(8):
        two = text.replace(f"ACSMasterKey {master}", f"ACSMasterKey file:{lab.secret(f'other{n}.key')} {master}")
        good = two.replace("ACSChallengeURL", f"ACSIDKey {master}\nACSChallengeURL", 1)
        if "have the same id" not in node.configtest(good)[1]:
            return two, good
    raise AssertionError("eight keys with the same id")


def test_two_master_keys_need_an_id_key(lab, spare):
    two, good = two_keys(lab, spare, write(spare))
    rc, out = spare.configtest(two)
    assert rc and "ACSMasterKey with two keys needs ACSIDKey" in out, out
    rc, out = spare.configtest(good)
    assert rc == 0, out


def test_rotation_under_way(lab, session_lab, logs):
    """A transaction begun under one key ends at a node that already writes with the next."""
    from lab.challenge import Challenge
    old = session_lab.node("old-key", srv=False)
    new = Httpd(lab, "new-key", type(old.options)(srv=False))
    session_lab.nodes[new.name] = new
    try:
        new.start(text=two_keys(lab, new, write(new))[1])
        c = Challenge(lab, "4000000000000002", url=old.areq_url)
        c.open(url=new.challenge_url)
        c.press(otp=c.otp())
        assert c.message()["transStatus"] == "Y" and len(c.rreqs()) == 1
    finally:
        session_lab.drop(new)
        session_lab.drop(old)
