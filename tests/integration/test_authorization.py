"""docs/authorization.md, row by row: who may do what, with whose transaction."""
import os
import re
import secrets

import pytest

from lab.challenge import Challenge
from lab.conf import PROXY
from lab.httpd import CHALLENGE
from lab.lab import SOURCE
from lab.payment import Payment
from sim import messages

DS = {"DS": "ds-client.test", "other DS of the scheme": "ds-b.test", "member": "member.test"}
PRODUCTION_KEY = "production-key-" + "0123456789abcdef" * 2


def rows():
    """(section, caller, call, transaction, answer)"""
    with open(os.path.join(SOURCE, "docs", "authorization.md"), encoding="utf-8") as f:
        text = f.read()
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        name, _, body = section.partition("\n")
        for line in body.splitlines():
            cells = [c.strip() for c in line.strip("|").split("|")]
            if len(cells) == 4 and cells[0] != "caller" and set(cells[0]) != {"-"}:
                yield (name, *cells)


ROWS = list(rows())
WANTED = {"Directory Servers": ({*DS, "DS of another scheme", "stranger"}, {"AReq", "RReq", "Erro"}),
          "Requestors": ({"requestor", "other requestor", "requestor of another environment", "browser", "stranger"},
                         {"versioning", "create", "authenticate", "get", "cancel", "acknowledge"})}


def test_the_table_is_whole():
    """Every caller with every call, each once."""
    assert len(ROWS) == len({r[:4] for r in ROWS})
    for section, (callers, calls) in WANTED.items():
        assert {(r[1], r[2]) for r in ROWS if r[0] == section} == {(a, b) for a in callers for b in calls}
    assert {r[0] for r in ROWS} == {*WANTED, "Browsers", "Issuers"}


@pytest.fixture(scope="module")
def site(session_lab):
    """A node with three Directory Servers, three requestors and two issuers; the DS certificates by caller."""
    lab, pki = session_lab, session_lab.pki
    certs = {who: pki.issue(os.path.join(lab.directory, name + ".pem"), "ds-ca", name) for who, name in DS.items()}
    certs["DS of another scheme"] = pki.both("foreign-client")
    certs["stranger"] = pki.both("requestor-client")
    bundle = os.path.join(lab.directory, "ds-cas.pem")
    with open(bundle, "w", encoding="ascii") as out:
        for ca in ("ds-ca", "foreign-ca"):
            with open(pki.ca(ca), encoding="ascii") as f:
                out.write(f.read())
    os.chmod(bundle, 0o644)
    other_key = lab.secret("second-issuer.key")
    with open(other_key, encoding="ascii") as f:
        lab.second_key = f.read().strip()
    more = [f"<ACSDirectoryServer b>\n  ACSClientCAFile {pki.ca('ds-ca')}\n  ACSClientName ds-b.test\n"
            f"  ACSDSURLPrefix {lab.ds.url_acs}\n</ACSDirectoryServer>",
            f"<ACSDirectoryServer other>\n  ACSClientCAFile {pki.ca('foreign-ca')}\n  ACSClientName ds-client.test\n"
            f"  ACSDSURLPrefix {lab.ds.url_acs}\n</ACSDirectoryServer>",
            f"<ACSIssuer second>\n  ACSCardRange 4100000000000000 4100009999999999\n  ACSCardSource redis\n  ACSRule challenge \"true\"\n"
            f"  ACSOTPDelivery {lab.issuer.otp_url}\n  ACSIssuerKey file:{other_key}\n  ACSTemplates {lab.templates}\n"
            f"  ACSAuthenticationValue lab file:{lab.secret('value.key')}\n  ACSECI Y 05\n</ACSIssuer>",
            f"<ThreeDSDirectoryServer b>\n  ThreeDSEnvironment test\n  ThreeDSDSURL {lab.ds.url_3dss}\n"
            f"  ThreeDSDSClientCAFile {pki.ca('ds-ca')}\n  ThreeDSDSClientName ds-b.test\n</ThreeDSDirectoryServer>",
            f"<ThreeDSDirectoryServer other>\n  ThreeDSEnvironment production\n  ThreeDSDSURL {lab.ds.url_3dss}\n"
            f"  ThreeDSDSClientCAFile {pki.ca('foreign-ca')}\n  ThreeDSDSClientName ds-client.test\n"
            "  ThreeDSCardRange 4000000000000000 4000009999999999 2.2.0\n</ThreeDSDirectoryServer>",
            f"<ThreeDSRequestor live>\n  ThreeDSKey sha256:{lab.key_hash(PRODUCTION_KEY)}\n  ThreeDSEnvironment production\n"
            "  ThreeDSRequestorID R-3\n  ThreeDSRequestorName Live\n  ThreeDSRequestorURL https://live.test\n"
            f"  ThreeDSMerchant M-3 400551 5411 276 Live\n  ThreeDSReturnOrigin {lab.shop.url}\n</ThreeDSRequestor>"]
    node = lab.node("authorization", main=more, ds_tls=[f'SSLCACertificateFile "{bundle}"'])
    lab.vault.always(PRODUCTION_KEY)
    yield node, certs
    lab.drop(node)


def client(lab, certs, who):
    from sim import net
    return net.Client(net.client_context(lab.pki.ca("ds-ca"), certs[who]))


def said(answer):
    """An answer in the words of the table."""
    if answer.body and answer.content_type.startswith("application/json"):
        message = answer.json()
        if message.get("messageType") == "Erro":
            return "Erro " + message["errorCode"]
        if "messageType" in message:
            return message["messageType"]
    return str(answer.status)


