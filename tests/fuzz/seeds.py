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


TARGETS = {"decode": decode, "pres": pres, "form": form, "b64": b64, "tmpl": tmpl, "api": api}


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
