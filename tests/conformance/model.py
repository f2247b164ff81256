"""Cases and base messages as data, and the small language in which they are written (see ../README.md)."""
import copy
import datetime
import glob
import json
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
VERSIONS = ("2.1.0", "2.2.0", "2.3.1")
SHORT = {"21": "2.1.0", "22": "2.2.0", "23": "2.3.1"}


class Case:
    """One row of the conformance table."""

    MEMBERS = {"id", "component", "versions", "title", "rules", "doubtful", "steps", "not_built", "partly", "serial",
               "node", "note"}

    def __init__(self, data):
        unknown = set(data) - self.MEMBERS
        if unknown:
            raise ValueError(f"{data.get('id')}: unknown members {sorted(unknown)}")
        self.id, self.component, self.title = data["id"], data["component"], data["title"]
        self.versions = VERSIONS if data["versions"] == "all" else tuple(data["versions"])
        self.rules, self.doubtful = data["rules"], data.get("doubtful", False)
        self.steps, self.not_built, self.partly = data.get("steps"), data.get("not_built"), data.get("partly")
        self.serial, self.node = data.get("serial"), data.get("node", "main")
        if bool(self.steps) == bool(self.not_built):
            raise ValueError(f"{self.id}: either steps or not_built")


def load_cases():
    cases = []
    for path in sorted(glob.glob(os.path.join(HERE, "cases", "*.json"))):
        with open(path, encoding="utf-8") as f:
            cases += [Case(c) for c in json.load(f)]
    return cases


def load_ids():
    """{id: (component, versions, doubtful)} of the table."""
    ids = {}
    with open(os.path.join(HERE, "ids.txt"), encoding="utf-8") as f:
        for line in f:
            if line.startswith("#"):
                continue
            name, component, versions = line.split()
            ids[name.rstrip("*")] = (component, tuple(SHORT[v] for v in versions.split(",")), name.endswith("*"))
    return ids


def table_faults(cases, ids):
    """Sentences about what the cases and the table do not agree on."""
    faults, seen = [], set()
    for case in cases:
        if case.id in seen:
            faults.append(f"{case.id} is there twice")
        seen.add(case.id)
        if case.id not in ids:
            faults.append(f"{case.id} is not in the table")
        elif ids[case.id] != (case.component, case.versions, case.doubtful):
            faults.append(f"{case.id}: component, versions or doubt are not those of the table: {ids[case.id]}")
    return faults + [f"{name} has no case" for name in ids if name not in seen]


_bases = {}


def base(version, name):
    key = (version, name)
    if key not in _bases:
        with open(os.path.join(HERE, "base", version, name + ".json"), encoding="utf-8") as f:
            _bases[key] = json.load(f)
    return copy.deepcopy(_bases[key])


def for_version(value, version):
    """{"by_version": {"2.3.1": X, "else": Y}} becomes X or Y, at any depth."""
    if isinstance(value, dict):
        if set(value) == {"by_version"}:
            choice = value["by_version"]
            return for_version(choice[version] if version in choice else choice["else"], version)
        return {k: for_version(v, version) for k, v in value.items()}
    if isinstance(value, list):
        return [for_version(v, version) for v in value]
    return value


def compact_time(offset=""):
    """Now as YYYYMMDDHHMMSS; offset: +31m, -31m."""
    minutes = int(offset.rstrip("m") or 0)
    return (datetime.datetime.utcnow() + datetime.timedelta(minutes=minutes)).strftime("%Y%m%d%H%M%S")


def resolved(value, lookup):
    """Texts that begin with $ become what lookup makes of them, at any depth."""
    if isinstance(value, dict):
        return {k: resolved(v, lookup) for k, v in value.items()}
    if isinstance(value, list):
        return [resolved(v, lookup) for v in value]
    if isinstance(value, str) and re.match(r"\$[A-Za-z]", value):
        return lookup(value[1:])
    return value


def _walk(message, path):
    """(the object that holds the last part of path, that part); numbers are indices of arrays."""
    parts = path.split(".")
    for part in parts[:-1]:
        message = message[int(part)] if isinstance(message, list) else message.setdefault(part, {})
    return message, (int(parts[-1]) if isinstance(message, list) else parts[-1])


def changed(message, arg):
    """message with "set" (by path), "rename" and "delete" done to it."""
    for path, value in arg.get("set", {}).items():
        holder, last = _walk(message, path)
        holder[last] = value
    for old, new in arg.get("rename", {}).items():
        message = {new if k == old else k: v for k, v in message.items()}
    for path in arg.get("delete", ()):
        holder, last = _walk(message, path)
        del holder[last]
    return message


def encoded(message, arg):
    """The bytes on the wire: "body" instead of the message, or the message with "replace" done to its text."""
    if "body" in arg:
        return arg["body"].encode(arg.get("encoding", "utf-8"))
    text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
    for old, new in arg.get("replace", ()):
        if old not in text:
            raise ValueError(f"replace: {old!r} is not in the message")
        text = text.replace(old, new, 1)
    return text.encode(arg.get("encoding", "utf-8"))


def parsed(raw):
    """The object in raw, or None."""
    try:
        value = json.loads(raw)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def member(message, path):
    """The value at path, or None."""
    for part in path.split("."):
        if isinstance(message, list):
            message = message[int(part)] if int(part) < len(message) else None
        elif isinstance(message, dict):
            message = message.get(part)
        else:
            return None
    return message