def ask_ds(lab, node, certs, caller, call):
    """(what is answered, what has become of the transaction)"""
    if call == "AReq":
        send = client(lab, certs, caller).post_json
        return said(send(node.areq_url, lab.areq(CHALLENGE))), None
    p = Payment(lab, CHALLENGE, node)
    ares = dict(p.answer, messageVersion="2.2.0", dsTransID=lab.ds.transactions[p.id]["dsTransID"], threeDSServerTransID=p.id)
    message = messages.rreq(ares) if call == "RReq" else messages.erro(messages.rreq(ares), "402", component="A")
    answer = client(lab, certs, caller).post_json(node.results_url, message)
    return said(answer), p.result(wait=None)


@pytest.mark.parametrize("row", [r for r in ROWS if r[0] == "Directory Servers"], ids=lambda r: "-".join(r[1:3]))
def test_directory_servers(lab, site, logs, row):
    node, certs = site
    logs.expect("ACS0063", "SRV0061", "SRV0062", r"AH0\d{4}")
    _, caller, call, _, answer = row
    if answer == "no TLS":
        with pytest.raises(OSError):
            ask_ds(lab, node, certs, caller, call)
        return
    got, state = ask_ds(lab, node, certs, caller, call)
    assert got == answer.split(",")[0]
    if state:
        assert (state["state"] == "FINAL") == (answer == "RRes" or "ends" in answer), state


def ask_requestor(lab, node, caller, call):
    keys = {"requestor": lab.KEY, "other requestor": lab.OTHER_KEY, "requestor of another environment": PRODUCTION_KEY, "stranger": "x" * 40}
    owner = lab.requestor(node)
    made = owner.create(CHALLENGE, lab.shop.url + "/return").json()
    trans_id = made["threeDSServerTransID"]
    if call in ("get", "cancel", "acknowledge"):
        owner.authenticate(trans_id, {**messages.purchase(), **messages.browser()})
    if call == "acknowledge":
        owner.call("POST", f"/v1/authentications/{trans_id}/cancel", {})
    api = lab.requestor(node, key=made["browserToken"] if caller == "browser" else keys[caller])
    card = {"deviceChannel": "02", "messageCategory": "01", "acctNumber": CHALLENGE}
    calls = {"versioning": lambda: api.call("POST", "/v1/versioning", {"acctNumber": CHALLENGE}),
             "create": lambda: api.call("POST", "/v1/authentications", dict(card, returnURL=lab.shop.url + "/return")),
             "authenticate": lambda: api.authenticate(trans_id, {**messages.purchase(), **messages.browser()}),
             "get": lambda: api.get(trans_id),
             "cancel": lambda: api.call("POST", f"/v1/authentications/{trans_id}/cancel", {}),
             "acknowledge": lambda: api.call("POST", f"/v1/authentications/{trans_id}/acknowledge", {})}
    return calls[call]()


@pytest.mark.parametrize("row", [r for r in ROWS if r[0] == "Requestors"], ids=lambda r: "-".join(r[1:3]))
def test_requestors(lab, site, row):
    _, caller, call, _, answer = row
    got = ask_requestor(lab, site[0], caller, call)
    assert str(got.status) == answer.split(",")[0], got
    if "environment" in answer:
        assert got.json()["directoryServer"] == ("other" if caller == "requestor of another environment" else "scheme")
    elif got.status == 404:
        nobody = lab.requestor(site[0]).get(messages.new_id()).json()
        assert {k: v for k, v in got.json().items() if k in ("errorCode", "errorDetail")} == \
            {k: v for k, v in nobody.items() if k in ("errorCode", "errorDetail")}, "as one that does not exist"


@pytest.mark.parametrize("row", [r for r in ROWS if r[0] == "Browsers"], ids=lambda r: "-".join(r[1:4]))
def test_browsers(lab, site, logs, row):
    logs.expect("ACS0093")
    node = site[0]
    _, caller, call, whose, answer = row
    status, mine = int(answer.split(",")[0]), caller == "browser"
    if call == "hosted page":
        p = Payment(lab, CHALLENGE, node)
        url = p.answer["challengeUrl"] if mine else node.browser_url + "/challenge/" + secrets.token_urlsafe(36)
        got = lab.client().request("GET", url)
        assert got.status == status and (p.answer["creq"] in got.text) == mine
        return
    c, d = (Challenge(lab, CHALLENGE, url=node.areq_url) for _ in range(2))
    for x in (c, d):
        x.open(url=node.challenge_url)
    token = c.token() if mine else secrets.token_urlsafe(len(c.token()) * 3 // 4)
    if call == "challenge page":
        got = lab.client().request("GET", f"{node.challenge_url}/page/{token}")
        assert got.status == status and (c.token() in got.text) == mine
        return
    code = d.otp() if whose == "of another browser" else c.otp()
    got = c.browser.post(node.challenge_url + "/form", {"token": token, "otp": code, "action": "submit"})
    assert got.status == status
    assert not d.rreqs(), "another's transaction stays as it was"
    right = mine and (whose == "its own" or c.otp() == d.otp())
    assert bool(c.rreqs()) == right


@pytest.mark.parametrize("row", [r for r in ROWS if r[0] == "Issuers"], ids=lambda r: "-".join(r[1:3]))
def test_issuers(lab, site, logs, row):
    logs.expect("ACS0160")
    node = site[0]
    _, caller, call, _, answer = row
    c = Challenge(lab, CHALLENGE, url=node.areq_url)
    how = {("issuer", "look-up"): {}, ("other issuer", "look-up"): {"issuer": "second", "key": lab.second_key},
           ("issuer", "look-up in the name of another"): {"issuer": "second"}, ("stranger", "look-up"): {"key": ""}}[caller, call]
    got = lab.issuer.call(lab.client(), node.issuer_url, "GET", "/transactions/" + c.id, **how)
    assert str(got.status) == answer
