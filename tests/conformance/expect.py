"""What has to come back: values, Erro, ARes, RReq, RRes, final CRes. From the rules; each check names its rule."""
import datetime
import re

from model import VERSIONS, member

IDS = ("threeDSServerTransID", "dsTransID", "acsTransID", "sdkTransID")
TYPES = ("AReq", "ARes", "CReq", "CRes", "PReq", "PRes", "RReq", "RRes", "Erro")  # errorMessageType before 2.3.1
NAME_CODES = ("201", "203", "204", "207", "301", "304", "305", "306", "312")      # E-04
FORMATTED, TYPE, RECEIVER = ("Invalid Formatted Message", "Invalid Message Type",
                             "Invalid Message for the receiving component")
ERRO_REQUIRED = ("messageType", "messageVersion", "errorCode", "errorComponent", "errorDescription", "errorDetail")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NAME = re.compile(r"[a-zA-Z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*")


class Mismatch(Exception):
    """The product did not do what the case expects."""


def need(condition, text):
    if not condition:
        raise Mismatch(text)


def is_uuid(value):
    return isinstance(value, str) and UUID.fullmatch(value) is not None


def _fits(have, want):
    if isinstance(want, dict) and set(want) == {"re"}:
        return isinstance(have, str) and re.fullmatch(want["re"], have, re.S) is not None
    if isinstance(want, dict) and set(want) == {"in"}:
        return have in want["in"]
    if isinstance(want, dict) and set(want) == {"not"}:
        return have != want["not"]
    if isinstance(want, dict) and set(want) == {"same_text"}:
        return isinstance(have, str) and have.lower() == want["same_text"].lower()
    return have not in (None, "", [], {}) if want == "*" else have == want


def values(what, message, wanted):
    """wanted: {path: value, "*" (there and not empty), null (not there), {"re"}, {"in"}, {"not"}}"""
    for path, want in (wanted or {}).items():
        have = member(message, path)
        need(have is None if want is None else _fits(have, want), f"{what}: {path} is {have!r}, wanted {want!r}")


# --- Erro

def _detail_names(code, detail, want):
    """E-04, E-202: names (ids of extensions), compared as a set."""
    names = detail.split(",")
    need(len(set(names)) == len(names), f"errorDetail names something twice: {detail}")
    if code != "202":
        need(all(NAME.fullmatch(n) for n in names), f"errorDetail is no list of names (E-04): {detail!r}")
    if want is not None:
        need(set(names) == set(want.split(",")), f"errorDetail is {detail!r}, wanted {want!r}")


def _detail(message, want):
    code, detail = message["errorCode"], message["errorDetail"]
    wanted = want.get("detail")
    if code == "101":
        texts = (wanted,) if wanted else (FORMATTED, TYPE, RECEIVER)
        need(detail in texts, f"errorDetail is {detail!r}, wanted one of {texts}")
    elif code == "102":
        need(detail == ",".join(VERSIONS), f"errorDetail is {detail!r}, not the versions supported (A-AREQ-05)")
    elif code in NAME_CODES or code == "202":
        _detail_names(code, detail, wanted)
    elif wanted:
        need(detail == wanted, f"errorDetail is {detail!r}, wanted {wanted!r}")


def _message_type(message, want, faulty):
    """E-01: the type of the faulty message where it can be recognised."""
    have = message.get("errorMessageType")
    kind = (faulty or {}).get("messageType")
    types = TYPES + (("OReq", "ORes") if message["messageVersion"] == "2.3.1" else ())
    wanted = want["type"] if "type" in want else kind if kind in types else None
    need(have == wanted, f"errorMessageType is {have!r}, wanted {wanted!r} (E-01)")


def _ids(message, faulty, stored):
    """E-01, E-05: well-formed ids of the faulty message as received, else those of the transaction."""
    for name in IDS:
        given, known = (faulty or {}).get(name), stored.get(name)
        if is_uuid(given):
            allowed = {given}
        elif name in (faulty or {}):
            allowed = {None, known}
        else:
            allowed = {known}
        need(message.get(name) in allowed,
             f"Erro: {name} is {message.get(name)!r}, wanted {sorted(map(str, allowed))} (E-05)")


