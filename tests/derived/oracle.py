"""What is to be said of a message: the rules of the data elements, read from shared/msg/spec by code that shares nothing with
the codec. judge() gives the first failing class, as (errorCode, names), or None."""
import base64
import calendar
import functools
import json
import os
import re
import socket
import unicodedata

SPEC = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "shared/msg/spec")
V231 = "2.3.1"
CLASSES = (204, 201, 203, 207, 202, 304)  # A-AREQ-01
OPTIONAL_LEGS = ("C",)
UNITS = {"978": "2", "840": "2", "392": "0", "414": "3", "EUR": "2"}


class Spec:
    def __init__(self, folder=SPEC):
        with open(os.path.join(folder, "elements.json"), encoding="utf-8") as f:
            data = json.load(f)
        with open(os.path.join(folder, "codes.json"), encoding="utf-8") as f:
            self.excluded = json.load(f)["excluded_iso_codes"]
        self.formats, self.messages, self.objects = data["formats"], data["messages"], data["objects"]
        self.cache = {}

    def rows(self, kind, name, version):
        """The effective elements of a message or an object."""
        key = (kind, name, version)
        if key not in self.cache:
            table = self.messages[name] if kind == "message" else self.objects[name]
            if table.get("ref"):
                table = self.messages[table["ref"].split(".")[1]]
            self.cache[key] = [effective(e, version) for e in table["elements"] if version in e["versions"]]
        return self.cache[key]


def effective(element, version):
    row = dict(element)
    for name, value in (element.get("overrides") or {}).get(version, {}).items():
        if value is None:
            row.pop(name, None)
        else:
            row[name] = value
    row["incl"] = row["inclusion"][version]
    row["cross"] = [c for c in row.get("cross_checks", []) if not c.get("versions") or version in c["versions"]]
    return row


class Pairs(dict):
    """An object, with the names that it has twice."""

    def __init__(self, pairs):
        super().__init__(pairs)
        names = [n for n, _ in pairs]
        self.twice = [n for n in dict.fromkeys(names) if names.count(n) > 1]


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def type_of(value):
    return {bool: "boolean", str: "string", list: "array"}.get(type(value), "object" if isinstance(value, dict) else "?")


def types_of(row):
    return row["json_type"] if isinstance(row["json_type"], list) else [row["json_type"]]


def is_there(value):
    return value is not None and value != ""


# ---- expressions --------------------------------------------------------------------------------

TOKEN = re.compile(r"\s*(==|!=|\(|\)|\[|\]|,|[A-Za-z0-9_.]+)")


@functools.lru_cache(None)
def tokens_of(text):
    return TOKEN.findall(text)


class WrongType:
    """Stands for a value whose JSON type is not that of its element: it answers no question (F-02)."""


WRONG = WrongType()


class Expression:
    """Recursive descent; look(name) gives the list of values a name stands for. guess: what is taken for the answer where a
    value of the wrong type is asked; guessed tells whether that happened."""

    def __init__(self, text, look, guess=False):
        self.tokens, self.at, self.look, self.guess, self.guessed = tokens_of(text), 0, look, guess, False

    def guessing(self, values):
        self.guessed |= WRONG in values
        return WRONG in values and self.guess

    def value(self):
        out = self.either()
        assert self.at == len(self.tokens), self.tokens
        return out

    def peek(self, ahead=0):
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ""

    def take(self, want=None):
        token = self.peek()
        assert want in (None, token), (want, token)
        self.at += 1
        return token

    def either(self):
        out = self.both()
        while self.peek() == "or":
            self.take()
            out = self.both() or out
        return out

    def both(self):
        out = self.negated()
        while self.peek() == "and":
            self.take()
            out = self.negated() and out
        return out

    def negated(self):
        if self.peek() == "not":
            self.take()
            return not self.negated()
        return self.single()

    def single(self):
        if self.peek() == "(":
            self.take()
            out = self.either()
            self.take(")")
            return out
        if self.peek() in ("present", "absent", "any") and self.peek(1) == "(":
            word = self.take()
            self.take("(")
            if word == "any":
                out = self.either()
            else:
                values = self.look(self.take())
                there = any(is_there(v) for v in values if v is not WRONG) or self.guessing(values)
                out = there if word == "present" else not there
            self.take(")")
            return out
        return self.comparison()

    def comparison(self):
        first = self.take()
        if self.peek() == "in" and first[0].isdigit():  # "06 in name"
            self.take()
            name = self.take()
            return first in self.texts(name) or self.guessing(self.flat(name))
        negative = self.peek() in ("!=", "not")
        if self.peek() == "not":
            self.take()
        word = self.take()
        literals = [self.take()] if word in ("==", "!=") else self.literals()
        return (any(v in literals for v in self.texts(first)) or self.guessing(self.flat(first))) != negative

    def literals(self):
        self.take("[")
        out = []
        while self.peek() != "]":
            out.append(self.take())
            if self.peek() == ",":
                self.take()
        self.take("]")
        return out

    def flat(self, name):
        return [item for v in self.look(name) for item in (v if isinstance(v, list) else [v])]

    def texts(self, name):
        out = [{True: "true", False: "false"}[t] if isinstance(t, bool) else t for t in self.flat(name)]
        return [t for t in out if isinstance(t, str) and t]


