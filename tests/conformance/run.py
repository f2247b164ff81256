"""All cases of the conformance table against the modules in TDS_BUILD, as a table.

    TDS_BUILD=DIRECTORY python3 run.py [-k ID]... [--version 2.3.1]... [--lines] [--again] [-j N] [-v]

-k takes an id or the beginning of one (CA, CB-0); --lines prints "ok", "not ok" or "skip" per case and version
instead of the table. Failing cases are shown with the messages that were exchanged. Exit code 0 only if no case failed
and every id of ids.txt has a case."""
import argparse
import concurrent.futures
import os
import sys
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE), os.path.join(os.path.dirname(HERE), "integration")]

import expect  # noqa: E402
import model  # noqa: E402

PASS, FAIL, NOT_BUILT = "PASS", "FAIL", "NOT BUILT"
AGAIN_MAX = 3


class Result:
    def __init__(self, case, version, state, why="", log=(), seconds=0.0):
        self.case, self.version, self.state, self.why, self.log, self.seconds = case, version, state, why, log, seconds


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", action="append", default=[], metavar="ID")
    parser.add_argument("--version", action="append", default=[], choices=model.VERSIONS)
    parser.add_argument("--lines", action="store_true")
    parser.add_argument("-j", type=int, default=8, metavar="N", help="cases at a time")
    parser.add_argument("--again", action="store_true", help="a few that fail are run once more, alone")
    parser.add_argument("-v", action="store_true", help="messages of passing cases, too")
    return parser.parse_args()


def run_one(world, case, version, functions, kinds):
    """One case in one version."""
    start = time.monotonic()
    run = None
    try:
        run = kinds[case.component](world, case, version, functions)
        run.run()
        state, why = PASS, ""
    except expect.Mismatch as e:
        state, why = FAIL, str(e)
    except Exception as e:
        state, why = FAIL, f"{type(e).__name__}: {e}"
        if run:
            run.log.append(traceback.format_exc())
        else:
            traceback.print_exc()
    finally:
        if run:
            run.close()
    return Result(case, version, state, why, run.log if run else [], time.monotonic() - start)


def guarded_again(run_pair, failed):
    """The second try of a case that other work on the machine may have disturbed."""
    second = run_pair((failed.case, failed.version))
    if second.state == PASS:
        print(f"unsteady: {failed.case.id} {failed.version}: {failed.why}")
    return second


def run_all(cases, versions, jobs, again):
    """Results of what is built; cases of one "serial" group never at the same time."""
    from acs import AcsRun
    from srv import SrvRun
    from world import World
    import steps
    kinds, locks = {"A": AcsRun, "S": SrvRun}, {}
    world = World()
    try:
        world.node("main")  # what keeps it from starting is no fault of each case
    except BaseException:
        world.close()
        raise
    todo = [(c, v) for c in cases if c.steps for v in c.versions if v in versions]
    todo.sort(key=lambda cv: "sleep" not in str(cv[0].steps) and cv[0].node != "short")  # what waits begins first
    lock_all = threading.Lock()

    def guarded(pair):
        case, version = pair
        with lock_all:
            lock = locks.setdefault(case.serial or object(), threading.Lock())
        with lock:
            return run_one(world, case, version, steps.FUNCTIONS, kinds)
    try:
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            results = list(pool.map(guarded, todo))
        if again and sum(r.state == FAIL for r in results) <= AGAIN_MAX:
            results = [guarded_again(guarded, r) if r.state == FAIL else r for r in results]
        return results, world.verdict()
    finally:
        left = world.close()
        if left:
            print("left behind:", left)


def show_failures(results, everything):
    """The messages that were exchanged, of failing cases or of all."""
    for r in results:
        if r.state == FAIL or everything:
            print(f"--- {r.case.id} {r.version}: {r.case.title}\n    {r.state}: {r.why}   [{', '.join(r.case.rules)}]")
            for line in r.log:
                print("    " + line.replace("\n", "\n    "))


def row_of(case, results):
    """(versions, state, remark) for each group of versions with the same state."""
    rows = {}
    for r in results:
        rows.setdefault((r.state, r.why if r.state != PASS else ""), []).append(r.version)
    return [(",".join(v), state, why) for (state, why), v in rows.items()]


def show_table(cases, results):
    by_case = {}
    for r in results:
        by_case.setdefault(r.case.id, []).append(r)
    for case in cases:
        name = case.id + ("*" if case.doubtful else "")
        for versions, state, why in row_of(case, by_case.get(case.id, [])):
            text = why or case.title + (f" (without {case.partly}: not built)" if case.partly else "")
            word = "PASS part" if state == PASS and case.partly else state
            print(f"{name:8} {case.component}  {versions:18} {word:10} {text}"[:200])


def show_totals(results):
    def line(name, picked):
        n = {s: sum(r.state == s for r in picked) for s in (PASS, FAIL, NOT_BUILT)}
        part = sum(r.state == PASS and bool(r.case.partly) for r in picked)
        print(f"{name:14} {n[PASS]:4} passed {n[FAIL]:4} failed {n[NOT_BUILT]:4} not built" +
              (f"   ({part} of the passed in part)" if part else ""))
    prefixes = sorted({r.case.id[:2] for r in results})
    for prefix in prefixes:
        line(prefix, [r for r in results if r.case.id.startswith(prefix)])
    for component, name in (("A", "ACS"), ("S", "3DS Server")):
        line(name, [r for r in results if r.case.component == component])
    line("all", results)


def show_lines(results):
    word = {PASS: "ok", FAIL: "not ok", NOT_BUILT: "skip"}
    for r in results:
        why = f" # {r.why}" if r.why else f" # without {r.case.partly}" if r.case.partly else ""
        print(f"{word[r.state]} {r.case.id} {r.version}{why}")


def main():
    args = arguments()
    everything = model.load_cases()
    faults = model.table_faults(everything, model.load_ids())
    cases = [c for c in everything if not args.k or any(c.id.startswith(k.rstrip("*")) for k in args.k)]
    versions = args.version or model.VERSIONS
    start = time.monotonic()
    ran, verdict = run_all(cases, versions, args.j, args.again) if any(c.steps for c in cases) else ([], [])
    order = {c.id: i for i, c in enumerate(cases)}
    results = ran + [Result(c, v, NOT_BUILT, c.not_built) for c in cases if c.not_built
                     for v in c.versions if v in versions]
    results.sort(key=lambda r: (order[r.case.id], r.version))
    if args.lines:
        show_lines(results)
    show_failures(ran, args.v)
    if not args.lines:
        show_table(cases, results)
    for fault in faults + verdict:
        print("FAIL " + fault)
    show_totals(results)
    print(f"{time.monotonic() - start:.0f} s")
    failed = any(r.state == FAIL for r in results)
    sys.exit(1 if failed or faults or verdict or not results else 0)


if __name__ == "__main__":
    main()
