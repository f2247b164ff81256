"""Seeds for the fuzz targets, out of the golden messages and the templates: seeds.py DIRECTORY [TARGET...]."""
import base64
import glob
import hashlib
import json
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOLDEN = os.path.join(TOP, "tests", "golden")
LIMIT = 4000  # bytes: a longer seed only slows the run


def golden(kind="*", what="*"):
    for path in sorted(glob.glob(os.path.join(GOLDEN, "*", kind, what, "input.json"))):
        with open(path, "rb") as f:
            text = f.read()
        try:  # without white space, which tells a fuzzer nothing
            if what.startswith("ok"):
                text = json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False).encode()
        except ValueError:
            pass
        if len(text) <= LIMIT:
            yield text


def decode():
    for text in golden():
        yield b"\0\0" + text
    for text in golden(what="ok-*"):
        for rules in (b"\x09\0", b"\x12\x20", b"\xe8\x44", b"\x0c\x81"):
            yield rules + text


RANGES = [
    {"startRange": "4000000000000000", "endRange": "4000000000000099", "actionInd": "A",
     "acsStartProtocolVersion": "2.1.0", "acsEndProtocolVersion": "2.2.0", "threeDSMethodURL": "https://a.b/m",
     "acsInfoInd": ["01", "81"], "x": [1.5, None, {}]},
    {"startRange": "5000000000000", "endRange": "5000000000009", "acsStartProtocolVersion": "2.1.0",
     "acsEndProtocolVersion": "2.3.1"}]
LISTS = [
    {"ranges": [{"start": "4000000000000000", "end": "4000000000000099", "y": 1},
                {"start": "5000000000000", "end": "5000000000009"}],
     "acsProtocolVersions": [{"version": "2.3.1", "acsInfoInd": ["01"], "threeDSMethodURL": "https://a.b/m",
                              "supportedMsgExt": [{"id": "A000000004-ext", "version": "2.0"}]}],
     "dsProtocolVersions": ["2.2.0"], "issuerCountryCode": "250"},
    {"ranges": [{"start": "4000000000000050", "end": "4000000000000051"}], "actionInd": "D",
     "acsProtocolVersions": [{"version": "2.1.0", "acsInfoInd": ["02"]}]}]


def pres():
    ids = {"threeDSServerTransID": "8a880dc0-d2d2-4067-bcb1-b08d1690b26e",
           "dsTransID": "f25084f0-5b16-4c0a-ae5d-b24808a95e4b"}
    more = {"messageExtension": [{"name": "n", "id": "i", "criticalityIndicator": False,
                                  "data": {"a": [1.5, None, True]}}]}
    old = {"messageType": "PRes", "messageVersion": "2.2.0", **ids, "dsStartProtocolVersion": "2.1.0",
           "dsEndProtocolVersion": "2.2.0"}
    new = {"messageType": "PRes", "messageVersion": "2.3.1", **ids, "dsProtocolVersions": ["2.3.1"], "readOrder": "02"}
    messages = [old, new, {**old, "messageVersion": "2.1.0", "cardRangeData": RANGES},
                {**old, "cardRangeData": RANGES, **more},
                {"cardRangeData": RANGES, **old, "serialNum": "1"}, {**new, "cardRangeData": LISTS, "serialNum": "1"},
                {"cardRangeData": LISTS[:1], **more, **new}, {**new, "cardRangeDataFileURL": "https://a.b/f"},
                {**new, "dsUrlList": [{"threeDSServerToDsUrl": "https://a.b/", "dsCountryCode": "250"}]},
                {**old, "cardRangeData": RANGES + RANGES}, {**new, "cardRangeData": LISTS + LISTS}]
    texts = [json.dumps(m, separators=(",", ":")).encode() for m in messages]
    for text in texts + list(golden("PRes")) + list(golden("Erro")):
        for rules in (b"\0\0", b"\1\7", b"\2\x99", b"\3\5", b"\x44\x11"):
            yield rules + text


def form():
    fields = b"creq=%s&threeDSSessionData=abc%%20d+e"
    for text in golden("CReq"):
        yield fields % base64.urlsafe_b64encode(text).rstrip(b"=")
        yield b"token=t&action=submit&otp=123456&creq=" + base64.urlsafe_b64encode(text).replace(b"=", b"%3D")
    yield b"cres=&cres=a&%00=1&a&&b=%zz&c=%"
    yield b"&".join(b"f%d=%d" % (i, i) for i in range(33))


def b64():
    for text in (b"", b"a", b"ab", b"abc", bytes(range(256)), b"\xff" * 31):
        code = base64.urlsafe_b64encode(text)
        yield from (code, code.rstrip(b"="), b" " + code[:3] + b"\r\n" + code[3:], base64.b64encode(text))