def erro(message, want, component, faulty=None, stored=None, versions=None):
    """The whole of E-01, E-02, E-04, E-05. faulty: the message the Erro is about (parsed, or None); stored: ids of the
    transaction if the fault left it known; versions: that may stand in messageVersion (default: by A-AREQ-06)."""
    need(isinstance(message, dict) and message.get("messageType") == "Erro", f"no Erro but {message!r}")
    for name in ERRO_REQUIRED:
        need(isinstance(message.get(name), str) and message[name], f"Erro without {name} (E-01)")
    codes = want["code"] if isinstance(want["code"], list) else [want["code"]]
    need(message["errorCode"] in codes,
         f"Erro {message['errorCode']}/{message['errorDetail']}, wanted {'/'.join(codes)} {want.get('detail', '')}")
    need(message["errorComponent"] == component, f"errorComponent is {message['errorComponent']} (E-02)")
    for name in ("errorDescription", "errorDetail"):
        need(len(message[name]) <= 2048, f"{name} is longer than 2048 (E-01)")
    extra = set(message) - set(ERRO_REQUIRED) - set(IDS) - {"errorMessageType"}
    need(not extra, f"Erro with {sorted(extra)} (E-05)")
    given = (faulty or {}).get("messageVersion")
    allowed = versions or {given if given in VERSIONS else VERSIONS[-1]}
    need(message["messageVersion"] in allowed,
         f"Erro: messageVersion is {message['messageVersion']}, wanted {sorted(allowed)} (A-AREQ-06)")
    _detail(message, want)
    _message_type(message, want, faulty)
    _ids(message, faulty, stored or {})


def json_answer(answer):
    """X-HTTP-03, X-HTTP-07: a protocol message came back."""
    need(answer.status == 200, f"status {answer.status}, wanted 200 (X-HTTP-07): {answer.body[:200]!r}")
    json_type("answer", answer.content_type)
    framed = "content-length" in answer.headers or answer.headers.get("transfer-encoding", "").lower() == "chunked"
    need(framed, "neither Content-Length nor chunked (X-HTTP-02)")


def empty_answer(answer):
    need((answer.status, answer.body) == (200, b""), "a received Erro is answered with 200 and nothing (X-HTTP-07)")


def content_type(text):
    return text.replace(" ", "").lower()


def json_type(what, text):
    need(content_type(text or "") == "application/json;charset=utf-8", f"{what}: Content-Type {text!r} (X-HTTP-03)")


def headers(what, have, wanted):
    values(what, have, {name.lower(): value for name, value in wanted.items()})


# --- messages of the product

def _kind(what, message, version, statuses):
    """authenticationType before 2.3.1, the array authenticationMethod from then on, with the given states only."""
    ours, other = ("authenticationMethod", "authenticationType") if version == "2.3.1" else (
        "authenticationType", "authenticationMethod")
    if what == "ARes":
        need(other not in message, f"{what}: {other} does not belong to {version} (A-ARES-06)")
    status = message.get("transStatus")
    need(ours in message or status not in statuses, f"{what} {status} without {ours} (A-ARES-06, R-17)")
    need(what == "ARes" or ours not in message or status in statuses, f"{what} {status} with {ours} (R-17)")
    if ours in message:
        need(isinstance(message[ours], list if version == "2.3.1" else str), f"{what}: {ours} is {message[ours]!r}")


def _decoupled(what, message, version):
    """A-ARES-06, R-11: authenticationType 04, or 12 among the methods."""
    name, want = ("authenticationMethod", "12") if version == "2.3.1" else ("authenticationType", "04")
    have = message.get(name)
    need(have is None or want == have or isinstance(have, list) and want in have, f"{what}: {name} is {have!r}, wanted {want}")


def _value(what, message, payment):
    """A value with Y or A only, and always then (A-ARES-03, R-18)."""
    status = message.get("transStatus")
    if status in ("Y", "A") and payment:
        need(message.get("authenticationValue") and message.get("eci"), f"{what} {status} without value or eci")
    if status not in ("Y", "A", "I"):
        need("authenticationValue" not in message, f"{what} {status} with authenticationValue")
    if status in ("N", "U", "R") and (payment or what == "RReq"):  # A-ARES-02, R-16
        need(re.fullmatch(r"\d\d", message.get("transStatusReason", "")), f"{what} {status} without transStatusReason")


