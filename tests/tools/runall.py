"""Builds, runs and counts. Called by ./runtests.

Stages: release  clang, no test points: builds without a warning, unit tests, checks of the tree and of both modules
        plain    gcc, test points: unit tests, integration tests, conformance cases, browser tests
        asan     gcc with AddressSanitizer and UBSan, test points: unit tests, integration tests but the crash matrix (who is
                 killed tells nothing of memory, and all its flows run elsewhere) and those that compare times
        full     what is too long for every run (tests/integration/full): not part of a run without arguments
"""
import concurrent.futures
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SANITIZER_FLAGS = {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:detect_odr_violation=0",
                   "UBSAN_OPTIONS": "print_stacktrace=1"}


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.unsteady = []  # passed when they were run once more

    def add(self, passed=0, failed=0, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped


tally = Tally()


def run(what, argv, cwd, env=None, timeout=1500):
    """(return code, output). A process group of its own, so that nothing stays behind after a time-out."""
    start = time.monotonic()
    p = subprocess.Popen(argv, cwd=cwd, env=dict(os.environ, **(env or {})), stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                         start_new_session=True)
    try:
        out = p.communicate(timeout=timeout)[0]
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        out = p.communicate()[0] + f"\nstopped after {timeout} s\n"
    print(f"--- {what}: {time.monotonic() - start:.0f} s, exit code {p.returncode}", flush=True)
    return p.returncode, out


def show(out, lines=120):
    print("\n".join(out.splitlines()[-lines:]), flush=True)


def build(name, work, *args, env=None):
    directory = os.path.join(work, name)
    os.makedirs(directory)
    for what, argv in (("configure", [os.path.join(TOP, "configure"), "-q", "--enable-werror", *args]),
                       ("make", ["make", "-s", f"-j{os.cpu_count()}"])):
        rc, out = run(f"{name}: {what}", argv, directory, env)
        if rc:
            show(out)
            tally.add(failed=1)
            return None
        if "warning:" in out:
            show(out)
            tally.add(failed=1)
    tally.add(passed=1)
    return directory


def unit(name, directory, env=None):
    env = dict(env or {}, TDS_DERIVED=os.path.join(os.path.dirname(directory), "derived.cases"))  # made once
    rc, out = run(f"{name}: unit tests", ["make", "-s", "check", f"-j{os.cpu_count()}"], directory, env)
    passed = failed = skipped = 0
    for path in glob.glob(os.path.join(directory, "tests/unit/*.log")):
        with open(path, encoding="utf-8", errors="replace") as f:
            text = f.read()
        passed += sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", text))
        failed += sum(int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test", text))
        skipped += sum(int(n) for n in re.findall(r"\[  SKIPPED \] (\d+) test", text))
    if rc or not passed:
        failed = failed or 1
        show(out)
        for path in glob.glob(os.path.join(directory, "tests/unit/*.trs")):
            with open(path, encoding="utf-8", errors="replace") as f:
                bad = ":test-result: FAIL" in f.read()
            if bad:
                with open(path[:-4] + ".log", encoding="utf-8", errors="replace") as f:
                    show(f.read(), 60)
    print(f"    {passed} passed, {failed} failed, {skipped} skipped")
    tally.add(passed, failed, skipped)


NEVER_TWICE = r"test_acs_crash\.py|test_acs_nodes\.py|race"  # what fails there once has failed
UNSTEADY_MAX = 2  # tests of one stage that may need a second try on a machine that others use too


def counts(report):
    """(passed, failed, skipped) of a JUnit report."""
    passed = failed = skipped = 0
    if os.path.exists(report):
        for suite in ET.parse(report).getroot().iter("testsuite"):
            bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skips = int(suite.get("skipped", 0))
            failed, skipped = failed + bad, skipped + skips
            passed += max(0, int(suite.get("tests", 0)) - bad - skips)
    return passed, failed, skipped


ALONE = ["test_payment.py", "test_acs_fairness.py", "test_acs_codes.py", "test_acs_operator.py"]  # crowds; times compared
FIRST = ["test_acs_crash.py", "test_results.py", "test_acs_issuer.py"]  # long, and mostly waiting
WORKERS = 2


def pytest_once(name, files, work, env):
    """The outputs, return codes and reports of files (or ids of tests), each in a process of its own."""
    where = os.path.join(TOP, "tests/integration")

    def one(what):
        report = os.path.join(work, re.sub(r"\W", "_", what)[:100] + ".xml")
        if os.path.exists(report):
            os.unlink(report)
        rc, out = run(f"{name}: {what}", ["/usr/bin/python3", "-m", "pytest", "-q", f"--junitxml={report}", what], where, env)
        return rc, out, counts(report)

    alone = [f for f in files if f.split("::")[0] in ALONE]
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(one, [f for f in files if f not in alone]))
    return found + [one(f) for f in alone]


def pytest(name, directory, work, env=None, without=()):
    """A test that fails is run once more, alone, and said to be unsteady when it passes then; more than two are failures."""
    env = dict(env or {}, TDS_BUILD=directory)
    files = sorted(os.path.basename(f) for f in glob.glob(os.path.join(TOP, "tests/integration/test_*.py")))
    files = [f for f in FIRST if f in files] + [f for f in files if f not in FIRST]
    found = pytest_once(name, [f for f in files if f not in without], work, env)
    passed, failed, skipped = (sum(c[i] for _, _, c in found) for i in range(3))
    broken = [out for rc, out, c in found if (rc and not c[1]) or not sum(c)]
    for rc, out, _ in found:
        if rc:
            show(out)
    bad = sorted({x for rc, out, _ in found if rc == 1 for x in re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", out, re.M)})
    if not broken and 0 < len(bad) <= UNSTEADY_MAX and not any(re.search(NEVER_TWICE, x) for x in bad):
        print("\n".join("    unsteady: " + x for x in bad))
        again = [pytest_once(name, [x], work, env)[0] for x in bad]
        if all(rc == 0 and c[0] == 1 for rc, _, c in again):
            passed, failed = passed + len(bad), 0
            tally.unsteady += bad
        for rc, out, _ in again:
            if rc:
                show(out)
    print(f"    {passed} passed, {failed + len(broken)} failed, {skipped} skipped")
    tally.add(passed, failed + len(broken), skipped)


def lines(name, what, argv, cwd, env=None):
    """A program that prints a line per test: "ok ...", "not ok ..." or "FAIL ...", "skip ..."."""
    rc, out = run(f"{name}: {what}", argv, cwd, env)
    passed = len(re.findall(r"^ok\b", out, re.M))
    failed = len(re.findall(r"^(?:not ok|FAIL)\b", out, re.M))
    skipped = len(re.findall(r"^skip\b", out, re.M))
    if rc or not passed:
        failed = failed or 1
        show(out)
    print(f"    {passed} passed, {failed} failed, {skipped} skipped")
    tally.add(passed, failed, skipped)


def browser(directory):
    where = os.path.join(TOP, "tests/browser")
    rc, out = run("browser: npm ci", ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], where, timeout=300)
    if rc:
        show(out)
        tally.add(failed=1)
        return
    lines("browser", "chromium", ["/usr/bin/python3", "run.py"], where, {"TDS_BUILD": directory})


def stage_release(work):
    directory = build("release", work, "CC=clang")
    if not directory:
        return
    unit("release", directory)
    lines("release", "checks", ["make", "-s", "checks"], directory)


def stage_plain(work):
    directory = build("plain", work, "--enable-test-points")
    if directory:
        unit("plain", directory)
        pytest("plain", directory, work)
        lines("plain", "conformance", ["/usr/bin/python3", "tests/conformance/run.py", "--lines", "--again"], TOP,
              {"TDS_BUILD": directory})
        browser(directory)


def stage_asan(work):
    directory = build("asan", work, "--enable-test-points", "--enable-sanitizers")
    if not directory:
        return
    library = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True).stdout.strip()
    unit("asan", directory, {"ASAN_OPTIONS": "detect_leaks=1", **{"UBSAN_OPTIONS": SANITIZER_FLAGS["UBSAN_OPTIONS"]}})
    pytest("asan", directory, work, dict(SANITIZER_FLAGS, TDS_PRELOAD=library), without=["test_acs_crash.py", "test_acs_fairness.py"])


def stage_full(work):
    directory = build("full", work, "--enable-test-points")
    if directory:
        rc, out = run("full: tests", ["/usr/bin/python3", "-m", "pytest", "-q", f"--junitxml={work}/full.xml", "full"],
                      os.path.join(TOP, "tests/integration"), {"TDS_BUILD": directory}, timeout=3600)
        if rc:
            show(out)
        passed, failed, skipped = counts(os.path.join(work, "full.xml"))
        tally.add(passed, failed or (1 if rc or not passed else 0), skipped)


ALWAYS = {"release": stage_release, "plain": stage_plain, "asan": stage_asan}
STAGES = {**ALWAYS, "full": stage_full}


def main():
    names = sys.argv[1:] or list(ALWAYS)
    if set(names) - set(STAGES):
        sys.exit(__doc__)
    start, work = time.monotonic(), tempfile.mkdtemp(prefix="tds-runtests-")
    os.chmod(work, 0o755)
    try:
        rc, out = run("autoreconf", ["autoreconf", "-fi"], TOP)
        if rc:
            show(out)
            tally.add(failed=1)
        else:
            for name in names:
                STAGES[name](work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{time.monotonic() - start:.0f} s; {len(tally.unsteady)} unsteady" + "".join("\n    " + x for x in tally.unsteady))
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    sys.exit(1 if tally.failed or not tally.passed else 0)


if __name__ == "__main__":
    main()