def tmpl():
    data = b'{"a":"<x>&\\"","b":true,"list":[{"a":"1"},{"a":[]},{}]}'
    texts = [b"{{a}} {{#list}}{{a}},{{/list}}{{^b}}no{{/b}}", b"{{=<% %>=}}<% a %><%! c %>",
             b"{{> p}}{{<p}}{{$x}}1{{/x}}{{/p}}", b"{{{a}}}{{&b}}{{t.key}}",
             b"<a href=\"{{a}}\"><script>{{a}}</script><!-- {{a}} -->", b"{{#a}}{{.}}{{/b}}", b"{{a"]
    for text in texts:
        for options in range(0, 32, 3):
            yield bytes([options]) + b"\0".join((text, b"[{{$x}}d{{/x}}{{a}}]", b"text {{a}}", data))
    for path in sorted(glob.glob(os.path.join(TOP, "conf", "templates", "**", "*.html"), recursive=True)):
        with open(path, "rb") as f:
            text = f.read()
        if len(text) <= LIMIT:
            yield b"\x10" + text + b"\0\0\0" + data


def api():
    card = {"acctNumber": "4000000000000002"}
    create = {**card, "deviceChannel": "02", "messageCategory": "01", "returnURL": "https://shop.test/back"}
    bodies = [card, create, {**create, "deviceChannel": "01"}, {}, []]
    for call in range(3):
        for body in bodies:
            yield bytes([call]) + json.dumps(body, separators=(",", ":")).encode()
    for text in golden("AReq", "ok-*"):
        yield b"\2" + text
    for kind in ("RReq", "Erro"):
        for text in golden(kind):
            yield b"\3" + text
    yield b"\xc1{}"


ACS_STEPS = {  # see step() in fuzz_acs.c: pairs of bytes
    "right": (0, 1, 2, 0), "wrong": (0, 0, 3, 0, 3, 0, 3, 0, 2, 0), "cancel": (0, 0, 4, 1), "resend": (0, 0, 4, 2, 4, 2, 2, 0),
    "go on": (0, 0, 3, 0, 3, 0, 3, 0, 4, 3), "no CReq": (7, 5, 8, 0, 0, 0), "silent": (0, 0, 7, 7, 6, 0, 8, 0),
    "again": (0, 0, 0, 0, 0, 1, 6, 0, 2, 0, 2, 0), "in the app": (0, 0, 9, 0, 4, 0), "refused in the app": (0, 0, 9, 4, 4, 0),
    "asked for": (0, 0, 11, 8, 4, 0), "judged elsewhere": (11, 4, 0, 0, 2, 0), "locked elsewhere": (0, 0, 11, 6, 3, 0),
    "elsewhere": (8, 0, 9, 1, 8, 0), "declined": (8, 0, 9, 5, 8, 0), "reached": (9, 21, 7, 7, 8, 0), "deaf": (11, 0, 8, 0, 7, 7, 8, 0),
    "DS refuses": (10, 8, 0, 0, 2, 0, 7, 4, 8, 0), "DS garbage": (10, 9, 0, 0, 2, 0, 8, 0), "DS away": (10, 13, 0, 0, 2, 0, 7, 4, 8, 0),
    "DS silent": (10, 12, 0, 0, 3, 0, 4, 1, 8, 0), "wrong id": (10, 11, 0, 0, 2, 0), "repeat": (13, 0, 0, 0, 13, 0, 2, 0),
    "Erro": (0, 0, 13, 1, 2, 0), "late": (7, 9, 0, 0, 8, 0)}


def acs():
    for areq in (0, 1, 2, 3, 6, 12, 13, 25, 37, 49, 33, 21):
        for wish, systems in ((0, 0), (1, 8), (2, 4), (3, 0xf0), (4, 0x50), (5, 0), (6, 0x42), (0, 0x60)):
            for steps in ACS_STEPS.values():
                yield bytes((areq, wish, systems, *steps))
    card = json.dumps({"status": "active", "group": "g", "cardholder": {"ref": "c-1", "phone": "+491700001234"}}).encode()
    for steps in ACS_STEPS.values():
        yield bytes((0, 0, 0xff, len(card))) + card + bytes(steps)
        yield bytes((0, 0, 0, *steps[:2], 5, 0, 6)) + b"submit" + bytes((6,)) + b"000000" + bytes((1, 0, 3)) + b',"a' + bytes(steps)


TARGETS = {"decode": decode, "pres": pres, "form": form, "b64": b64, "tmpl": tmpl, "api": api, "acs": acs}


def main():
    where, names = sys.argv[1], sys.argv[2:] or TARGETS
    for name in names:
        directory = os.path.join(where, name)
        os.makedirs(directory, exist_ok=True)
        for seed in TARGETS[name]():
            with open(os.path.join(directory, hashlib.sha1(seed).hexdigest()), "wb") as f:
                f.write(seed)
        print(name, len(os.listdir(directory)), "seeds")


main()
