#!/usr/bin/env python3
"""Cases derived from the valid messages of tests/golden: one fault, or one allowed change, per element and kind of change.
What is to be said of each is the oracle's verdict.

  derive.py FILE    write the cases; test_derived reads them

A file holds for each base "base NAME", its "context ..." lines, then "case NAME<TAB>expected<TAB>message"; at its end
"mask NAME KIND", "fact MSG NAME", "country CODE 0|1" and "currency CODE ALPHA|- DIGITS"."""
import itertools
import json
import multiprocessing
import os
import re
import sys

from oracle import SPEC, Judge, Pairs, Spec, compact

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOLDEN = os.path.join(TOP, "tests/golden")
LEGS = (None, "3DS Server->DS", "DS->ACS", "ACS->DS", "DS->3DS Server", "3DS Requestor->ACS", "ACS->3DS Requestor")
TWICE = "\x01"  # at the end of a name: the name a second time
SAMPLES = {
    "n": "1", "a": "A", "an": "A1", "ans": "a", "text": "a", "uuid": "8a880dc0-d2d2-4067-bcb1-b08d1690b26e",
    "url": "https://example.com/", "url-applink": "https://example.com/", "url-https": "https://example.com/", "url-or-data-url": "https://example.com/",
    "email": "a@example.com", "email-text": "a@example.com", "ip": "192.0.2.1", "date YYYYMMDD": "20260131", "date YYMM": "2812",
    "datetime YYYYMMDDHHMM": "202601311259", "datetime YYYYMMDDHHMMSS": "20260131125959", "tz-offset": "-60",
    "base64": "QUJD", "base64url": "QUJD", "jwe-compact": "QQ..QQ.QQ.QQ", "jws-compact": "QQ.QQ.QQ",
    "iso3166-numeric": "276", "iso3166-2-subdivision": "BE", "iso4217-numeric": "978", "iso4217-alpha": "EUR",
    "pan": "4000001234567899", "bcp47": "de", "version": "2.1.0"}
BAD = {
    "n": ["1a", "-1", " 1"], "a": ["A1"], "an": ["A-1"], "uuid": ["8a880dc0-d2d2-4067-bcb1-b08d1690b26g", "8a880dc0d2d24067bcb1b08d1690b26e"],
    "url": ["example.com", "https://", "https://a b", "http://a:0/", "https://a\u2028b/"],
    "url-https": ["example.com", "https://", "http://example.com/", "app://x", "https://a:b@c/", "https://a:65536/", "https://a\tb/", "https://[::g]/"],
    "url-applink": ["http://example.com/", "app://x", "https://a@b"], "url-or-data-url": ["example", "data:", "http://a/", "data:a b"],
    "email": ["a", "@example.com", "a b@c", "a@b\n"], "email-text": ["a b", "\x7f"], "ip": ["192.0.2", "192.0.2.256", "g::1", "1::2::3"],
    "date YYYYMMDD": ["20260230", "20261301", "2026013"], "date YYMM": ["2813", "2800"],
    "datetime YYYYMMDDHHMM": ["202601312459", "202601311260", "202602301259"],
    "datetime YYYYMMDDHHMMSS": ["20260131125960", "20260131125961", "20260131246059", "20230229125959"], "tz-offset": ["+-60", "6O", "12345"],
    "base64": ["QU-D", "Q===", "=", "QU=D"], "base64url": ["QU+D", "Q===", "QU/D"], "jwe-compact": ["QQ.QQ.QQ.QQ", "..QQ.QQ.QQ", "QQ..QQ.QQ."],
    "jws-compact": ["QQ.QQ", "QQ..QQ", "QQ.QQ.Q="], "iso3166-numeric": ["DE", "27", "901", "999"],
    "iso4217-numeric": ["EUR", "97", "955", "956", "957", "958", "959", "960", "961", "962", "963", "964", "999"],
    "iso4217-alpha": ["978", "eur", "XXX", "XBA", "XBB", "XBC", "XBD", "XAU", "XDR", "XAG", "XPT", "XTS", "XPD"],
    "pan": ["400000123456", "40000012345678990000", "4000-0012345678"], "version": ["2.1", "2.1.0.0", "a.b.c", "2.100.0"]}
