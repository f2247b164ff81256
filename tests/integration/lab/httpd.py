"""A private httpd: Debian's binary, its own ServerRoot, ports of its own."""
import glob
import json
import os
import re
import shutil
import signal
import subprocess

from . import conf
from .logs import LogFile
from .procs import Process, accepts, free_port, own, run_as, wait_until

BINARY = "/usr/sbin/apache2"
MODULE_NAMES = ("mod_acs.so", "mod_3ds_server.so")

# PAN: (what the rules see, status, phone, language), and where a card has more members, a dictionary of them
CARDS = {
    "4000000000000002": ("challenge", "active", "+491700001234", "en"),
    "4000000000000010": ("frictionless", "active", "+491700001235", "en"),
    "4000000000000028": ("reject", "active", "+491700001236", "en"),
    "4000000000000036": ("challenge", "blocked", "+491700001237", "en"),
    "4000000000000044": ("challenge", "notEnrolled", None, "en"),
    "4000000000000051": ("challenge", "active", "+491700001238", "de"),
}
CHALLENGE, FRICTIONLESS, REJECT, BLOCKED, NOT_ENROLLED, GERMAN = CARDS
UNKNOWN = "4000000000000069"       # in the range, in no card file
OUT_OF_RANGE = "5100000000000008"


def find_module(name, build=None):
    """The newest one below build, or TDS_BUILD; or None."""
    build = build or os.environ.get("TDS_BUILD")
    found = glob.glob(os.path.join(build, "**", ".libs", name), recursive=True) if build else []
    found += glob.glob(os.path.join(build, name)) if build else []
    return max(found, key=os.path.getmtime) if found else None


def have_modules(options):
    return all(find_module(n) for n, on in zip(MODULE_NAMES, (options.get("acs", True), options.get("srv", True))) if on)


def card_file(cards=None):
    out = {}
    for pan, (group, status, phone, language, *more) in (cards or CARDS).items():
        out[pan] = {"status": status, "language": language, "group": group, "name": "Test Cardholder",
                    **(more[0] if more else {})}
        if phone:
            out[pan]["phone"] = phone
    return {"cards": out}