# ---- formats -------------------------------------------------------------------------------------

def real_date(s):
    y, m, d = int(s[:4]), int(s[4:6]), int(s[6:8])
    return 1 <= m <= 12 and 1 <= d <= (calendar.monthrange(y, m)[1] if y else 31)


def real_ip(s):
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, s)
            return True
        except (OSError, ValueError):
            pass
    return False


def is_solid(s):
    """No control character and no blank, of ASCII or beyond."""
    return not any(unicodedata.category(c) in ("Cc", "Zs", "Zl", "Zp") for c in s)


def real_url(s, strict=True):
    if s.startswith("data:"):
        return is_solid(s)
    scheme, _, rest = s.partition("://")
    if not is_solid(s):
        return False
    if scheme.lower() not in ("http", "https"):
        return True
    if strict and re.search(r'["<>\\]', s):  # RFC 3986
        return False
    place = re.match(r"(?:[^/?#]*@)?(\[(?P<six>[^\]]*)\]|[^][:@\\<>\"^`{|}/?#]+)(?::(?P<port>[0-9]{1,6}))?(?=[/?#]|\Z)", rest)
    return bool(place and (place["six"] is None or ":" in place["six"] and real_ip(place["six"])) and
                (place["port"] is None or 0 < int(place["port"]) < 65536))


MORE = {
    "url": lambda s: real_url(s, False), "url-https": real_url, "url-applink": real_url, "url-or-data-url": real_url,
    "email": is_solid, "email-text": is_solid,
    "date YYYYMMDD": real_date,
    "date YYMM": lambda s: 1 <= int(s[2:]) <= 12,
    "datetime YYYYMMDDHHMM": lambda s: real_date(s) and int(s[8:10]) < 24 and int(s[10:12]) < 60,
    "datetime YYYYMMDDHHMMSS": lambda s: real_date(s) and int(s[8:10]) < 24 and int(s[10:12]) < 60 and int(s[12:]) < 60,
    "ip": real_ip,
}


def decodes(text):
    """base64url, padded or not, of a JSON object."""
    try:
        body = base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
        return isinstance(json.loads(body.decode("utf-8")), dict)
    except ValueError:
        return False


def in_range(text, span):
    low, _, high = span.partition("-")
    return text.isascii() and text.isdigit() and len(text) == len(low) and int(low) <= int(text) <= int(high or low)