def ares(message, areq):
    """A-ARES-01 .. A-ARES-07: every ARes of the ACS."""
    need(isinstance(message, dict) and message.get("messageType") == "ARes", f"no ARes but {message!r}")
    for name in ("threeDSServerTransID", "dsTransID", "dsReferenceNumber", "messageVersion"):
        need(message.get(name) == areq.get(name), f"ARes: {name} is {message.get(name)!r}, not that of the AReq")
    need(is_uuid(message.get("acsTransID")), "ARes without acsTransID")
    need(message.get("acsReferenceNumber") and message.get("transStatus"), "ARes without reference number or status")
    version, status = areq["messageVersion"], message["transStatus"]
    allowed = {"2.1.0": "YNUACR", "2.2.0": "YNUACRDI", "2.3.1": "YNUACRDIS"}[version]
    need(status in allowed, f"ARes: transStatus {status} is not one of {version}")
    _value("ARes", message, areq["messageCategory"] == "01")
    _kind("ARes", message, version, ("C", "D"))
    need("acsChallengeMandated" in message or status not in ("C", "D"), f"ARes {status} without acsChallengeMandated")
    need(message.get("acsDecConInd") == "Y" if status == "D" else message.get("acsDecConInd") != "Y",
         f"ARes {status} with acsDecConInd {message.get('acsDecConInd')!r} (A-ARES-07)")
    if status == "D":
        need(areq.get("threeDSRequestorDecReqInd") in ("Y", "B"), "ARes D to a requestor that does not allow it")
        need(message.get("cardholderInfo"), "ARes D without cardholderInfo (A-ARES-07)")
        _decoupled("ARes", message, version)
    for name in ("whiteListStatus", "trustListStatus"):
        need((name in message) == (name + "Source" in message), f"ARes: {name} and its Source go together (A-ARES-11)")
    browser = areq["deviceChannel"] == "02"
    need(("acsURL" in message) == (status == "C" and browser), "ARes: acsURL belongs to C, browser")
    if areq["deviceChannel"] == "01":
        need(message.get("sdkTransID") == areq["sdkTransID"], "ARes: sdkTransID is not that of the AReq")
        for name in ("deviceInfoRecognisedVersion", "threeDSRequestorAppURLInd") if version == "2.3.1" else ():
            need(message.get(name), f"ARes without {name} (A-ARES-01)")
    else:
        app = {"sdkTransID", "acsSignedContent", "acsRenderingType"} & set(message)
        need(not app, f"ARes: {app} belong to the app channel")


def rreq(message, areq, ares_message):
    """R-02, R-11 .. R-13, R-16 .. R-18, R-24: every RReq of the ACS (browser and 3RI)."""
    version, decoupled = areq["messageVersion"], ares_message.get("acsDecConInd") == "Y"
    need(message.get("messageType") == "RReq", f"no RReq but {message!r}")
    for name, want in (("messageVersion", areq["messageVersion"]), ("messageCategory", areq["messageCategory"]),
                       ("threeDSServerTransID", areq["threeDSServerTransID"]), ("dsTransID", areq["dsTransID"]),
                       ("acsTransID", ares_message["acsTransID"])):
        need(message.get(name) == want, f"RReq: {name} is {message.get(name)!r}, wanted {want!r} (R-02)")
    fallback = version == "2.3.1" and areq.get("threeDSRequestorDecReqInd") in ("F", "B") and not decoupled
    need(message.get("transStatus") in ("Y", "N", "U", "A", "R") + (("D",) if fallback else ()),
         f"RReq: transStatus {message.get('transStatus')!r}")
    if decoupled:
        need("interactionCounter" not in message, "RReq of a decoupled authentication with interactionCounter (R-02)")
        _decoupled("RReq", message, version)
    else:
        need(re.fullmatch(r"\d\d", message.get("interactionCounter", "")), "RReq without interactionCounter (R-02)")
    _value("RReq", message, areq["messageCategory"] == "01")
    _kind("RReq", message, version, ("Y", "N"))
    for name in ("whiteListStatus", "trustListStatus"):
        need((name in message) == (name + "Source" in message), f"RReq: {name} and its Source go together (R-24)")
    need(not {"sdkTransID", "acsRenderingType"} & set(message), "RReq: elements of the app channel")


