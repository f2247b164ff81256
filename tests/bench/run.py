"""make bench: AReq to ARes (frictionless) against a ceiling and floors in the same httpd, in one run; challenge cycles; and
what a transaction takes in Redis.

ceiling     a handler that reads the same body and answers the same number of bytes
floor       the same, plus one jansson parse and one SET NX PX of the same size
areq        mod_acs: cards in a file, three rules
reads       the floor plus one pipeline of as many reads as rules-areq needs, before the SET
rules-areq  mod_acs: cards in Redis, eight rules that read AREQ, CARD, COUNT (two counters) and METHOD (absent)

All over mTLS on kept connections with distinct messages. The main figure is CPU time per request of httpd and Redis
together; throughput and latency stand beside it. Only the ratios mean something: each is that of a round, in which all
follow each other, and the median of the rounds is printed.

    python3 tests/bench/run.py [--rounds N] [--seconds S] [--connections 8,64] [--log-level info] [--cycles N] [--memory N]
"""
import argparse
import hashlib
import hmac
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [HERE, TESTS, os.path.join(TESTS, "integration")]

from lab.httpd import CHALLENGE, FRICTIONLESS  # noqa: E402
from lab.lab import Lab  # noqa: E402
import codec  # noqa: E402

BUILD = os.environ.get("TDS_BUILD", ".")
FLOORS = {"areq": "floor", "rules-areq": "reads"}
KINDS = ("ceiling", "floor", "areq", "reads", "rules-areq")
RULES, DECOUPLED = "4000010000000003", "4000020000000002"  # cards of two more issuers
RULES_LINES = (
    "ACSCounter cardTries by=card window=10min", "ACSCounter shopSpent by=merchant window=1h sum=amount currency=978",
    "ACSRule reject \"%{CARD:group} == 'stolen'\"",
    "ACSRule reject \"%{AREQ:merchantCountryCode} -in {'408', '643'}\"",
    "ACSRule deny \"%{COUNT:cardTries} -ge 100000000\"",
    "ACSRule challenge \"%{COUNT:shopSpent} -ge 100000000000000 && %{AREQ:mcc} == '5411'\"",
    "ACSRule challenge \"%{METHOD:timeZoneOffset} -gt 0\"",
    "ACSRule challenge \"%{METHOD_OPT:present} == 'N' && %{AREQ:purchaseAmount} -gt 50000\"",
    "ACSRule frictionless \"%{AREQ:purchaseCurrency} == '978' && %{AREQ:purchaseAmount} -lt 30000 && "
    "%{CARD:group} == 'frictionless'\"", "ACSRule challenge \"true\"")
GETS = 5  # METHOD, and two buckets of each counter; the card is an HGETALL
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


