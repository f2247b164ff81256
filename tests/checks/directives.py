"""docs/directives/NAME.md against the command tables (mod_*_directives.def and AP_INIT_* in mod_*.c).

A page begins with "# NAME" and has, in this order, lines "**Syntax:** ...", "**Default:** ...", "**Context:** ...",
"**Since:** ...", then text and an example. A section's page is named without the angle brackets. For a directive of a
.def file the default must be the row's, and the limits must be told where there are any. README.md names each once, by task. No page
is of a release that there has not been: "Since" is at most the version in configure.ac."""
import glob
import os
import re
import sys

SRC = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LABELS = ("Syntax", "Default", "Context", "Since")
STRING = r'"((?:[^"\\]|\\.)*)"'


class Directive:
    def __init__(self, name, section=False, scope=None, kind=None, default=None, low=0, high=0):
        self.name, self.section, self.scope, self.kind = name, section, scope, kind
        self.default, self.low, self.high = default, low, high


def from_def(path):
    with open(path, encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    for m in re.finditer(r"^D\((.*)\)\s*$", text, re.M):
        name, kind, scope, _, _, default, low, high = [a.strip() for a in m.group(1).split(",", 7)]
        high, _, _ = high.partition(",")
        default = None if default == "NULL" else default.strip('"')
        yield Directive(name, False, scope, kind, default, int(low), int(high))


def from_table(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for m in re.finditer(r"AP_INIT_\w+\(\s*" + STRING, text):
        name = m.group(1)
        yield Directive(name.lstrip("<"), section=name.startswith("<"))


def collect():
    found = {}
    for pattern, read in (("mod_*/mod_*_directives.def", from_def), ("mod_*/mod_*.c", from_table)):
        for path in sorted(glob.glob(os.path.join(SRC, pattern))):
            for d in read(path):
                if d.name in found:
                    raise SystemExit(f"{d.name} is defined twice")
                found[d.name] = d
    return found


def span(ms):
    for unit, size in (("h", 3600000), ("min", 60000), ("s", 1000)):
        if ms % size == 0:
            return f"{ms // size}{unit}"
    return f"{ms}ms"


def same_default(want, have, kind):
    if want is None:
        return have in ("none", "none; must be given")
    return have == f"`{want}`"


def check_page(d, text):
    faults, lines = [], text.splitlines()
    title = f"# <{d.name}>" if d.section else f"# {d.name}"
    if not lines or lines[0] != title:
        faults.append(f"begins with {lines[0] if lines else 'nothing'!r} instead of {title!r}")
    values = {}
    for label in LABELS:
        hits = [l for l in lines if l.startswith(f"**{label}:**")]
        if len(hits) != 1:
            faults.append(f"has {len(hits)} lines **{label}:**")
        else:
            values[label] = hits[0].partition(":** ")[2].strip()
    if list(values) != [l for l in LABELS if l in values]:
        faults.append("labels are out of order")
    syntax = f"`<{d.name}" if d.section else f"`{d.name} "
    if not values.get("Syntax", "").startswith(syntax):
        faults.append(f"Syntax does not begin with {syntax}")
    if not re.match(r"\d+\.\d+\.\d+$", values.get("Since", "")):
        faults.append("Since is no version")
    if "```" not in text:
        faults.append("has no example")
    elif d.name not in text[text.index("```"):]:
        faults.append("the example does not show the directive")
    if d.kind:
        if not same_default(d.default, values.get("Default", ""), d.kind):
            faults.append(f"Default is {values.get('Default')!r}, in the table {d.default!r}")
        if d.kind in ("SPAN", "INT") and d.high:
            low, high = (span(d.low), span(d.high)) if d.kind == "SPAN" else (d.low, d.high)
            if f"{low} to {high}" not in text:
                faults.append(f"does not tell the limits {low} to {high}")
        elif d.kind == "STR" and d.high and f"at most {d.high} characters" not in text:
            faults.append(f"does not tell the limit of {d.high} characters")
    return faults


def main():
    found, faults = collect(), []
    pages = {os.path.basename(p)[:-3]: p for p in glob.glob(os.path.join(SRC, "docs", "directives", "*.md"))}
    pages.pop("README", None)
    for name in sorted(found):
        if name not in pages:
            faults.append(f"{name} has no docs/directives/{name}.md")
            continue
        with open(pages[name], encoding="utf-8") as f:
            faults += [f"docs/directives/{name}.md: {fault}" for fault in check_page(found[name], f.read())]
    faults += [f"docs/directives/{name}.md describes no directive" for name in sorted(set(pages) - set(found))]
    with open(os.path.join(SRC, "docs", "directives", "README.md"), encoding="utf-8") as f:
        listed = re.findall(r"^\| \[(\w+)\]\(\1\.md\) \| .+ \|$", f.read(), re.M)
    faults += [f"docs/directives/README.md names {name} {listed.count(name)} times" for name in sorted(found) if listed.count(name) != 1]
    faults += [f"docs/directives/README.md names {name}, which is none" for name in sorted(set(listed) - set(found))]
    if not found:
        faults.append("found nothing to check")
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        sys.exit(1)
    print(f"{len(found)} directives")


main()