def _empty(value):
    """Something empty in value, at any depth."""
    if value in ("", None, {}, []):
        return True
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, list) and any(_empty(v) for v in value)


def areq(message, headers_of_it, trans_id, version):
    """S-31 .. S-37: every AReq of the 3DS Server (browser, payment)."""
    values("AReq", message, {
        "messageType": "AReq", "messageVersion": version, "threeDSServerTransID": trans_id, "deviceChannel": "02",
        "threeDSServerURL": {"re": "https://.+"}, "notificationURL": {"re": "https://.{1,248}"},
        "threeDSServerRefNumber": "*", "acquirerBIN": "*", "acquirerMerchantID": "*",
        "threeDSCompInd": {"in": ["Y", "N", "U"]},
        "deviceInfo": None, "dsURL": None, "dsTransID": None, "dsReferenceNumber": None})
    need(not _empty(message), "AReq: something in it is empty (S-32)")
    when = datetime.datetime.strptime(message["purchaseDate"], "%Y%m%d%H%M%S")
    off = abs((datetime.datetime.utcnow() - when).total_seconds())
    need(off < 900, f"AReq: purchaseDate is {off:.0f} s off (S-36)")
    json_type("AReq", headers_of_it.get("content-type"))
    if version == "2.3.1":
        need(headers_of_it.get("x-request-id") == trans_id, "AReq: X-Request-ID (X-HTTP-09)")


def rres(message, request, status):
    """S-57: every RRes of the 3DS Server (browser)."""
    need(isinstance(message, dict) and message.get("messageType") == "RRes", f"no RRes but {message!r}")
    names = {"messageType", "messageVersion", "threeDSServerTransID", "dsTransID", "acsTransID", "resultsStatus"}
    need(set(message) == names, f"RRes has {sorted(set(message) ^ names)} too many or too few (S-57)")
    for name in ("messageVersion", "threeDSServerTransID", "dsTransID", "acsTransID"):
        need(message[name] == request[name], f"RRes: {name} is {message[name]!r}, not that of the RReq")
    need(message["resultsStatus"] == status, f"resultsStatus is {message['resultsStatus']}, wanted {status}")


def cres(message, areq, ares_message, wanted):
    """B-38: the five elements of the final CRes."""
    five = {"messageType", "messageVersion", "threeDSServerTransID", "acsTransID", "transStatus"}
    need(message.get("messageType") == "CRes", f"no CRes but {message!r}")
    need(five <= set(message) <= five | {"challengeCompletionInd"}, f"CRes has {sorted(set(message) ^ five)} (B-38)")
    for name, want in (("messageVersion", areq["messageVersion"]), ("acsTransID", ares_message["acsTransID"]),
                       ("threeDSServerTransID", areq["threeDSServerTransID"])):
        need(message[name] == want, f"CRes: {name} is {message[name]!r}, wanted {want!r}")
    values("CRes", message, wanted)


def ores(have, oreq, status, acs, headers):
    """N-03: dsTransID, opStatus and the own pair; X-HTTP-09."""
    own = ("acsTransID", "acsReferenceNumber") if acs else ("threeDSServerTransID", "threeDSServerRefNumber")
    need(set(have) == {"messageType", "messageVersion", "dsTransID", "opStatus", *own}, f"ORes has {sorted(have)}")
    values("ORes", have, {"messageType": "ORes", "messageVersion": oreq["messageVersion"], "dsTransID": oreq["dsTransID"],
                          "opStatus": status})
    need(is_uuid(have[own[0]]) and have[own[0]] != oreq["dsTransID"], f"{own[0]} is no fresh id: {have[own[0]]}")
    values("headers", headers, {"x-request-id": oreq["dsTransID"], "x-response-id": have[own[0]]})


def frameable(page):
    """B-28, M-08: no X-Frame-Options, and no frame-ancestors that leaves a shop out (those of https and http, at least)."""
    need(not page.header("X-Frame-Options"), "X-Frame-Options is set")
    for directive in (page.header("Content-Security-Policy") or "").split(";"):
        words = directive.split()
        if words[:1] == ["frame-ancestors"]:
            need("*" in words or {"https:", "http:"} <= set(words), "frame-ancestors leaves shops out")
