"""make fuzz: build the fuzz targets with clang, ASan and UBSan, and run each for a while, one after the other.

    python3 tests/fuzz/run.py [--seconds 60] [--runs N] [--targets decode,pres] [--work DIR] [--keep] [--coverage]

--seconds and --runs are limits per target (whichever comes first). What is found is in WORK/TARGET-crash-*; WORK/TARGET
is the corpus as it grows. --keep: put what adds coverage, minimised, into tests/fuzz/corpus. --coverage: no fuzzing; run
the committed corpus and print the coverage of the codec.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CORPUS = os.path.join(HERE, "corpus")
TARGETS = {  # largest input, dictionary
    "decode": (4000, "json.dict"), "pres": (1500, "json.dict"), "form": (600, "form.dict"), "b64": (200, None), "redis": (2000, None), "rec": (1000, None),
    "tmpl": (500, "tmpl.dict"), "api": (1500, "json.dict"), "acs": (300, "json.dict")}
CODEC = ["shared/msg", "shared/core/tds_json.c", "shared/core/tds_json_scan.c", "shared/core/tds_json_push.c"]


def build(work, kind, flags, targets, program):
    directory = os.path.join(work, kind)
    os.makedirs(directory, exist_ok=True)
    if not os.path.exists(os.path.join(directory, "Makefile")):
        subprocess.run([os.path.join(TOP, "configure"), "-q", "CC=clang", *flags], cwd=directory, check=True)
    subprocess.run(["make", "-s", f"-j{os.cpu_count()}", *(f"tests/fuzz/{program}_{t}" for t in targets)], cwd=directory,
                   check=True)
    return directory


def fuzz(directory, work, name, args):
    longest, words = TARGETS[name]
    grown = os.path.join(work, name)
    os.makedirs(grown, exist_ok=True)
    limits = [f"-max_len={longest}", f"-max_total_time={args.seconds}", "-timeout=20", "-rss_limit_mb=4000"]
    if name in ("api", "acs"):  # its world outlives an execution
        limits.append("-detect_leaks=0")
    if args.runs:
        limits.append(f"-runs={args.runs}")
    if words:
        limits.append("-dict=" + os.path.join(HERE, words))
    done = subprocess.run(
        [os.path.join(directory, "tests/fuzz/fuzz_" + name), *limits, f"-artifact_prefix={work}/{name}-",
         "-print_final_stats=1", grown, os.path.join(work, "seeds", name), os.path.join(CORPUS, name)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
    with open(os.path.join(work, name + ".log"), "w", encoding="utf-8") as f:
        f.write(done.stderr)
    executions = re.search(r"number_of_executed_units: *(\d+)", done.stderr)
    coverage = re.findall(r"cov: (\d+) ft: (\d+)", done.stderr)
    cov, features = coverage[-1] if coverage else ("?", "?")
    print(f"{name:8}{executions.group(1) if executions else '?':>12} executions, {cov} edges, {features} features"
          f"{'' if done.returncode == 0 else '   FAILED, see ' + os.path.join(work, name + '.log')}", flush=True)
    return done.returncode == 0


def keep(directory, work, name):
    committed, small = os.path.join(CORPUS, name), os.path.join(work, name + ".min")
    shutil.rmtree(small, ignore_errors=True)
    os.makedirs(small)
    subprocess.run([os.path.join(directory, "tests/fuzz/fuzz_" + name), "-set_cover_merge=1", "-detect_leaks=0",
                    f"-max_len={TARGETS[name][0]}", small, committed, os.path.join(work, name),
                    os.path.join(work, "seeds", name)], check=True, stderr=subprocess.DEVNULL)
    for entry in os.scandir(committed):
        if not entry.name.startswith("regression-"):
            os.unlink(entry.path)
    for entry in os.scandir(small):
        shutil.copy(entry.path, committed)


def coverage(work, targets):
    directory = build(work, "coverage", ["CFLAGS=-g -O0 -fprofile-instr-generate -fcoverage-mapping",
                                         "LDFLAGS=-fprofile-instr-generate"], targets, "replay")
    profiles = []
    for name in targets:
        profiles.append(os.path.join(work, name + ".profraw"))
        subprocess.run([os.path.join(directory, "tests/fuzz/replay_" + name)], check=True,
                       env={**os.environ, "LLVM_PROFILE_FILE": profiles[-1]})
    merged = os.path.join(work, "all.profdata")
    subprocess.run(["llvm-profdata-14", "merge", "-o", merged, *profiles], check=True)
    programs = [os.path.join(directory, "tests/fuzz/replay_" + t) for t in targets]
    objects = [programs[0], *(w for p in programs[1:] for w in ("-object", p))]
    subprocess.run(["llvm-cov-14", "report", *objects, "-instr-profile=" + merged, "-show-region-summary=false",
                    *(os.path.join(TOP, path) for path in CODEC)], check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--targets", default=",".join(TARGETS))
    parser.add_argument("--work", default="fuzz-work")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--coverage", action="store_true")
    args = parser.parse_args()
    targets, work = args.targets.split(","), os.path.abspath(args.work)
    os.makedirs(work, exist_ok=True)
    if args.coverage:
        coverage(work, targets)
        return 0
    directory = build(work, "build", ["--enable-fuzzers", "--enable-werror"], targets, "fuzz")
    subprocess.run([sys.executable, os.path.join(HERE, "seeds.py"), os.path.join(work, "seeds"), *targets], check=True,
                   stdout=subprocess.DEVNULL)
    good = [fuzz(directory, work, name, args) for name in targets]
    if args.keep:
        for name in targets:
            keep(directory, work, name)
    return 0 if all(good) else 1


sys.exit(main())
