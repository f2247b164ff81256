#!/usr/bin/env python3
"""Do the tests of the codec bite? Flips single facts, one at a time, and says which flips no test saw.

  mutate.py tables [N [SEED]]      rows of the generated tables; judged by golden, derived and unit tests of the codec
  mutate.py elements [N [SEED]]    facts of spec/elements.json, everything generated from it made again; judged by the
                                   hand-written golden cases alone

Works on a copy; needs the packages of the build. Prints the survivors and a count; exit code 0 whatever it found."""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEFS = ["tds_codes.def", "tds_conds.def", "tds_elements.def", "tds_usage.def", "tds_values.def",
        "tds_iso.def"]
GOLDEN = [("test_golden", []), ("test_derived", ["examples.cases"])]
ALL = GOLDEN + [("test_msg_formats", []), ("test_msg_decode", []), ("test_msg_encode", []), ("test_msg_view", []),
                ("test_derived", ["derived.cases"])]


class Tree:
    """A copy of the sources, and what is compiled of them."""

    def __init__(self, work, programs):
        self.work, self.programs = work, programs
        for folder in ("shared", "tests/unit", "tests/golden", "tests/derived"):
            shutil.copytree(os.path.join(TOP, folder), os.path.join(work, folder))
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "jansson", "apr-1", "apr-util-1", "libcrypto", "cmocka"],
                               capture_output=True, text=True, check=True).stdout.split()
        self.libs = [f for f in flags if f.startswith("-l")]
        self.cflags = [f for f in flags if not f.startswith("-l")] + [
            "-O0", "-w", "-std=gnu11", "-D_GNU_SOURCE", f"-DSRCDIR=\"{work}\"", f"-I{work}/tests/unit"] + [
            f"-I{work}/shared/{d}" for d in ("core", "msg", "jose")]
        self.objects = {}
        for folder in ("core", "msg", "jose"):
            for name in sorted(os.listdir(os.path.join(work, "shared", folder))):
                if name.endswith(".c"):
                    self.objects[os.path.join(work, "shared", folder, name)] = os.path.join(work, name[:-2] + ".o")
        for name in dict(programs):
            self.objects[os.path.join(work, "tests/unit", name + ".c")] = os.path.join(work, name + ".o")

    def compile(self, sources):
        """False: does not compile."""
        jobs = [subprocess.Popen(["gcc", *self.cflags, "-c", s, "-o", self.objects[s]], stderr=subprocess.DEVNULL)
                for s in sources]
        return all([j.wait() == 0 for j in jobs])

    def users(self, def_name):
        """Sources that read a table."""
        def reads(path):
            with open(path, encoding="utf-8") as f:
                return def_name in f.read()
        return [s for s in self.objects if reads(s)]

    def link(self):
        library = [o for s, o in self.objects.items() if "/shared/" in s]
        return all(subprocess.run(["gcc", os.path.join(self.work, name + ".o"), *library, *self.libs, "-lpthread", "-o",
                                   os.path.join(self.work, name)], stderr=subprocess.DEVNULL).returncode == 0
                   for name in dict(self.programs))

    def seen_by(self):
        """The first program that fails, or None."""
        for name, args in self.programs:
            try:
                if subprocess.run([os.path.join(self.work, name), *args], cwd=self.work, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, timeout=120).returncode:
                    return name
            except subprocess.TimeoutExpired:
                return name
        return None


# ---- tables --------------------------------------------------------------------------------------

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\b\d+\b|\b[A-Z][A-Z0-9_a-z|]*\b')

# What a column holds, so that a flip changes a fact and not a cell that nobody can read. bits: the bits that are facts.
COLUMNS = {
    "U": ["element", ("bits", 2, 4, 8), ("bits", 2, 4, 8), ("bits", 2, 4), ("bits", 1, 2), "inclusion", "inclusion", "inclusion",
          ("bits", 2, 4, 8, 16), ("bits", 2, 4, 8, 16), "number", "number", "used", "number", "number", ("bits", 1)],
    "V": ["", ("bits", 1, 2, 4, 8), "format", "word", "flags", "number", "number", "number", "number", "number", "used", "used",
          "number", "number", "min_items", "max_items", "number", "key", "key"],
    "RESERVED": ["number", "number", "", "word"],
    "P": ["word", "element"], "E": ["", "string", "word"], "CODES": ["", "string"], "COUNTRY": ["string"],
    "CURRENCY": ["string", "string", "number"], "C": ["", "condition"]}


def other_char(c, rnd):
    pool = "0123456789" if c.isdigit() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c.isupper() else "abcdefghijklmnopqrstuvwxyz"
    return rnd.choice([x for x in pool if x != c])


def flip_text(text, rnd):
    at = [k for k in range(1, len(text) - 1) if text[k].isalnum()]
    if not at:
        return None
    k = rnd.choice(at)
    return text[:k] + other_char(text[k], rnd) + text[k + 1:]


