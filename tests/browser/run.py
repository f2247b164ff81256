"""Starts a node with both modules, Redis, Directory Server, issuer and shop, and lets node's test runner drive Debian's
chromium through them. The browser trusts the test CA through a certificate database of its own: TLS is verified here too.
Prints TAP."""
import glob
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(TESTS, "integration"), TESTS]

from lab.httpd import CARDS, CHALLENGE, FRICTIONLESS, GERMAN, REJECT  # noqa: E402
from lab.lab import Lab  # noqa: E402

CONFIRM = "4000020000000002"

# An issuer whose cards are looked up at its own system, with credentials that the browser makes.
CONFIRMING = ["<ACSIssuer confirming>", "  ACSCardRange 4000020000000000 4000029999999999", "  ACSCardSource hook",
              "  ACSIssuerKey file:{key}", "  ACSHook card {issuer}/card", '  ACSRule challenge "true"', "  ACSOTPDelivery {otp}",
              "  ACSTemplates {templates}", '  ACSIssuerName "Example Bank"', "  ACSSPCIcon {issuer}/card.png",
              "  ACSChallengeMethods spc otp", "  ACSAuthenticationValue lab file:{value}", "  ACSECI Y 05", "</ACSIssuer>"]


def trust(home, ca):
    """A certificate database that holds the CA."""
    db = os.path.join(home, ".pki", "nssdb")
    os.makedirs(db)
    subprocess.run(["certutil", "-d", "sql:" + db, "-N", "--empty-password"], check=True)
    subprocess.run(["certutil", "-d", "sql:" + db, "-A", "-t", "C,,", "-n", "test CA", "-i", ca], check=True)


def main():
    lab = Lab()
    rc = 1
    try:
        lab.begin()
        second = [line.format(issuer=lab.issuer.url, otp=lab.issuer.otp_url, key=lab.secret("confirming.key"), templates=lab.templates,
                              value=lab.secret("value.key")) for line in CONFIRMING]
        node = lab.node("browser", issuer=['ACSLanguages "en de"'], supported="2.2.0,2.3.1", main=second,
                        srv_ranges=[("4000000000000000", "4000009999999999", "2.2.0"),
                                    ("4000020000000000", "4000029999999999", "2.3.1")])
        lab.shop.cards = [[pan, group] for pan, (group, *_rest) in CARDS.items()] + [[CONFIRM, "confirmed by the device"]]
        with open(lab.secret("confirming.key"), encoding="ascii") as f:
            lab.issuer.keys = [f.read().strip()]
        lab.vault.always(*lab.issuer.keys)
        control = lab.issuer.control()
        home = os.path.join(lab.directory, "home")
        trust(home, lab.pki.ca("commercial-ca"))
        env = dict(os.environ, HOME=home, XDG_CONFIG_HOME=os.path.join(home, ".config"), LAB=json.dumps({
            "shop": lab.shop.url, "issuer": lab.issuer.url, "ca": lab.pki.ca("commercial-ca"), "challenge": CHALLENGE,
            "confirm": CONFIRM, "control": f"http://127.0.0.1:{control.port}", "frictionless": FRICTIONLESS, "reject": REJECT, "german": GERMAN, "acs": node.challenge_url,
            "method": node.method_url}))
        env["NODE_EXTRA_CA_CERTS"] = lab.pki.ca("commercial-ca")
        rc = subprocess.run(["node", "--test", "--test-reporter=tap", "--test-concurrency=1",
                             *(sys.argv[1:] or sorted(glob.glob(os.path.join(HERE, "*.test.mjs"))))],
                            cwd=HERE, env=env, timeout=900, check=False).returncode
        faults = lab.verdict()
        print("ok - the logs hold nothing unexpected" if not faults else
              "not ok - in the logs:\n# " + "\n# ".join(faults))
        rc = rc or bool(faults)
    finally:
        left = lab.close()
    if left:
        print(f"not ok - left behind: {left}")
    sys.exit(1 if rc or left else 0)


main()
