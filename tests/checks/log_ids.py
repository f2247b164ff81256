"""docs/log-ids.md against the sources. --write: write it anew.

An id stands for one text, at however many places. The list keeps ids that no source uses any more: they are marked
"retired" by hand and never used again."""
import glob
import os
import re
import sys

SRC = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(SRC, "docs", "log-ids.md")
ID = r"(?:ACS|SRV|TDS)[0-9]{4}"
STRING = r'"(?:[^"\\]|\\.)*"'
HEAD = """# Messages in the log

Each message of level debug or above has an id of its own: `ACS` for mod_acs, `SRV` for mod_3ds_server, `TDS` for what both
share. An id is never used for another text. The next free number of a block is taken for a new message;
`python3 tests/checks/log_ids.py --write` brings this page up to date, and `tests/checks/log-ids.sh` fails when it is not.
`%s`, `%d` … stand for what differs. No message holds an account number, a one-time code, an authentication value or a key.

| id | level | text | file |
|---|---|---|---|
"""


def without_comments(text):
    return re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def call_around(text, at):
    """The arguments of the call that holds position at."""
    depth, start = 0, at
    while start > 0:
        start -= 1
        if text[start] == ")":
            depth += 1
        elif text[start] == "(":
            if depth == 0:
                break
            depth -= 1
    args, depth, arg, i = [], 0, "", start + 1
    while i < len(text):
        m = re.compile(STRING).match(text, i)
        if m:
            arg, i = arg + m.group(), m.end()
            continue
        c = text[i]
        if c == ")" and depth == 0:
            break
        if c == "," and depth == 0:
            args.append(arg.strip())
            arg = ""
        else:
            depth += (c in "([{") - (c in ")]}")
            arg += c
        i += 1
    return args + [arg.strip()]


def literal(arg):
    """The text of adjacent string literals; what stands between them (a format macro) is kept as it is."""
    return "".join(p[1:-1] if p.startswith('"') else "%" + p.strip() for p in re.findall(STRING + r"|[A-Z_0-9a-z]+", arg))


def messages(path):
    with open(path, encoding="utf-8") as f:
        text = without_comments(f.read())
    for m in re.finditer(f'"({ID})(: )?', text):
        args = call_around(text, m.start())
        if m.group(2):  # ap_log_*error(APLOG_MARK, APLOG_ERR | ..., rv, s, "ACS0001: text", ...)
            level = re.sub(r"APLOG_|\s*\|.*|\(.*", "", args[1])
            what = next(literal(a) for a in args if a.startswith('"' + m.group(1)))[len(m.group(1)) + 2:]
        else:           # tds_log(log, level, id, txn, "text", ...)
            level = args[1].replace("TDS_LOG_", "")
            what = literal(args[4]) if len(args) > 4 else ""
        yield m.group(1), level.lower(), what, os.path.relpath(path, SRC)


def collect():
    """id -> (level, text, files), and faults"""
    found, faults = {}, []
    paths = sorted(p for d in ("shared/*", "mod_acs", "mod_3ds_server") for p in glob.glob(os.path.join(SRC, d, "*.c")))
    for path in paths:
        for ident, level, text, name in messages(path):
            if not text:
                faults.append(f"{name}: {ident} has no text that can be read")
            have = found.setdefault(ident, (level, text, []))
            if have[:2] != (level, text):
                faults.append(f"{name}: {ident} is used for another text or level in {have[2][0]}")
            if name not in have[2]:
                have[2].append(name)
    return found, faults


def row(ident, level, text, files):
    text = text.replace("|", "\\|").replace("`", "'")
    return f"| {ident} | {level} | `{text}` | {', '.join(files)} |"


def retired():
    if not os.path.exists(PAGE):
        return {}
    with open(PAGE, encoding="utf-8") as f:
        return {m.group(1): m.group(0) for m in re.finditer(f"^\\| ({ID}) \\| retired .*$", f.read(), re.M)}


def page(found):
    rows = {i: row(i, *v) for i, v in found.items()}
    rows.update(retired())
    return HEAD + "\n".join(rows[i] for i in sorted(rows)) + "\n"


def main():
    found, faults = collect()
    faults += [f"{i} is retired in docs/log-ids.md and used again" for i in sorted(set(found) & set(retired()))]
    if not found:
        faults.append("found nothing to check")
    want = page(found)
    if "--write" in sys.argv:
        with open(PAGE, "w", encoding="utf-8") as f:
            f.write(want)
    else:
        have = open(PAGE, encoding="utf-8").read() if os.path.exists(PAGE) else ""
        missing = sorted(set(re.findall(f"^\\| ({ID})", have, re.M)) - set(re.findall(f"^\\| ({ID})", want, re.M)))
        if missing:
            faults.append(f"docs/log-ids.md lists {', '.join(missing)}, which no source has: mark the row retired")
        elif have != want:
            faults.append("docs/log-ids.md is not up to date: python3 tests/checks/log_ids.py --write")
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        sys.exit(1)
    print(f"{len(found)} ids")


main()