def flip_cell(kind, text, column, rnd):
    """The cell's other text, or None when nothing could notice. column: what stands there in other rows."""
    if isinstance(kind, tuple):
        return str(int(text) ^ rnd.choice(kind[1:]))
    if kind == "number" and text.lstrip("-").isdigit():
        n = int(text)
        if n == 99:  # the last value there is
            return "98"
        return str(rnd.choice([n + 1, n - 1])) if n > 0 else None
    if kind in ("used", "min_items", "max_items", "key"):  # 0: not in use
        return str(int(text) + 1) if text.isdigit() and int(text) > 0 else None
    if kind == "string":
        return flip_text(text, rnd)
    if kind == "inclusion":
        return {"R": "O", "O": "R", "C": "R"}[text]
    if kind in ("element", "word", "format"):
        others = sorted(c for c in column if c != text and c[0].isalpha())
        return rnd.choice(others) if others else None
    if kind == "flags":
        return "TDS_VF_UNIQUE" if text == "0" else "0"
    return None


def flip_condition(line, rnd):
    spots = list(re.finditer(r'&&|\|\||(?<=, )!?(?=IN|HAS)|"[^"]+"', line))
    if not spots:
        return None
    spot = rnd.choice(spots)
    new = {"&&": "||", "||": "&&", "": "!", "!": ""}.get(spot.group()) or flip_text(spot.group(), rnd)
    return new and line[:spot.start()] + new + line[spot.end():]


def unseen(name, i, cells, section):
    """Would nobody see another value there, because something else in the row says the same?"""
    if name == "U":
        always = set(cells[5:8]) == {"R"}
        return (i == 15 and cells[10] == "0") or (i == 4 and section != "CRes") or (i == 8 and always)
    if name == "V":  # a closed list of codes, a fixed format: the length is said twice
        return cells[9] != "0" and i in (1, 5, 6)
    return False


def section_of(lines, at):
    """The message or object whose rows these are: the last comment above."""
    for line in reversed(lines[:at]):
        if line.startswith("/*"):
            return line.strip("/* ")
    return ""


def flip_line(line, lines, rnd, section):
    """The line with one cell changed, or None."""
    name = line.split("(")[0]
    if name == "C":
        return flip_condition(line, rnd)
    if name not in COLUMNS:
        return None
    cells = [t for t in TOKEN.finditer(line)][1:]
    if len(cells) != len(COLUMNS[name]):
        return None
    i = rnd.randrange(len(cells))
    if unseen(name, i, [c.group() for c in cells], section):
        return None
    same = [[t.group() for t in TOKEN.finditer(x)][1:] for x in lines if x.split("(")[0] == name]
    new = flip_cell(COLUMNS[name][i], cells[i].group(), {x[i] for x in same if i < len(x)}, rnd)
    return new and line[:cells[i].start()] + new + line[cells[i].end():]


def table_flips(tree, rnd):
    rows = []
    for name in DEFS:
        with open(os.path.join(tree.work, "shared/msg", name), encoding="utf-8") as f:
            lines = f.read().split("\n")
        rows += [(name, i, lines) for i, x in enumerate(lines) if re.match(r"[A-Z]+\(", x)]
    while True:
        name, i, lines = rnd.choice(rows)
        new = flip_line(lines[i], [x for x in lines if x], rnd, section_of(lines, i))
        if not new or new == lines[i]:
            continue
        path = os.path.join(tree.work, "shared/msg", name)
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines[:i] + [new] + lines[i + 1:]))
        yield f"{name}:{i + 1}: {lines[i].strip()}  ->  {new.strip()}", tree.users(name)
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines))
        tree.compile(tree.users(name))


# ---- elements.json -------------------------------------------------------------------------------

def plus_minus(key):
    def flip(row, rnd):
        old = row[key]
        row[key] = old + rnd.choice([-1, 1]) if old > 1 else old + 1
        return f"{key} {old} -> {row[key]}"
    return flip


def drop(key):
    def flip(row, rnd):
        if len(row[key]) < 2:
            return None
        gone = row[key].pop(rnd.randrange(len(row[key])))
        return f"{key}: without {json.dumps(gone)[:60]}"
    return flip


def remove(key):
    def flip(row, rnd):
        return f"{key} removed: {json.dumps(row.pop(key))[:80]}"
    return flip


def inclusion(row, rnd):
    version = rnd.choice(sorted(row["inclusion"]))
    here = row["inclusion"]
    if isinstance(here[version], list):
        here, key = rnd.choice(here[version]), "inclusion"
    else:
        key = version
    old = here[key]
    here[key] = {"R": "O", "O": "R", "C": "R"}[old]
    return f"inclusion {version} {old} -> {here[key]}"


def other_format(row, rnd):
    old = row["format"]
    row["format"] = rnd.choice([x for x in ("n", "an", "ans", "uuid", "url", "base64url", "date YYYYMMDD") if x != old])
    return f"format {old} -> {row['format']}"