class Judge:
    def __init__(self, spec, context):
        """context: prior {"AReq.deviceChannel": ["02"]}, leg, extensions, flags (also ds-accept, ds-refuse: every value
        reserved for the DS is one that it has defined, or none is)."""
        self.spec, self.context, self.faults, self.whole, self.rows_here = spec, context, {}, None, []

    # -- entry

    def judge(self, text):
        self.msg = json.loads(text, object_pairs_hook=Pairs)
        self.kind, self.version = self.msg["messageType"], self.msg["messageVersion"]
        self.rows = self.spec.rows("message", self.kind, self.version)
        own = {r["name"] for r in self.rows}
        self.channel = self.steer("deviceChannel", own, ("01", "02", "03"))
        self.category = self.steer("messageCategory", own, ("01", "02"))
        self.variant = self.variant_of()
        home = next(r for r in self.rows if r["name"] == "messageType")
        self.all_channels = set(home.get("channels") or [])
        self.applying = [r for r in self.rows if self.applies(r)]
        self.twice(self.msg, "")
        for row in self.applying:
            self.element(row, self.msg, "", None)
        if "lax-exponent" not in self.context["flags"]:
            self.exponents()
        for code in CLASSES:
            if self.faults.get(code):
                return code, self.faults[code]
        return None

    def judge_object(self, name, version, text):
        """An object that is no message."""
        self.msg = json.loads(text, object_pairs_hook=Pairs)
        self.kind, self.version, self.rows, self.applying = None, version, [], []
        self.channel = self.category = self.variant = None
        self.all_channels, self.rows_here = set(), self.spec.rows("object", name, version)
        if self.msg.twice:  # such an object is read elsewhere
            return None
        for row in self.spec.rows("object", name, version):
            self.element(row, self.msg, "", self.msg)
        return next(((code, self.faults[code]) for code in CLASSES if self.faults.get(code)), None)

    def report(self, code, path):
        self.faults.setdefault(code, set()).add(path)

    def twice(self, value, path):
        if isinstance(value, Pairs):
            for name in value.twice:
                self.report(204, path + name)
            for name, member in value.items():
                self.twice(member, path + name + ".")
        elif isinstance(value, list):
            for item in value:
                self.twice(item, path)

    # -- what applies

    def steer(self, name, own, good):
        values = [self.msg.get(name)] if name in own else self.context["prior"].get("AReq." + name, [])
        value = values[0] if values and isinstance(values[0], str) else None
        if name == "messageCategory" and "ds-accept" in self.context["flags"] and value and value[:1] >= "8":
            return "01"  # one that the DS defined is judged as payment
        return value if value in good else None

    def variant_of(self):
        if self.kind != "CRes":
            return None
        final = self.msg.get("challengeCompletionInd") == "Y" or self.channel == "02"
        return "final" if final else "interim"

    def applies(self, row):
        channels, categories = row.get("channels") or [], row.get("categories") or []
        if channels and not (self.channel in channels if self.channel else self.all_channels <= set(channels)):
            return False
        if categories and not (self.category in categories if self.category else len(categories) == 2):
            return False
        if self.variant and row.get("variants") and self.variant not in row["variants"]:
            return False
        return (row.get("legs") or {}).get(self.context["leg"]) != "absent"

    def inclusion(self, row):
        incl = row["incl"]
        if not isinstance(incl, list):
            return incl
        if not self.category:
            return "O"
        return next((i["inclusion"] for i in incl if self.category in i["categories"]), "O")

    # -- conditions

    def holds(self, text, here):
        """None where a value of the wrong type would decide."""
        answers = set()
        for guess in (False, True):
            e = Expression(text, lambda name: self.look(name, here), guess)
            answers.add(e.value())
            if not e.guessed:
                break
        return answers.pop() if len(answers) == 1 else None

    def look(self, name, here):
        head, _, rest = name.partition(".")
        if head[0].isupper():
            if head == self.kind:
                return self.walk(self.top(), rest, self.rows)
            return self.context["prior"].get(name, self.context["prior"].get(head + "." + rest.split(".")[-1], []))
        if here is not None:
            return self.walk(here, name, self.rows_here)
        if head in ("deviceChannel", "messageCategory") and not any(r["name"] == head for r in self.rows):
            return self.context["prior"].get("AReq." + head, [])
        if head == "acsUiType" and self.kind == "CReq":
            return self.context["prior"].get("CRes.acsUiType", [])
        return self.walk(self.top(), name, self.rows)

    def top(self):
        if self.whole is None:
            names = {r["name"] for r in self.applying}
            self.whole = {n: v for n, v in self.msg.items() if n in names}
        return self.whole

    def walk(self, value, path, rows):
        values = [value]
        for step in path.split("."):
            flat = []
            for v in values:
                flat += v if isinstance(v, list) else [v]
            row = next((r for r in rows if r["name"] == step and self.applies(r)), None)
            values = [v if v is WRONG else self.typed(row, v[step]) for v in flat if v is WRONG or isinstance(v, dict) and step in v]
            inner = (row or {}).get("object") or ((row or {}).get("array") or {}).get("items", {}).get("object")
            rows = self.spec.rows("object", inner, self.version) if inner else []
        return values

    def typed(self, row, value):
        """The value; WRONG where its JSON type is another than the row's, in an array item by item."""
        if row is None or value is None or value == "" and isinstance(value, str):
            return value
        if type_of(value) not in types_of(row):
            return WRONG
        if isinstance(value, list) and (row.get("array") or {}).get("items"):
            return [self.typed(row["array"]["items"], v) for v in value]
        return value

    def required(self, row, here):
        leg = (row.get("legs") or {}).get(self.context["leg"])
        if leg:
            return leg == "R"
        incl = self.inclusion(row)
        if incl == "C" and row.get("check", "").startswith("evaluate") and row.get("when"):
            return self.holds(row["when"], here) is True
        return incl == "R"

    def uncalled_for(self, row, here):
        """The recipient knows that the condition does not hold."""
        return (self.inclusion(row) == "C" and row.get("check") == "evaluate" and row.get("when") and
                self.holds(row["when"], here) is False)

    # -- one element

    def element(self, row, parent, path, here):
        name = path + row["name"]
        value = parent.get(row["name"])
        there = row["name"] in parent
        if not there or value in ("", None, {}, []) and not isinstance(value, bool):
            if self.required(row, here):
                self.report(201, name)
            elif there:
                if not (value == {} and self.all_optional(row)):
                    self.report(203, name)
            elif self.crosses(row, here):
                self.report_cross(name)
            return
        before = {k: set(v) for k, v in self.faults.items()}
        self.value(row, value, name)
        if before != self.faults:
            return
        if (row.get("absent_when") and "lax-absent" not in self.context["flags"] and self.holds(row["absent_when"], here) or
                "strict-condition" in self.context["flags"] and self.uncalled_for(row, here)):
            self.report(203, name)
        elif self.crosses(row, here):
            self.report_cross(name)

    def report_cross(self, name):
        """P-12: of answers that exclude each other all that are there are named."""
        answers = ("challengeDataEntry", "challengeDataEntryTwo", "challengeNoEntry", "challengeCancel", "resendChallenge",
                   "challengeAddCode")
        top = self.top()
        there = [n for n in answers if isinstance(top.get(n), str) and top[n] and (n, top[n]) != ("resendChallenge", "N")]
        for n in there if self.kind == "CReq" and name == "challengeDataEntry" and there else [name]:
            self.report(203, n)

    def crosses(self, row, here):
        return any(c.get("error") != "none" and self.holds(c["expr"], here) is False for c in row["cross"])

    def all_optional(self, row):
        if row["json_type"] != "object" and "object" not in row["json_type"]:
            return False
        if not row.get("object"):
            return True
        if self.spec.objects[row["object"]].get("min_members", {}).get(self.version):
            return False
        return all(r["incl"] != "R" for r in self.spec.rows("object", row["object"], self.version))

    # -- a value

    def value(self, row, value, path):
        kind = type_of(value)
        if kind not in types_of(row):
            self.report(203, path)
        elif kind == "string":
            code = self.text(row, value) or (203 if row.get("decoded_object") and not decodes(value) else 0)
            if code:
                self.report(code, path)
        elif kind == "boolean" and row.get("values") and value not in [v["value"] for v in row["values"]]:
            self.report(203, path)
        elif kind == "object":
            self.object(row, value, path)
        elif kind == "array":
            self.array(row, value, path)

    def reserved(self):
        return 207 if self.version == V231 else 203

    def text(self, row, s):
        if "\0" in s or not (row.get("min") or 0) <= len(s) <= (row.get("max") or 10 ** 9):
            return 203
        regex = self.spec.formats[row["format"]].get("regex")
        for pattern in filter(None, (regex, row.get("pattern"))):
            if not re.match("(?:" + pattern[:-1] + r")\Z", s, re.ASCII):
                return 203
        if row["format"] in MORE and not MORE[row["format"]](s):
            return 203
        code = self.code(row, s) if row.get("values") else 0
        if code:
            return code
        if ("min_value" in row and int(s) < row["min_value"]) or ("max_value" in row and int(s) > row["max_value"]):
            return 203
        return 304 if self.is_excluded(row["format"], s) else 0

    def code(self, row, s):
        if s in [v["value"] for v in row["values"]] or row.get("accept_any"):
            return 0
        for r in row.get("reserved", []):
            if in_range(s, r["range"]):
                if r["use"] == "EMVCo" or "ds-refuse" in self.context["flags"]:
                    return self.reserved()
                if r.get("unconfigured") == "reject" and "ds-accept" not in self.context["flags"]:
                    return self.reserved()
                return 0
        return 203

    def is_excluded(self, form, s):
        x = self.spec.excluded
        if form == "iso3166-numeric":
            return in_range(s, x["iso3166"])
        return form == "iso4217-numeric" and s in x["iso4217"] or form == "iso4217-alpha" and s in x["iso4217_alpha"]

    def object(self, row, value, path):
        if row.get("max") and not (row.get("min") or 0) <= len(compact(value)) <= row["max"]:
            self.report(203, path)
            return
        if not row.get("object"):
            return
        table = self.spec.objects[row["object"]]
        if table.get("informative"):
            return
        rows = self.spec.rows("object", row["object"], self.version)
        if rows and rows[0]["name"] == "*":
            self.any_name(rows[0], value, path)
            return
        least = table.get("min_members", {}).get(self.version, 0)
        if sum(1 for r in rows if r["name"] in value) < least:
            self.report(203, path)
            return
        outer, self.rows_here = self.rows_here, rows
        for r in rows:
            self.element(r, value, path + ".", value)
        self.rows_here = outer

    def any_name(self, row, value, path):
        name, text = next(iter(value.items()))
        good = (len(value) == 1 and row["key_min"] <= len(name) <= row["key_max"] and isinstance(text, str) and text and
                not self.text(row, text))
        if not good:
            self.report(203, path)

    def array(self, row, value, path):
        a = row["array"]
        if not a["min_items"] <= len(value) <= (a["max_items"] or 10 ** 9):
            self.report(203, path)
            return
        if row.get("max_total_chars") and len(compact(value)) > row["max_total_chars"]:
            self.report(203, path)
            return
        if a.get("unique_items") and self.version == V231:
            texts = [json.dumps(v, sort_keys=True) for v in value]
            if len(set(texts)) < len(texts):
                self.report(204, path)
                return
        before = {k: set(v) for k, v in self.faults.items()}
        for item in value:
            empty = item in ("", None, {}, []) and not isinstance(item, bool)
            known = {k: set(v) for k, v in self.faults.items()}
            if not empty or item == {} and "object" in types_of(a["items"]) and a["items"].get("object"):
                self.value(a["items"], item, path)  # of {} the members are named that have to be there
            if empty and known == self.faults:
                self.report(203, path)
        if path == "messageExtension" and before == self.faults:
            self.extensions(value)

    def extensions(self, value):
        ids = [e["id"] for e in value]
        if len(set(ids)) < len(ids):
            self.report(203, "messageExtension.id")
            return
        for e in value:
            if e["criticalityIndicator"] and e["id"] not in self.context["extensions"]:
                self.report(202, e["id"])

    def exponents(self):
        top = self.top()
        for what in ("purchase", "recurring"):
            currency, have = top.get(what + "Currency"), top.get(what + "Exponent")
            units = UNITS.get(currency) if isinstance(currency, str) else None
            if units and isinstance(have, str) and len(have) == 1 and have != units:
                self.report(304, what + "Currency")
                self.report(304, what + "Exponent")