GOOD = {
    "uuid": ["8A880DC0-D2D2-4067-BCB1-B08D1690B26E"], "url": ["http://192.0.2.1:81/a?b#c", "app+x://h"],
    "url-https": ["https://[2001:db8::1]:8443/a?b@c#d", "HTTPS://h"],
    "url-or-data-url": ["data:image/png;base64,AA=="], "ip": ["2001:db8::1", "1:2:3:4:5:6:7:8"], "date YYYYMMDD": ["20240229"],
    "datetime YYYYMMDDHHMMSS": ["20240229235959"], "tz-offset": ["+840", "0"], "base64": ["QUI=", "QQ=="],
    "base64url": ["QUI=", "-_"], "iso3166-numeric": ["900"], "iso4217-numeric": ["954", "965", "998"], "iso4217-alpha": ["USD"],
    "version": ["02.1.0"], "jwe-compact": ["QQ.QQ.QQ.QQ.QQ"]}


# ---- bases ---------------------------------------------------------------------------------------

def read_context(folder):
    context = {"prior": {}, "leg": None, "extensions": [], "flags": set(), "lines": [], "match": False}
    path = os.path.join(folder, "context")
    lines = open(path, encoding="utf-8").read().splitlines() if os.path.exists(path) else []
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "prior":
            name, _, value = rest.partition(" ")
            context["prior"].setdefault(name, []).append(value)
        elif word == "leg":
            context["leg"] = rest
            continue
        elif word == "extension":
            context["extensions"].append(rest)
        elif word == "flag":
            context["flags"].add(rest)
            continue
        elif word == "match":
            context["match"] = True
        context["lines"].append(line)
    return context


def bases():
    """Of the valid messages of a type, version, channel and category the one with the most members."""
    best = {}
    for folder, _, files in os.walk(GOLDEN):
        if "expect" not in files or open(os.path.join(folder, "expect"), encoding="utf-8").read().strip() != "ok":
            continue
        context = read_context(folder)
        try:
            msg = json.loads(open(os.path.join(folder, "input.json"), encoding="utf-8-sig").read(), object_pairs_hook=Pairs)
        except ValueError:
            continue
        if context["match"] or context["flags"] or not isinstance(msg, dict):
            continue
        prior = context["prior"]
        key = (msg["messageType"], msg["messageVersion"],
               msg.get("deviceChannel") or "".join(prior.get("AReq.deviceChannel", [])),
               msg.get("messageCategory") or "".join(prior.get("AReq.messageCategory", [])),
               msg.get("challengeCompletionInd"), "".join(prior.get("CRes.acsUiType", [])) or msg.get("acsUiType"))
        name = os.path.relpath(folder, GOLDEN)
        if key not in best or (len(msg), name) > (len(best[key][1]), best[key][0]):
            best[key] = (name, msg, context)
    return [best[key] for key in sorted(best, key=str)]


# ---- values --------------------------------------------------------------------------------------

def sample(spec, row, version):
    kind = row["json_type"] if isinstance(row["json_type"], str) else row["json_type"][0]
    if kind == "boolean":
        return True
    if kind == "object":
        return sample_object(spec, row, version)
    if kind == "array":
        return [sample(spec, row["array"]["items"], version)]
    if row.get("values"):
        return row["values"][0]["value"]
    if row.get("pattern") == "^[0-9]{3}$":
        return "101"
    if "min_value" in row:
        return str(row["min_value"]).zfill(row.get("min") or 1)
    text = SAMPLES[row["format"]]
    if len(text) < (row.get("min") or 0):
        text = text + text[-1] * (row["min"] - len(text))
    return text[:row["max"]] if row.get("max") and row["format"] in ("n", "a", "an", "ans", "text") else text


def sample_object(spec, row, version):
    if not row.get("object"):
        return {"a": "b"}
    rows = spec.rows("object", row["object"], version)
    if rows and rows[0]["name"] == "*":
        return {"a": "b"}
    if row["object"] == "jwkEC":
        return {"kty": "EC", "crv": "P-256", "x": "WWcpTjbOqiu_1aODllw5rYTq5oLXE_T0huCPjMIRbkI",
                "y": "Wz_7anIeadV8SJZUfr4drwjzuWoUbOsHp5GdRZBAAiw"}
    out = {r["name"]: sample(spec, r, version) for r in rows if r["incl"] == "R"}
    return out or {r["name"]: sample(spec, r, version) for r in rows[:1]}


