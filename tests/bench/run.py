"""make bench: AReq to ARes (frictionless) against a ceiling and a floor in the same httpd, in one run.

ceiling  a handler that reads the same body and answers the same number of bytes
floor    the same, plus one jansson parse and one SET NX PX of the same size
areq     mod_acs

All over mTLS on kept connections with distinct messages. The main figure is CPU time per request of httpd and Redis
together; throughput and latency stand beside it. Only the ratios mean something: each is that of a round, in which the
three follow each other, and the median of the rounds is printed.

    python3 tests/bench/run.py [--rounds N] [--seconds S] [--connections 8,64] [--log-level info] [--memory N]
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [HERE, TESTS, os.path.join(TESTS, "integration")]

from lab.httpd import CHALLENGE, FRICTIONLESS  # noqa: E402
from lab.lab import Lab  # noqa: E402
import codec  # noqa: E402

BUILD = os.environ.get("TDS_BUILD", ".")
KINDS = ("ceiling", "floor", "areq")
TICK = os.sysconf("SC_CLK_TCK")


def cpu(pids):
    """Seconds of CPU time that the processes have had."""
    total = 0.0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / TICK
    return total


class Load:
    """One run of the load generator; cpu time is read while its connections stand still."""

    def __init__(self, bench, path, template, connections, expect, *more):
        pki = bench.lab.pki
        self.bench = bench
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "tests/bench/load"), "--port", str(bench.node.ds_port), "--path", path, "--ca",
             pki.ca("ds-ca"), "--cert", pki.both("ds-client"), "--connections", str(connections), *expect, *more, template],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def line(self):
        text = self.process.stdout.readline()
        if not text:
            raise RuntimeError("the load generator has ended")
        return text

    def go(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def run(self):
        self.line()
        before = self.bench.times()
        self.go()
        result = json.loads(self.line())
        after = self.bench.times()
        self.go()
        self.process.wait()
        n = max(1, result["requests"])
        result["httpd"] = (after[0] - before[0]) / n * 1e6
        result["redis"] = (after[1] - before[1]) / n * 1e6
        result["cpu"] = result["httpd"] + result["redis"]
        return result


class Bench:
    def __init__(self, args):
        self.args = args
        self.lab = Lab()
        self.redis = self.lab.redis.client
        self.node = None

    def template(self, pan):
        path = os.path.join(self.lab.directory, f"areq-{pan[-2:]}.json")
        with open(path, "w", encoding="utf-8") as f:
            f.write(json.dumps(self.lab.areq(pan), separators=(",", ":")))
        return path

    def one(self, pan):
        """An AReq by hand: lengths of message, answer and stored value."""
        message = self.lab.areq(pan)
        answer = self.lab.ds.post_acs(message)
        key = next(k for k in self.redis.scan_iter(f"acs:*{answer.json()['acsTransID']}"))
        return len(json.dumps(message, separators=(",", ":"))), len(answer.body), self.redis.strlen(key)

    def start(self):
        module = os.path.join(BUILD, "tests/bench/.libs/mod_bench.so")
        main = ["MaxKeepAliveRequests 0", "KeepAliveTimeout 60", f"LoadModule bench_module {module}",
                f"BenchStore {self.lab.redis.url}", "BenchBytes 0", "BenchValue 0"]
        main += [f"<Location /bench/{k}>\nSetHandler bench-{k}\n</Location>" for k in KINDS[:2]]
        self.node = self.lab.node("bench", srv=False, threads=64, children=2, children_max=2,
                                  log_level=self.args.log_level, main=main)
        self.sizes = self.one(FRICTIONLESS)
        self.node.options.main[4:6] = [f"BenchBytes {self.sizes[1]}", f"BenchValue {self.sizes[2]}"]
        self.node.stop()
        self.node.start()

    def times(self):
        return cpu(self.node.process.members()), cpu([self.lab.redis.process.pid])

    def load(self, kind, connections, template, *more):
        if kind == "areq":
            expect, path = ("--expect", '"transStatus":"Y"'), "/acs/areq"
        else:
            expect, path = ("--expect-len", str(self.sizes[1])), f"/bench/{kind}"
        return Load(self, path, template, connections, expect, *more).run()

    # what is measured

    def rounds(self, connections):
        template, seen = self.template(FRICTIONLESS), []
        for i in range(self.args.rounds):
            order = KINDS[i % 3:] + KINDS[:i % 3]
            seen.append({k: self.load(k, connections, template, "--seconds", str(self.args.seconds)) for k in order})
            self.redis.flushall()
        return seen

    def print_rounds(self, connections, seen):
        def median(kind, what):
            return statistics.median(r[kind][what] for r in seen)

        def ratio(a, b, what):
            return statistics.median(r[a][what] / r[b][what] for r in seen)

        print(f"\n{connections} connections, {len(seen)} rounds of {self.args.seconds} s each")
        print(f"{'':10}{'req/s':>9}{'CPU us':>8}{'httpd':>8}{'redis':>8}{'p50 us':>9}{'p90':>8}{'p99':>8}{'p99.9':>9}"
              f"{'errors':>8}{'reconn.':>8}")
        for kind in KINDS:
            errors, again = (sum(r[kind][w] for r in seen) for w in ("errors", "reconnects"))
            print(f"{kind:10}{median(kind, 'rps'):9.0f}{median(kind, 'cpu'):8.1f}{median(kind, 'httpd'):8.1f}"
                  f"{median(kind, 'redis'):8.1f}{median(kind, 'p50'):9.0f}{median(kind, 'p90'):8.0f}"
                  f"{median(kind, 'p99'):8.0f}{median(kind, 'p999'):9.0f}{errors:8}{again:8}")
        for other in ("floor", "ceiling"):
            print(f"areq / {other}: CPU per request {ratio('areq', other, 'cpu'):.2f} times, throughput "
                  f"{ratio('areq', other, 'rps'):.2f}, p50 {ratio('areq', other, 'p50'):.2f}, p99 {ratio('areq', other, 'p99'):.2f}; "
                  f"CPU above it {statistics.median(r['areq']['cpu'] - r[other]['cpu'] for r in seen):.1f} us")

    def memory(self, pan, expect):
        self.redis.flushall()
        before = self.redis.info("memory")["used_memory"]
        result = Load(self, "/acs/areq", self.template(pan), 8, ("--expect", expect), "--warm", "0", "--count",
                      str(self.args.memory)).run()
        records = sum(1 for _ in self.redis.scan_iter("acs:*:t:*", count=10000))
        used = self.redis.info("memory")["used_memory"] - before
        value = self.redis.strlen(next(self.redis.scan_iter("acs:*:t:*")))
        return used / max(1, records), records, value, result["errors"]

    def close(self):
        self.lab.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--connections", default="8,64")
    parser.add_argument("--log-level", default="info")
    parser.add_argument("--memory", type=int, default=20000)
    args = parser.parse_args()
    bench = Bench(args)
    try:
        bench.start()
        print("AReq %d bytes, ARes %d bytes, stored value %d bytes; LogLevel %s; 2 children of 64 threads" %
              (*bench.sizes, args.log_level), flush=True)
        for n in (int(c) for c in args.connections.split(",")):
            bench.print_rounds(n, bench.rounds(n))
            sys.stdout.flush()
        print()
        for name, pan, expect in (("frictionless", FRICTIONLESS, '"transStatus":"Y"'),
                                  ("challenge", CHALLENGE, '"transStatus":"C"')):
            each, n, value, errors = bench.memory(pan, expect)
            print(f"memory in Redis, {name}: {each:.0f} bytes per transaction (value {value} bytes; {n} transactions, "
                  f"keys and queue included; {errors} errors)", flush=True)
    finally:
        bench.close()
    codec.main()


main()
