"""make bench-codec: the codec against the bare jansson parse of the same bytes, in one run.

Per message type and version: decode and check of a golden message of middling size and of the largest one.
Then a PRes of 200 MB, streamed, checked and made a snapshot of card ranges, against one json_loadb() of it; each in a
process of its own, in turn. Aims: a 2.2.0 browser AReq at most 1.5 times the parse, a PRes at most 1.0 times, with less
than 64 MB beyond the snapshot.
"""
import glob
import json
import os
import statistics
import subprocess
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(os.environ.get("TDS_BUILD", "."))
VERSIONS = ("2.1.0", "2.2.0", "2.3.1")
TYPES = ("AReq", "ARes", "CReq", "CRes", "RReq", "RRes", "PReq", "PRes", "OReq", "ORes", "Erro")
ROUNDS, BYTES = 5, 200_000_000


def good(path):
    """A message that is good as it stands, without what a context file says about the transaction."""
    try:
        with open(path, "rb") as f:
            json.load(f)
    except ValueError:
        return False
    return True


def messages():
    """Per version and type: one of middling size, and the largest."""
    files = []
    for version in VERSIONS:
        for kind in TYPES:
            found = [f for f in glob.glob(os.path.join(TESTS, "golden", version, kind, "ok-*", "input.json"))
                     if not any(word in f for word in ("erro", "leg", "bom")) and good(f)]
            found.sort(key=os.path.getsize)
            files += dict.fromkeys(os.path.relpath(f, TESTS) for f in (found[len(found) // 2:][:1] + found[-1:]))
    return files


def tool(*words, **more):
    return subprocess.run([os.path.join(BUILD, "tests/bench/pres"), *words], check=True, **more)


def figures(*words):
    return json.loads(tool(*words, stdout=subprocess.PIPE).stdout)


def big_pres(version):
    with tempfile.NamedTemporaryFile(prefix="pres-") as file:
        tool("generate", version, str(BYTES), stdout=file)
        file.flush()
        rounds = [(figures("parse", file.name), figures("load", file.name, version)) for _ in range(ROUNDS)]
    ratio = statistics.median(b["seconds"] / a["seconds"] for a, b in rounds)
    last = rounds[-1][1]
    beyond = max(b["peak_kb"] - b["before_kb"] - b["snapshot_kb"] for _, b in rounds) / 1024
    print(f"PRes {version}: {BYTES // 1000000} MB, {last['items']} items, {last['ranges']} ranges: parse "
          f"{statistics.median(a['seconds'] for a, _ in rounds):.2f} s, load "
          f"{statistics.median(b['seconds'] for _, b in rounds):.2f} s, ratio {ratio:.2f}; snapshot "
          f"{last['snapshot_kb'] / 1024:.1f} MB ({last['snapshot_kb'] * 1024 / last['ranges']:.1f} bytes per range), "
          f"peak beyond it {beyond:.1f} MB; the parse took {rounds[-1][0]['peak_kb'] / 1024:.0f} MB", flush=True)


def main():
    print("\ndecode and check against the bare jansson parse", flush=True)
    subprocess.run([os.path.join(BUILD, "tests/bench/decode"), *messages()], check=True, cwd=TESTS)
    print(f"\na large PRes against one json_loadb(), {ROUNDS} rounds", flush=True)
    for version in ("2.2.0", "2.3.1"):
        big_pres(version)


if __name__ == "__main__":
    main()
