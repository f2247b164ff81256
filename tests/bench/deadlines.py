"""make bench-deadlines: many time limits fall due within one minute at one node with two children.

Challenges are created through the AReq endpoint and left alone; a Directory Server answers each RReq at once, then, in a
second run, after 100 ms. Printed: how late the TIMEOUT step was saved (histogram of the node), how late the RReqs came in
(clock of the Directory Server), and how long an AReq took before and during the minute.

What is created evenly within a minute falls due evenly within a minute.

    python3 tests/bench/deadlines.py [--count N] [--within SECONDS] [--delays 0,0.1]
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [HERE, TESTS, os.path.join(TESTS, "integration")]

from lab.httpd import CHALLENGE, FRICTIONLESS  # noqa: E402
from lab.lab import Lab  # noqa: E402

BUILD = os.environ.get("TDS_BUILD", ".")


class Answerer:
    """A Directory Server that only answers RReq: a process of its own, so that it is not what is measured."""

    def __init__(self, lab, delay):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "answerer.py"), lab.pki.both("ds-server"),
                                         lab.pki.ca("ds-ca"), str(delay)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.url = f"https://localhost:{int(self.process.stdout.readline())}/acs"

    def ask(self):
        """[time of each RReq]"""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    def __init__(self, args, delay):
        self.args, self.lab = args, Lab()
        self.answerer = Answerer(self.lab, delay)
        self.redis = self.lab.redis.client
        self.node = self.lab.node("deadlines", srv=False, threads=64, children=2, children_max=2, log_level="warn",
                                  first_creq_timeout=f"{args.limit}s", peers=((self.answerer.url, "ds-ca", "acs-client"),),
                                  main=["MaxKeepAliveRequests 0", "KeepAliveTimeout 60"],
                                  acs_ds=[f"ACSDSURLPrefix {self.answerer.url}"])

    def load(self, pan, *more):
        path = os.path.join(self.lab.directory, f"areq-{pan[-2:]}.json")
        areq = self.lab.areq(pan)
        areq["dsURL"] = self.answerer.url
        with open(path, "w", encoding="utf-8") as f:
            f.write(json.dumps(areq, separators=(",", ":")))
        status = "Y" if pan == FRICTIONLESS else "C"
        process = subprocess.Popen(
            [os.path.join(BUILD, "tests/bench/load"), "--port", str(self.node.ds_port), "--path", "/acs/areq", "--ca",
             self.lab.pki.ca("ds-ca"), "--cert", self.lab.pki.both("ds-client"), "--expect", f'"transStatus":"{status}"',
             "--warm", "0", *more, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        process.stdin.write("\n")
        process.stdin.flush()
        result = json.loads(process.stdout.readline())
        process.communicate("\n")
        return result

    def metrics(self):
        body = urllib.request.urlopen(self.node.acs_status_url + "/metrics", timeout=10).read().decode()
        return [re.fullmatch(r'(\w+)(?:\{(.*)\})? (\S+)', line).groups() for line in body.splitlines() if line[:1] != "#"]

    def lateness(self):
        out = []
        for name, labels, value in self.metrics():
            if name == "acs_deadline_lateness_seconds_bucket":
                out.append((float(re.search(r'le="(.*?)"', labels)[1]), int(value)))
        return out

    def waiting(self):
        pipe = self.redis.pipeline()
        for i in range(256):
            pipe.zcard(f"acs:{{{i:02x}}}:q")
            pipe.zcard(f"acs:{{{i:02x}}}:o")
        sizes = pipe.execute()
        return sum(sizes[::2]), sum(sizes[1::2])

    def run(self):
        quiet = self.load(FRICTIONLESS, "--connections", "4", "--rate", "100", "--seconds", "10")
        begun = time.time()
        made = self.load(CHALLENGE, "--connections", "32", "--count", str(self.args.count), "--rate",
                         str(self.args.count / self.args.within))
        took = time.time() - begun
        first, last = begun + self.args.limit, time.time() + self.args.limit
        print(f"{made['requests']} challenges made in {took:.0f} s ({made['errors']} errors); they fall due within {last - first:.0f} s",
              flush=True)
        if first < begun + took:
            print("  (the first fell due before the last was made: raise --limit)")
        time.sleep(max(0, first - time.time()))
        busy = self.load(FRICTIONLESS, "--connections", "4", "--rate", "100", "--seconds", str(max(1, int(last - time.time()))))
        while sum(self.waiting()) and time.time() < last + 600:
            time.sleep(0.5)
        end = time.time()
        buckets = self.lateness()
        total = buckets[-1][1]
        print(f"  steps: {total}; late by " + ", ".join(f"p{q * 100:g} {quantile(buckets, q)}" for q in (0.5, 0.9, 0.99, 1)))
        seen = self.answerer.ask()
        print(f"  RReqs: {len(seen)}; the last came {max(seen, default=0) - last:.1f} s after the last time limit; all "
              f"settled {end - last:.1f} s after it")
        for name, r in (("before", quiet), ("meanwhile", busy)):
            print(f"  AReq {name}: {r['rps']:.0f}/s, p50 {r['p50']:.0f} us, p99 {r['p99']:.0f} us, {r['errors']} errors", flush=True)

    def close(self):
        self.answerer.close()
        self.lab.close()


def quantile(buckets, q):
    total, below, low = buckets[-1][1], 0, 0.0
    for bound, n in buckets:
        if n >= q * total and n:
            if q == 1 or bound == float("inf"):
                return f"<= {bound:g} s"
            return f"{low + (bound - low) * (q * total - below) / (n - below):.3f} s"
        below, low = n, bound
    return "-"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100000)
    parser.add_argument("--within", type=float, default=60, help="seconds in which they fall due")
    parser.add_argument("--limit", type=int, default=80, help="first CReq limit in seconds: longer than making them takes")
    parser.add_argument("--delays", default="0,0.1")
    args = parser.parse_args()
    for delay in (float(d) for d in args.delays.split(",")):
        print(f"a Directory Server that answers after {delay * 1000:.0f} ms")
        bench = Bench(args, delay)
        try:
            bench.run()
        finally:
            bench.close()


main()