def stretched(text, n):
    return text[:n] if len(text) >= n else text + text[-1:] * (n - len(text))


def texts(row, good):
    """(name, value) of a text element."""
    low, high, form = row.get("min") or 1, row.get("max"), row["format"]
    if form in ("n", "a", "an", "ans", "text", "bcp47", "base64url", "iso3166-2-subdivision"):
        seed = SAMPLES[form]
        if low > 1:
            yield "too-short", stretched(seed, low - 1)
        yield "shortest", stretched(seed, low)
        if high:
            yield "longest", stretched(seed, high)
            yield "too-long", stretched(seed, high + 1)
    elif form in ("url", "url-https", "url-applink", "url-or-data-url", "email") and high:
        seed = SAMPLES[form] if form != "email" else "a@"
        yield "longest", stretched(seed + "x", high)
        yield "too-long", stretched(seed + "x", high + 1)
    elif isinstance(good, str):
        yield "shorter", good[:-1]
        yield "longer", good + good[-1:]
    for i, bad in enumerate(BAD.get(form, [])):
        yield f"bad-{i}", bad
    for i, value in enumerate(GOOD.get(form, [])):
        yield f"good-{i}", value
    if form in ("ans", "text"):
        yield "code-points", stretched("\u00e9\U0001f600", min(high or 9, 9))
        if high:
            yield "longest-in-code-points", "\U0001f600" * high
    yield "nul", "a\0b"
    yield "blank-at-end", (good if isinstance(good, str) else "") + "\n"
    for value in row.get("values", []):
        yield "value-" + value["value"], value["value"]
    if row.get("values"):
        yield "unlisted", "Z" * low
        yield "lower", row["values"][0]["value"].lower()
        yield "unlisted-99", "99"[:high or 2].rjust(low, "9")
        yield "unlisted-0", "0" * low
    for reserved in row.get("reserved", []):
        first, _, last = reserved["range"].partition("-")
        yield "reserved-" + first, first
        yield "reserved-" + (last or first) + "-", last or first
    for name in ("min_value", "max_value"):
        if name in row:
            for step in (-1, 0, 1):
                if row[name] + step >= 0:
                    yield f"{name}{step:+d}", str(row[name] + step).zfill(low)


def arrays(spec, row, version, good):
    a = row["array"]
    item = good[0] if isinstance(good, list) and good else sample(spec, a["items"], version)
    yield "items-twice", [item, item]
    yield "item-null", [item, None]
    yield "item-number", [item, 7]
    yield "item-empty", [item, ""]
    yield "item-empty-object", [{}]
    yield "item-array", [[item]]
    if isinstance(item, str):
        for name, value in texts(a["items"], item):
            yield "item-" + name, [value]
    if isinstance(item, str) and a["items"].get("values"):
        values = [v["value"] for v in a["items"]["values"]] + [str(n) for n in range(80, 100)]
    elif isinstance(item, str):
        values = [stretched(SAMPLES[a["items"]["format"]] + format(i, "03x"), max(a["items"].get("min") or 1, 4))
                  for i in range(120)]
    else:
        return
    for n in {a["min_items"] - 1, a["min_items"], a["max_items"] or 1, (a["max_items"] or 0) + 1}:
        if 0 < n <= len(values):
            yield f"items-{n}", values[:n]


def objects(row, good):
    if row.get("max") and isinstance(good, dict) and row["max"] < 100000:
        for name, n in (("longest", row["max"]), ("too-long", row["max"] + 1)):
            value = dict(good, zz="")
            fill = n - len(compact(value))
            if fill > 0:
                yield name, dict(good, zz="x" * fill)
    yield "array-of-it", [good]


def changes(spec, row, version, good):
    """(name, value) for one element whose present, or possible, value is good."""
    kinds = row["json_type"] if isinstance(row["json_type"], list) else [row["json_type"]]
    yield "empty", ""
    yield "null", None
    yield "empty-object", {}
    yield "empty-array", []
    yield "number", 12345
    yield "true", True
    yield "false", False
    yield "text", "x"
    yield "object", {"a": "b"}
    yield "array", ["x"]
    if "boolean" in kinds:
        yield "text-true", "true"
    if "string" in kinds:
        yield from texts(row, good)
    if "array" in kinds:
        yield from arrays(spec, row, version, good)
    if "object" in kinds:
        yield from objects(row, good)
        yield from entries(row, version, spec)


