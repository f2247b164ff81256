#!/usr/bin/env python3
"""Expand tests/golden/examples/*.txt: values written by hand, good and bad, element by element.

  expand.py FILE    write the cases; test_derived reads them

An expectation stands in the examples or it does not exist: nothing here reads the tables. A file:

  @ 2.1.0/AReq/ok-x 2.2.0/AReq/ok-y     the valid messages (folders of tests/golden) that the lines below change, until the next @
  @ object NAME VERSION,... JSON        instead: an object that is no message
  + leg DS->ACS                         context of the cases instead of the same setting of the folder (leg, prior ..., flag)
  = homePhone {"cc":"49","subscriber":"1"}   what to put there when a line below speaks of a member and the message has none
  NAME  GOOD ... | BAD ...              NAME: path of an element; both lists may be empty

A value:  text as it stands      "with blanks"      a*64 (64 times a)      ~ (empty text)      - (absent)      #5 (number)
          {..} [..] true false null (JSON without blanks); <a*64> inside of a text or of JSON
and after it, in this order:
  &OTHER=VALUE   the message is changed there, too (VALUE as above; may be given several times)
  >A,B           names of the Erro instead of NAME (> alone: the Erro names nothing)
  :CODE          errorCode of a bad value; without: 203, and 201 for -
  :r             207 in 2.3.1, 203 before (reserved values)
  @22            only for that version; @22+ and @22-: it and those after, before
A backslash takes the meaning from the next character."""
import copy
import glob
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
VERSIONS = {"2.1.0": 21, "2.2.0": 22, "2.3.1": 23}
ABSENT = object()


class Fault(Exception):
    pass


# ---- reading the examples ------------------------------------------------------------------------

def words(text):
    """Split at blanks that are not inside quotes or brackets."""
    out, word, depth, quoted, i = [], "", 0, False, 0
    while i < len(text):
        c = text[i]
        if c == "\\" and i + 1 < len(text):
            word += text[i:i + 2]
            i += 2
            continue
        if c == '"':
            quoted = not quoted
        elif not quoted:
            depth += (c in "{[") - (c in "}]")
        if c.isspace() and not quoted and depth == 0:
            if word:
                out.append(word)
            word = ""
        else:
            word += c
        i += 1
    if word:
        out.append(word)
    return out


def cut(word):
    """(value, {suffix: [text]}): suffixes begin with & > : @ outside of quotes, brackets and after a backslash."""
    depth, quoted, i, spots = 0, False, 0, []
    while i < len(word):
        c = word[i]
        if c == "\\":
            i += 2
            continue
        repeated = re.match(r"<.\*\d+>", word[i:])
        if repeated:
            i += len(repeated[0])
            continue
        if c == '"':
            quoted = not quoted
        elif not quoted:
            depth += (c in "{[") - (c in "}]")
            if depth == 0 and i and (c in "&>" or re.match(r":(\d{3}|r)(@|$)|@2[123][+-]?$", word[i:])):
                spots.append(i)
        i += 1
    ends = spots[1:] + [len(word)]
    parts = {}
    for a, b in zip(spots, ends):
        parts.setdefault(word[a], []).append(word[a + 1:b])
    return word[:spots[0]] if spots else word, parts


def plain(text):
    return re.sub(r"\\(.)", r"\1", text)


def value_of(text):
    if text == "-":
        return ABSENT
    if text == "~":
        return ""
    if re.fullmatch(r"#-?[0-9.eE+]+", text):
        return json.loads(text[1:])
    if text[:1] in '{["' or text in ("true", "false", "null"):
        value = json.loads(text)
        return expand_strings(value)
    m = re.fullmatch(r"(\\?.)\*(\d+)", text, re.S)
    return plain(m[1]) * int(m[2]) if m else expand_strings(plain(text))


def expand_strings(value):
    """a*64 inside of JSON, too, written "<a*64>"."""
    if isinstance(value, str):
        return re.sub(r"<(.)\*(\d+)>", lambda m: m[1] * int(m[2]), value)
    if isinstance(value, list):
        return [expand_strings(v) for v in value]
    if isinstance(value, dict):
        return {expand_strings(k): expand_strings(v) for k, v in value.items()}
    return value


