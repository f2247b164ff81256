"""docs/states/NAME.md drawn from mod_*/NAME_moves.def. --write: write them anew."""
import glob
import os
import re
import sys

SRC = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TITLES = {"acs": "States of an ACS transaction", "srv": "States of a 3DS Server transaction"}
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def split(args):
    """Arguments of a row: strings and words."""
    out = []
    for part in re.findall(r'\s*"(?:[^"\\]|\\.)*"|[^,]+', args):
        part = part.strip()
        if part:
            out.append(part[1:-1] if part.startswith('"') else part)
    return out


def rows(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for m in re.finditer(r"^M\((.*)\)\s*$", text, re.M):
        yield split(m.group(1))


def fx_text(fx):
    words = [w.strip() for w in fx.split("|")]
    return ", ".join(w.replace("FX_", "").lower().replace("_", " ") for w in words if w not in ("0", "NONE"))


def draw(name, path):
    cells = list(rows(path))
    states, events = [], []
    for state, event, *_ in cells:
        states += [state] if state not in states else []
        events += [event] if event not in events else []
    out = [f"# {TITLES.get(name, name)}", "",
           f"Drawn from `{os.path.relpath(path, SRC)}` by `python3 tests/checks/states.py --write`; do not edit.", "",
           "```mermaid", "stateDiagram-v2", f"    [*] --> {states[0]}"]
    for state, event, kind, to, fx, *rest in cells:
        if kind in ("GO", "STAY"):
            end = f" ({rest[0]})" if len(rest) > 1 and rest[0] not in ("NONE", "0") else ""
            out.append(f"    {state} --> {to}: {event}{end}")
    out += ["```", "", "What is saved comes first; the effects follow. A row that is not there is answered by what the "
            "record shows (see the second table).", "", "| in state | event | next | effects | outcome | why |",
            "|---|---|---|---|---|---|"]
    for state, event, kind, to, fx, *rest in cells:
        if kind in ("GO", "STAY"):
            outcome = rest[0] if len(rest) > 1 and rest[0] not in ("NONE", "0") else ""
            out.append(f"| {state} | {event} | {to} | {fx_text(fx)} | {outcome} | {rest[-1]} |")
    out += ["", "## Refused and ignored", "", "| in state | refused with an Erro | ignored |", "|---|---|---|"]
    for state in states:
        groups = {"REFUSE": [], "IGNORE": []}
        for s, event, kind, to, fx, *rest in cells:
            if s == state and kind in groups:
                groups[kind].append(f"{event} ({rest[-1]})")
        out.append(f"| {state} | {'; '.join(groups['REFUSE']) or '–'} | {'; '.join(groups['IGNORE']) or '–'} |")
    missing = [f"{s}, {e}" for s in states for e in events if not any(c[0] == s and c[1] == e for c in cells)]
    return "\n".join(out) + "\n", len(cells), missing


def main():
    faults, total = [], 0
    for path in sorted(glob.glob(os.path.join(SRC, "mod_*", "*_moves.def"))):
        name = os.path.basename(path).replace("_moves.def", "")
        page = os.path.join(SRC, "docs", "states", name + ".md")
        want, n, missing = draw(name, path)
        total += n
        faults += [f"{os.path.relpath(path, SRC)}: no row for {m}" for m in missing]
        if "--write" in sys.argv:
            os.makedirs(os.path.dirname(page), exist_ok=True)
            with open(page, "w", encoding="utf-8") as f:
                f.write(want)
        elif not os.path.exists(page) or open(page, encoding="utf-8").read() != want:
            faults.append(f"docs/states/{name}.md is not up to date: python3 tests/checks/states.py --write")
    if not total:
        faults.append("found nothing to check")
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        sys.exit(1)
    print(f"{total} transitions")


main()