def entries(row, version, spec):
    """Objects with one member of any name."""
    rows = spec.rows("object", row["object"], version) if row.get("object") else []
    if rows and rows[0]["name"] == "*":
        yield "two-members", {"a": "b", "c": "d"}
        for n in (rows[0]["key_max"], rows[0]["key_max"] + 1):
            yield f"name-{n}", {"k" * n: "b"}


OBJECTS = ("threeDSMethodData", "browserForm", "acsSignedContentBody", "sdkServerSignedContentBody")


def loose(spec):
    """Objects outside of messages: (name, version, the fullest valid one)."""
    for name in OBJECTS:
        for version in spec.objects[name]["versions"]:
            yield name, version, {r["name"]: sample(spec, r, version) for r in spec.rows("object", name, version)}


# ---- cases ---------------------------------------------------------------------------------------

def homes(spec, msg, version, rows, trail=()):
    """(row, path to its parent as keys) of every element that could be there, at most three levels deep."""
    for row in rows:
        yield row, trail
        inner = row.get("object") or ((row.get("array") or {}).get("items") or {}).get("object")
        if inner and len(trail) < 4:
            below = [r for r in spec.rows("object", inner, version) if r["name"] != "*"]
            step = (row["name"],) + ((0,) if row.get("array") else ())
            yield from homes(spec, msg, version, below, trail + step)


def clone(value):
    """A copy that shares no object and no array."""
    if isinstance(value, dict):
        return {k: clone(v) for k, v in value.items()}
    return [clone(v) for v in value] if isinstance(value, list) else value


def reach(spec, msg, version, rows, trail):
    """A copy of msg in which the parent is there; and the parent. None: cannot be reached."""
    out = clone(msg)
    here, table = out, rows
    for i, step in enumerate(trail):
        if step == 0:
            here = here[0]
            continue
        row = next(r for r in table if r["name"] == step)
        inner = row.get("object") or row["array"]["items"]["object"]
        if not isinstance(here, dict):
            return None, None
        if not here.get(step):
            here[step] = sample(spec, row, version)
        here, table = here[step], spec.rows("object", inner, version)
        if i + 1 == len(trail) and not isinstance(here, dict):
            return None, None
    return out, here if isinstance(here, dict) else None


def completed(spec, msg, version, rows, judge):
    """msg with whatever else the oracle wants of it, so that one fault is one fault. msg itself when that leads nowhere."""
    out = msg
    for _ in range(3):
        found = judge(text_of(out))
        if not found or found[0] != 201:
            return out
        for name in sorted(found[1]):
            out = put_sample(spec, out, version, rows, name.split("."))
            if out is None:
                return msg
    return out if not judge(text_of(out)) else msg


def put_sample(spec, msg, version, rows, steps):
    """A copy with a sample at that path, or None."""
    out = clone(msg)
    here, table = out, rows
    for i, step in enumerate(steps):
        row = next((r for r in table if r["name"] == step), None)
        if row is None or not isinstance(here, dict):
            return None
        if i + 1 == len(steps) or not here.get(step):
            here[step] = sample(spec, row, version)
        here = here[step][0] if isinstance(here[step], list) and here[step] else here[step]
        inner = row.get("object") or ((row.get("array") or {}).get("items") or {}).get("object")
        table = spec.rows("object", inner, version) if inner else []
    return out


def glances(spec, msg, version, rows):
    """Absent, and of the wrong type: two cases an element."""
    for row, trail in homes(spec, msg, version, rows):
        name = ".".join(str(t) for t in trail if t != 0) + ("." if trail else "") + row["name"]
        if row["name"] in ("messageType", "messageVersion") and not trail:
            continue
        for what in ("absent", "number"):
            out, home = reach(spec, msg, version, rows, trail)
            if home is None:
                break
            home.pop(row["name"], None)
            if what == "number":
                home[row["name"]] = 12345
            yield f"{name}:{what}", out