def allowed(version, limits):
    """@22+ and its like."""
    for limit in limits:
        n, sign = int(limit[:2]), limit[2:]
        here = VERSIONS[version]
        if not (here == n or (sign == "+" and here > n) or (sign == "-" and here < n)):
            return False
    return True


# ---- messages ------------------------------------------------------------------------------------

def load(folder):
    with open(os.path.join(HERE, folder, "input.json"), encoding="utf-8-sig") as f:
        message = json.load(f)
    path = os.path.join(HERE, folder, "context")
    with open(path, encoding="utf-8") as f:
        return message, f.read().splitlines()


def put(message, path, value, parents):
    """Change a copy; members of an array are those of its first item."""
    out = copy.deepcopy(message)
    here, steps = out, path.split(".")
    for i, step in enumerate(steps[:-1]):
        if not here.get(step):
            parent = ".".join(steps[:i + 1])
            if parent not in parents:
                raise Fault(f"no '= {parent} ...' for {path}")
            here[step] = copy.deepcopy(parents[parent])
        here = here[step]
        if isinstance(here, list):
            here = here[0]
    if value is ABSENT:
        here.pop(steps[-1], None)
    else:
        here[steps[-1]] = value
    return out


def changed_context(context, settings):
    """A setting replaces those that begin with the same words: all but the last."""
    heads = {s.rsplit(" ", 1)[0] for s in settings if not s.startswith("leg ")} | {"leg" for s in settings if s.startswith("leg ")}
    kept = [c for c in context if not any(c == h or c.startswith(h + " ") for h in heads)]
    return kept + [s for s in settings if not s.endswith(" -")]


def cases_of(name, word, bad, message, parents, version):
    text, parts = cut(word)
    if not allowed(version, parts.get("@", [])):
        return None
    value = value_of(text)
    out = put(message, name, value, parents)
    for other in parts.get("&", []):
        where, _, what = other.partition("=")
        out = put(out, where, value_of(what), parents)
    want = "ok"
    if bad:
        code = parts.get(":", ["201" if value is ABSENT else "203"])[0]
        if code == "r":
            code = "207" if version == "2.3.1" else "203"
        names = parts[">"][0] if ">" in parts else name
        want = f"{code} {names}"
    return f"{name} {re.sub(chr(9), ' ', word)[:60]}\t{want}\t{json.dumps(out, ensure_ascii=False, separators=(',', ':'))}\n"


def heads(rest):
    """What an @ line names: (how a case begins, message, version, context)."""
    if not rest.startswith("object "):
        loaded = [load(folder) for folder in rest.split()]
        return [("case ", m, m["messageVersion"], context) for m, context in loaded]
    _, name, versions, text = rest.split(" ", 3)
    return [(f"object {name} {v} ", json.loads(text), v, []) for v in versions.split(",")]


def expand(path, out):
    bases, settings, parents, total = [], [], {}, 0
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    groups = []
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        head, _, rest = line.partition(" ")
        if head == "@":
            bases, settings, parents = heads(rest), [], {}
            groups.append((bases, settings, parents, []))
        elif head == "+":
            settings.append(rest.strip())
        elif head == "=":
            name, _, json_text = rest.strip().partition(" ")
            parents[name] = expand_strings(json.loads(json_text))
        else:
            groups[-1][3].append((number, head, rest))
    for bases, settings, parents, rows in groups:
        for prefix, message, version, context in bases:
            if prefix == "case ":
                out.write(f"base {os.path.basename(path)} {version}\n")
                out.write("".join(f"context {c}\n" for c in changed_context(context, settings)))
            for number, name, rest in rows:
                rest = rest + " "
                good, _, bad = rest.partition(" | ") if " | " in rest else (
                    ("", "", rest[1:]) if rest.strip().startswith("|") else (rest, "", ""))
                try:
                    for word, is_bad in [(w, False) for w in words(good)] + [(w, True) for w in words(bad)]:
                        text = cases_of(name, word, is_bad, message, parents, version)
                        if text:
                            out.write(prefix + text)
                            total += 1
                except (Fault, ValueError, KeyError, AttributeError, TypeError) as e:
                    raise SystemExit(f"{path}:{number}: {name}: {e!r}")
    return total


def main():
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        total = sum(expand(path, out) for path in sorted(glob.glob(os.path.join(HERE, "examples", "*.txt"))))
    print(f"{total} cases of the written examples")


main()