class Httpd:
    """One node. start() writes its configuration anew, so options may be changed while it is down, or before
    graceful()."""

    def __init__(self, lab, name="node", options=None):
        self.lab, self.name, self.options = lab, name, options or conf.Options()
        self.root = os.path.join(lab.directory, name)
        for sub in ("", "logs", "run", "htdocs", "modules", "conf"):
            os.makedirs(os.path.join(self.root, sub), exist_ok=True)
            own(os.path.join(self.root, sub))
        self.conf_file = os.path.join(self.root, "conf", "httpd.conf")
        self.error_log = LogFile(os.path.join(self.root, "logs", "error.log"))
        self.access_log = LogFile(os.path.join(self.root, "logs", "access.log"))
        self.out_log = LogFile(os.path.join(self.root, "logs", "out.log"))
        self.ds_port, self.public_port, self.requestor_port, self.local_port = (free_port() for _ in range(4))
        self.process = None
        self.master_key = lab.secret("master.key")
        self.value_key = lab.secret("value.key")
        self.cards_file = self.write("conf/cards.json", json.dumps(card_file(self.options.cards)))
        self.write("htdocs/index.html", "<!DOCTYPE html><title>ok</title>ok\n")

    # URLs

    areq_url = property(lambda self: f"https://localhost:{self.ds_port}/acs/areq")
    results_url = property(lambda self: f"https://localhost:{self.ds_port}/3ds/results")
    challenge_url = property(lambda self: f"https://localhost:{self.public_port}/acs/challenge")
    issuer_url = property(lambda self: f"https://localhost:{self.requestor_port}/acs/issuer")
    method_url = property(lambda self: f"https://localhost:{self.public_port}/acs/method")
    browser_url = property(lambda self: f"https://localhost:{self.public_port}/3ds/browser")
    requestor_url = property(lambda self: f"https://localhost:{self.requestor_port}/3ds/requestor")
    acs_status_url = property(lambda self: f"http://127.0.0.1:{self.local_port}/acs/status")
    srv_status_url = property(lambda self: f"http://127.0.0.1:{self.local_port}/3ds/status")

    # files

    def write(self, path, text):
        path = os.path.join(self.root, path)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        if path.endswith((".json", ".key")):
            os.chmod(path, 0o600)
        return own(path)

    def module(self, name):
        """A copy: a build under way does not pull the file away under the running server."""
        source, target = find_module(name, self.options.build), os.path.join(self.root, "modules", name)
        if source is None:
            raise RuntimeError(f"{name} not found below TDS_BUILD={os.environ.get('TDS_BUILD')}")
        if not os.path.exists(target) or os.path.getmtime(target) < os.path.getmtime(source):
            shutil.copy2(source, target)
        return target

    def write_conf(self, text=None):
        return self.write("conf/httpd.conf", text or conf.write(self))

    # life

    def _env(self):
        env = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "TZ": "UTC"}
        for name, value in os.environ.items():
            if name.startswith(("ASAN_", "UBSAN_", "LSAN_", "TSAN_", "GCOV_", "TDS_POINT", "TDS_LAB_")):
                env[name] = value
        if os.environ.get("TDS_PRELOAD"):
            env["LD_PRELOAD"] = os.environ["TDS_PRELOAD"]
        return env

    def configtest(self, text=None, defines=()):
        """(return code, output) of -t. defines: for -D."""
        self.write_conf(text)
        done = subprocess.run([BINARY, "-t", *(word for d in defines for word in ("-D", d)), "-f", self.conf_file], env=self._env(), capture_output=True, text=True,
                              timeout=60, **run_as())
        return done.returncode, done.stdout + done.stderr

    def start(self, single=False, text=None):
        """single: one process (-X), for debuggers and sanitizers."""
        self.write_conf(text)
        mark = len(self.error_log.text())
        argv = [BINARY, "-f", self.conf_file, "-X" if single else "-DFOREGROUND"]
        self.process = Process("httpd " + self.name, argv, env=self._env(), log=self.out_log.path)
        if self.error_log not in self.lab.watch.files:
            for log in (self.error_log, self.out_log, self.access_log):
                self.lab.watch.add(log)
        # Signals are only safe once this line is there: ports are open earlier.
        wait_until(lambda: self._up() and (single or self.error_log.has("AH00489", mark) and self.children()), 30,
                   f"start of httpd {self.name}")
        return self

    def _up(self):
        if not self.process.alive():
            raise RuntimeError(f"httpd {self.name} ended: {self.out_log.text()[-2000:]}{self.error_log.text()[-2000:]}")
        return all(accepts(p) for p in (self.ds_port, self.public_port, self.requestor_port, self.local_port))

    def alive(self):
        return self.process is not None and self.process.alive()

    def stop(self, graceful=False):
        """SIGTERM, or SIGWINCH: requests under way are finished."""
        process, self.process = self.process, None
        return process.stop(signal.SIGWINCH if graceful else signal.SIGTERM) if process else 0

    def kill(self):
        """The whole node at once, as by a power cut."""
        process, self.process = self.process, None
        if process:
            process.kill()

    def graceful(self, timeout=30):
        """apachectl graceful, and until the new generation serves and the old children are gone."""
        self.write_conf()
        mark, old = len(self.error_log.text()), set(self.process.children())
        self.process.send(signal.SIGUSR1)
        wait_until(lambda: self.error_log.has(r"AH00489", mark), timeout, "graceful restart")
        wait_until(lambda: set(self.process.children()) - old and not set(self.process.children()) & old, timeout,
                   "end of the old children")
        wait_until(self._up, timeout, "new generation")

    def children(self):
        return self.process.children()

    def kill_child(self, pid=None, number=signal.SIGKILL):
        """One child; the parent makes a new one."""
        pid = pid or self.children()[0]
        os.kill(pid, number)
        wait_until(lambda: pid not in self.children(), 10, "end of a child")
        return pid

    def wait_log(self, pattern, timeout=10):
        return wait_until(lambda: self.error_log.has(pattern), timeout, f"log line {pattern}")

    def log_lines(self, pattern):
        return [line for line in self.error_log.text().splitlines() if re.search(pattern, line)]