class Cycles:
    """The driver of challenge cycles, which is their DS and issuer, too."""

    def __init__(self, lab):
        pki = lab.pki
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "cycle.py"), pki.both("ds-server"), pki.both("ds-client"), pki.ca("ds-ca"),
             pki.ca("commercial-ca")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"https://localhost:{int(self.process.stdout.readline())}/acs"

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def run(self, bench, connections, count, until="end", warm=50):
        self.say(json.dumps({"ds_port": bench.node.ds_port, "public_port": bench.node.public_port, "until": until, "warm": warm,
                             "template": bench.template(CHALLENGE), "connections": connections, "count": count}))
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("the driver of the cycles has ended")
        before = bench.times()
        self.say("")
        result = json.loads(self.process.stdout.readline())
        after = bench.times()
        for i, who in enumerate(("httpd", "redis")):
            result[who] = (after[i] - before[i]) / max(1, result["requests"]) * 1e6
        return result

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    def __init__(self, args):
        self.args = args
        self.lab = Lab()
        self.redis = self.lab.redis.client
        self.cycles = Cycles(self.lab)
        self.node = None

    def template(self, pan):
        path = os.path.join(self.lab.directory, f"areq-{pan}.json")
        over = {"threeDSRequestorDecReqInd": "Y", "threeDSRequestorDecMaxTime": "00060"} if pan == DECOUPLED else {}
        with open(path, "w", encoding="utf-8") as f:
            f.write(json.dumps(dict(self.lab.areq(pan, **over), dsURL=self.cycles.url), separators=(",", ":")))
        return path

    def card_key(self, pan):
        """The hash of a card (docs/api/issuer.md)."""
        with open(self.lab.secret("master.key"), encoding="ascii") as f:
            master = bytes.fromhex(f.read())
        parts = b"".join(len(p).to_bytes(4, "big") + p for p in (b"card", pan.encode()))
        return "acs:card:" + hmac.new(master, parts, hashlib.sha256).hexdigest()[:32]

    def clean(self):
        """Redis as before the first AReq."""
        self.redis.flushall()
        self.redis.hset(self.card_key(RULES), mapping={"status": "active", "group": "frictionless", "language": "en",
                                                       "phone": "+491700001234", "name": "Test Cardholder", "ref": "c-4711"})

    def one(self, pan):
        """An AReq by hand: lengths of message, answer and stored value."""
        message = self.lab.areq(pan)
        answer = self.lab.ds.post_acs(message)
        key = next(k for k in self.redis.scan_iter(f"acs:*{answer.json()['acsTransID']}"))
        return len(json.dumps(message, separators=(",", ":"))), len(answer.body), self.redis.strlen(key)

    def issuer(self, name, first, *lines):
        """A section of its own: the cards 1000000 from first on."""
        value, otp = os.path.join(self.lab.directory, "value.key"), self.cycles.url + "/otp"
        return ["\n".join((f"<ACSIssuer {name}>", f"ACSCardRange {first[:8]}00000000 {first[:8]}99999999", *lines,
                           f"ACSOTPDelivery {otp}", f"ACSTemplates {self.lab.templates}", 'ACSIssuerName "Example Bank"',
                           "ACSECI Y 05", f"ACSAuthenticationValue lab file:{value}", "</ACSIssuer>"))]

    def start(self):
        module = os.path.join(BUILD, "tests/bench/.libs/mod_bench.so")
        main = ["MaxKeepAliveRequests 0", "KeepAliveTimeout 60", f"LoadModule bench_module {module}",
                f"BenchStore {self.lab.redis.url}", "BenchBytes 0", "BenchValue 0",
                f"BenchCard {self.card_key(RULES)}", f"BenchReads {GETS}"]
        main += [f"<Location /bench/{k}>\nSetHandler bench-{k}\n</Location>" for k in ("ceiling", "floor", "reads")]
        main += self.issuer("rules", RULES, "ACSCardSource redis", *RULES_LINES)
        main += self.issuer("decoupled", DECOUPLED, "ACSCardSource file:" + self.lab.directory + "/decoupled.json",
                            'ACSRule decoupled "true"', f"ACSHook decoupled {self.cycles.url}/decoupled",
                            f"ACSIssuerKey file:{self.lab.secret('decoupled.key')}")
        with open(self.lab.directory + "/decoupled.json", "w", encoding="utf-8") as f:
            json.dump({"cards": {DECOUPLED: {"status": "active", "ref": "c-4711", "phone": "+491700001234"}}}, f)
        self.clean()
        self.node = self.lab.node("bench", srv=False, threads=64, children=2, children_max=2, main=main,
                                  log_level=self.args.log_level, peers=((self.cycles.url, "ds-ca", "acs-client"),),
                                  acs_ds=[f"ACSDSURLPrefix {self.cycles.url}"], otp_delivery=self.cycles.url + "/otp")
        self.sizes = self.one(FRICTIONLESS)
        self.node.options.main[4:6] = [f"BenchBytes {self.sizes[1]}", f"BenchValue {self.sizes[2]}"]
        self.node.stop()
        self.node.start()

    def times(self):
        return cpu(self.node.process.members()), cpu([self.lab.redis.process.pid])

    def load(self, kind, connections, *more):
        template = self.template(RULES if kind in ("reads", "rules-areq") else FRICTIONLESS)
        if kind in FLOORS:
            expect, path = ("--expect", '"transStatus":"Y"'), "/acs/areq"
        else:
            expect, path = ("--expect-len", str(self.sizes[1])), f"/bench/{kind}"
        return Load(self, path, template, connections, expect, *more).run()

    # what is measured

    def rounds(self, connections):
        seen = []
        for i in range(self.args.rounds):
            order = KINDS[i % len(KINDS):] + KINDS[:i % len(KINDS)]
            seen.append({k: self.load(k, connections, "--seconds", str(self.args.seconds)) for k in order})
            self.clean()
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
        for kind in FLOORS:
            for other in (FLOORS[kind], "ceiling"):
                above = statistics.median(r[kind]["cpu"] - r[other]["cpu"] for r in seen)
                print(f"{kind} / {other}: CPU per request {ratio(kind, other, 'cpu'):.2f} times, throughput "
                      f"{ratio(kind, other, 'rps'):.2f}, p50 {ratio(kind, other, 'p50'):.2f}, p99 {ratio(kind, other, 'p99'):.2f}; "
                      f"CPU above it {above:.1f} us")

    def print_cycles(self):
        self.clean()
        r = self.cycles.run(self, 16, self.args.cycles)
        print(f"\nchallenge cycles (AReq, CReq page, form, RReq and RRes, final page; a code is delivered): {r['requests']}, "
              f"{r['errors']} errors {r['fault']}\n{r['rps']:.0f} cycles/s, bounded by the driver; CPU per cycle "
              f"{r['httpd'] + r['redis']:.0f} us (httpd {r['httpd']:.0f}, redis {r['redis']:.0f}), p50 {r['p50'] / 1000:.1f} ms, "
              f"p99 {r['p99'] / 1000:.1f} ms")

    def begin_memory(self):
        self.clean()
        self.redis.config_set("zset-max-listpack-entries", 0)  # queues as large as those of a busy store are no lists
        for i in range(256):  # and are there before: what an empty one takes is no transaction's
            self.redis.zadd(f"acs:{{{i:02x}}}:q", {"nobody": 2 ** 52})
        return self.redis.info("memory")["used_memory"]

    def print_memory(self, name, before, errors):
        while name == "decoupled" and sum(self.redis.zcard(f"acs:{{{i:02x}}}:o") for i in range(256)):
            time.sleep(0.2)  # the issuer is being told
        keys = list(self.redis.scan_iter("acs:*:t:*", count=10000))
        used = self.redis.info("memory")["used_memory"] - before
        print(f"memory in Redis, {name}: {used / max(1, len(keys)):.0f} bytes per transaction (value "
              f"{self.redis.strlen(keys[0])} bytes; {len(keys)} transactions, keys and queues included; {errors} errors)", flush=True)

    def memory(self, name, pan, expect):
        before = self.begin_memory()
        result = Load(self, "/acs/areq", self.template(pan), 8, ("--expect", expect), "--warm", "0", "--count",
                      str(self.args.memory)).run()
        self.print_memory(name, before, result["errors"])

    def cycles_memory(self, name, until):
        before = self.begin_memory()
        result = self.cycles.run(self, 16, self.args.cycles, until, warm=0)
        self.print_memory(name, before, result["errors"])

    def close(self):
        self.cycles.close()
        self.lab.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--connections", default="8,64")
    parser.add_argument("--log-level", default="info")
    parser.add_argument("--cycles", type=int, default=2000)
    parser.add_argument("--memory", type=int, default=100000)
    args = parser.parse_args()
    bench = Bench(args)
    try:
        bench.start()
        print("AReq %d bytes, ARes %d bytes, stored value %d bytes; LogLevel %s; 2 children of 64 threads" %
              (*bench.sizes, args.log_level), flush=True)
        for n in (int(c) for c in args.connections.split(",")):
            bench.print_rounds(n, bench.rounds(n))
            sys.stdout.flush()
        bench.print_cycles()
        print()
        bench.memory("frictionless", FRICTIONLESS, '"transStatus":"Y"')
        bench.memory("challenge, before the CReq", CHALLENGE, '"transStatus":"C"')
        bench.cycles_memory("challenge, the page is shown", "page")
        bench.cycles_memory("challenge, reported", "end")
        bench.memory("decoupled", DECOUPLED, '"transStatus":"D"')
    finally:
        bench.close()
    codec.main()


main()