def condition(key):
    def flip(row, rnd):
        old = row[key]
        spots = [m for m in re.finditer(r"==|!=|present|absent|\band\b|\bor\b|(?<=[\[, ])\d\d(?=[\],)]|$)", old)]
        if not spots:
            return None
        spot = rnd.choice(spots)
        new = {"==": "!=", "!=": "==", "present": "absent", "absent": "present", "and": "or", "or": "and"}.get(spot.group())
        row[key] = old[:spot.start()] + (new or "79") + old[spot.end():]
        return f"{key}: {old}  ->  {row[key]}"
    return flip


def reserved(row, rnd):
    item = rnd.choice(row["reserved"])
    old = item["use"]
    item["use"] = "DS" if old == "EMVCo" else "EMVCo"
    return f"reserved {item['range']}: {old} -> {item['use']}"


def array(row, rnd):
    a = row["array"]
    key = rnd.choice([k for k in ("min_items", "max_items", "unique_items") if a.get(k) is not None])
    old = a[key]
    a[key] = not old if key == "unique_items" else old + 1
    return f"array.{key} {old} -> {a[key]}"


def legs(row, rnd):
    leg = rnd.choice(sorted(row["legs"]))
    old = row["legs"][leg]
    row["legs"][leg] = {"R": "C", "C": "R", "absent": "C"}[old]
    return f"legs {leg}: {old} -> {row['legs'][leg]}"


def check(row, rnd):
    old = row["check"]
    if not old.startswith("evaluate"):
        return None
    row["check"] = "sender"
    return f"check {old} -> sender"


FLIPS = {"min": plus_minus("min"), "max": plus_minus("max"), "min_value": plus_minus("min_value"),
         "max_value": plus_minus("max_value"), "key_max": plus_minus("key_max"), "max_total_chars": plus_minus("max_total_chars"),
         "values": drop("values"), "reserved": reserved, "versions": drop("versions"), "channels": drop("channels"),
         "categories": drop("categories"), "variants": drop("variants"), "inclusion": inclusion, "format": other_format,
         "pattern": remove("pattern"), "absent_when": remove("absent_when"), "cross_checks": drop("cross_checks"),
         "accept_any": remove("accept_any"), "when": condition("when"), "check": check, "legs": legs, "array": array}


def element_flips(tree, rnd):
    path = os.path.join(tree.work, "shared/msg/spec/elements.json")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    spots = []
    data = json.loads(text)
    for kind in ("messages", "objects"):
        for table, body in data[kind].items():
            if body.get("informative"):
                continue
            for i, e in enumerate(body["elements"]):
                spots += [(kind, table, i, None, key) for key in FLIPS if key in e]
                spots += [(kind, table, i, v, key) for v, o in (e.get("overrides") or {}).items() if o
                          for key in FLIPS if o.get(key) is not None]
    gen = os.path.join(tree.work, "shared/msg/gen/tds_msg_gen.py")
    sources = [s for s in tree.objects if "/shared/msg/" in s or "/tests/" in s]
    while True:
        kind, table, i, version, key = rnd.choice(spots)
        data = json.loads(text)
        element = data[kind][table]["elements"][i]
        said = FLIPS[key](element["overrides"][version] if version else element, rnd)
        if not said:
            continue
        with open(path, "w", encoding="utf-8") as f:
            json.dump(data, f)
        if subprocess.run([sys.executable, gen], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            yield f"{table}.{element['name']}{' ' + version if version else ''}: {said}", sources
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)


# ---- the whole -----------------------------------------------------------------------------------

def main():
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(10 ** 6)
    if what not in ("tables", "elements"):
        sys.exit(__doc__)
    work = tempfile.mkdtemp(prefix="tds-mutate.")
    try:
        tree = Tree(work, ALL if what == "tables" else GOLDEN)
        for script, cases in (("golden/expand.py", "examples.cases"), ("derived/derive.py", "derived.cases")):
            subprocess.run([sys.executable, os.path.join(work, "tests", script), os.path.join(work, cases)], check=True,
                           stdout=subprocess.DEVNULL)
        assert tree.compile(list(tree.objects)) and tree.link(), "the sources do not compile"
        assert tree.seen_by() is None, "a test fails without any flip"
        print(f"{wanted} flips in {what}, seed {seed}", flush=True)
        count(tree, (table_flips if what == "tables" else element_flips)(tree, random.Random(seed)), wanted)
    finally:
        shutil.rmtree(work)


def count(tree, flips, wanted):
    caught = tried = 0
    for said, sources in flips:
        if not tree.compile(sources) or not tree.link():
            continue
        tried += 1
        by = tree.seen_by()
        caught += by is not None
        print(f"{'caught by ' + by if by else 'SURVIVED'}: {said}", flush=True)
        if tried == wanted:
            break
    print(f"{caught} of {tried} caught", flush=True)


main()