def derived(spec, msg, version, rows, thin, judge):
    """(name, message) for all elements. thin: only what has to do with presence."""
    plain = msg
    for row, trail in homes(spec, plain, version, rows):
        msg = plain
        if not thin and not (trail or row["name"] in msg):
            msg = completed(spec, dict(plain, **{row["name"]: sample(spec, row, version)}), version, rows, judge)
        whole, parent = reach(spec, msg, version, rows, trail)
        if parent is None:
            continue
        name = ".".join(str(t) for t in trail if t != 0) + ("." if trail else "") + row["name"]
        if row["name"] in ("messageType", "messageVersion") and not trail and "messageType" in msg:
            continue  # decided before the elements: the golden cases' affair
        had = row["name"] in parent
        good = parent[row["name"]] if had else sample(spec, row, version)

        def put(value, key=row["name"]):
            out, home = reach(spec, msg, version, rows, trail)
            if value is KeyError:
                home.pop(key, None)
            else:
                home[key] = value
            return out

        yield name + ":absent", put(KeyError)
        yield name + ":there", put(good)
        if thin:
            continue
        twice = put(good)
        reach_same = reach(spec, twice, version, rows, trail)[0]
        home = reach_same
        for step in trail:
            home = home[step]
        home[row["name"] + TWICE] = good
        yield name + ":twice", reach_same
        cased = put(KeyError)
        home = cased
        for step in trail:
            home = home[step]
        home[row["name"].swapcase()] = good
        yield name + ":case", cased
        for change, value in changes(spec, row, version, good):
            yield name + ":" + change, put(value)
    if not thin and "messageType" in msg:
        known = {r["name"] for r in rows}
        for other in spec.messages[msg["messageType"]]["elements"]:
            if other["name"] not in known:
                yield other["name"] + ":other-version", dict(msg, **{other["name"]: {"not": "looked at"}})


# ---- names and codes -----------------------------------------------------------------------------

def masks(spec):
    """How a log may show each element, by spec/mask.json."""
    with open(os.path.join(SPEC, "mask.json"), encoding="utf-8") as f:
        kinds = {name: kind for kind, names in json.load(f)["elements"].items() for name in names}
    tables = list(spec.messages.values()) + list(spec.objects.values())
    for name in sorted({e["name"] for t in tables for e in t["elements"]} - {"*"}):
        yield f"mask {name} {kinds.get(name, 'PLAIN')}"


def facts(spec):
    """Facts of earlier messages that some expression reads: what a transaction has to keep."""
    texts = set()
    for table in list(spec.messages.values()) + list(spec.objects.values()):
        for e in table["elements"]:
            for row in [e] + list((e.get("overrides") or {}).values()):
                texts |= {row.get("when"), row.get("absent_when")}
                texts |= {c["expr"] for c in row.get("cross_checks") or [] if c.get("error") != "none"}
    found = {m for t in texts if t for m in re.findall(r"\b([A-Z][A-Za-z]+)\.([A-Za-z.]+)", t)}
    found |= {("AReq", "deviceChannel"), ("AReq", "messageCategory"), ("CRes", "acsUiType")}
    found -= {("AReq", "multiTransaction.merchantList.sellerId")}  # of the very AReq under check
    for kind, path in sorted(found):
        yield f"fact {kind} {path.split('.')[-1]}"


ISO = "/usr/share/iso-codes/json"


def assigned():
    """Every code there could be, against iso-codes, if the one here is the one that the table was made from."""
    with open("/usr/share/pkgconfig/iso-codes.pc", encoding="utf-8") as f:
        version = f.read().split("Version: ")[1].split()[0]
    with open(os.path.join(TOP, "shared/msg/tds_iso.def"), encoding="utf-8") as f:
        if f"iso-codes {version} " not in f.readline():
            return
    with open(os.path.join(ISO, "iso_3166-1.json"), encoding="utf-8") as f:
        countries = {c["numeric"] for c in json.load(f)["3166-1"]}
    with open(os.path.join(ISO, "iso_4217.json"), encoding="utf-8") as f:
        money = {c["numeric"]: c["alpha_3"] for c in json.load(f)["4217"]}
    money.update({"532": "XCG", "924": "ZWG"})  # newer than the package
    none = "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX"
    digits = {0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", 3: "BHD IQD JOD KWD LYD OMR TND",
              4: "CLF UYW", -1: none}
    units = {alpha: n for n, alphas in digits.items() for alpha in alphas.split()}
    for n in range(1000):
        code = f"{n:03d}"
        yield f"country {code} {int(code in countries)}"
        yield f"currency {code} {money.get(code, '-')} {units.get(money.get(code), 2) if code in money else -1}"


def text_of(message):
    return compact(message).replace('\\u0001":', '":')


def verdict_of(found):
    return "ok" if not found else f"{found[0]} {','.join(sorted(found[1]))}"


def elsewhere(context):
    """The same message after an AReq of another channel or category, or of one that is not known."""
    prior = context["prior"]
    if "AReq.deviceChannel" not in prior:
        return
    for channel in ("01", "02", "03"):
        for category in ("01", "02"):
            other = {"AReq.deviceChannel": [channel], "AReq.messageCategory": [category]}
            if any(prior.get(k) != v for k, v in other.items()):
                yield dict(context, prior={**prior, **other}, flags=set())
    yield dict(context, prior={k: v for k, v in prior.items() if k != "AReq.messageCategory"}, flags=set())


def context_lines(here):
    lines = [x for x in here["lines"] if not x.startswith("prior ")]
    lines += [f"prior {name} {v}" for name, values in here["prior"].items() for v in values]
    lines += ([f"leg {here['leg']}"] if here["leg"] else []) + [f"flag {f}" for f in sorted(here["flags"])]
    return "".join(f"context {x}\n" for x in lines)


def cases_of(base):
    """All lines of one base. Legs: those that the tables of the message know, and none."""
    spec, (name, msg, context) = Spec(), base
    version, own = msg["messageVersion"], context["leg"]
    rows = spec.rows("message", msg["messageType"], version)
    legs = sorted({leg for r in rows for leg in r.get("legs") or {}} - {own}) + ([None] if own else [])
    runs = [(own, set(), False), (own, {"ds-accept"}, False)] + [(leg, set(), True) for leg in legs]
    runs += [(own, {flag}, True) for flag in ("strict-condition", "lax-absent", "ds-refuse")]
    plans = [(dict(context, leg=leg, flags=flags), thin) for leg, flags, thin in runs]
    plans += [(dict(context, leg=leg, flags=set()), None) for leg in LEGS if leg not in [own, *legs]]
    plans += [(here, None) for here in elsewhere(context)]
    out = []
    for here, thin in plans:
        out.append(f"base {name} {here['leg'] or ''} {' '.join(here['flags'])}\n" + context_lines(here))
        seen = set()

        def judge(text, here=here):
            return Judge(spec, here).judge(text)

        unknown = {k: v for k, v in msg.items() if k != "messageCategory"}
        for case, message in (glances(spec, msg, version, rows) if thin is None else
                              itertools.chain(derived(spec, msg, version, rows, thin, judge),
                                              glances(spec, unknown, version, rows) if not thin else ())):
            text = text_of(message)
            if text in seen:
                continue
            seen.add(text)
            want = verdict_of(judge(text))
            if want.isprintable():  # an extension's id, which a detail of 202 repeats, may be anything
                out.append(f"case {case}\t{want}\t{text}\n")
    return out


def object_cases(spec):
    for name, version, whole in loose(spec):
        def judge(text, name=name, version=version):
            return Judge(spec, {"prior": {}, "leg": None, "extensions": [], "flags": set()}).judge_object(name, version, text)

        for case, value in derived(spec, whole, version, spec.rows("object", name, version), False, judge):
            text = text_of(value)
            found = judge(text)
            yield f"object {name} {version} {case}\t{verdict_of(found)}\t{text}\n"


def main():
    spec, total, all_bases = Spec(), 0, bases()
    with open(sys.argv[1], "w", encoding="utf-8") as out, multiprocessing.Pool() as pool:
        for lines in pool.imap(cases_of, all_bases):
            out.write("".join(lines))
            total += sum(line.startswith("case ") for line in lines)
        objects_out = list(object_cases(spec))
        names = list(masks(spec)) + list(facts(spec)) + (list(assigned()) if os.path.isdir(ISO) else [])
        out.write("".join(objects_out) + "".join(line + "\n" for line in names))
    print(f"{total + len(objects_out)} derived cases of {len(all_bases)} bases, {len(names)} names and codes")


if __name__ == "__main__":
    main()
