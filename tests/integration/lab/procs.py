"""Processes of a test run. Each is the leader of a session of its own, is asked to die with its parent, and is looked
after until the end: nothing stays behind."""
import atexit
import ctypes
import os
import random
import signal
import socket
import subprocess
import time

RUN_USER = "www-data"
_all = []


def wait_until(fn, timeout=10, what="condition", step=0.02):
    """The first true value of fn(). Fails after timeout."""
    end = time.monotonic() + timeout
    while True:
        value = fn()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout} s")
        time.sleep(step)


_given = set()


def free_port():
    """A port nobody listens on, outside of the range the kernel takes for outgoing connections; never twice."""
    while True:
        port = random.randint(20000, 32000)
        if port in _given:
            continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            _given.add(port)
            return port


def accepts(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def run_as():
    """Arguments for subprocess: root gives itself up, since httpd's children would anyway."""
    if os.geteuid() != 0:
        return {}
    return {"user": RUN_USER, "group": RUN_USER, "extra_groups": []}


def own(path):
    """Give path to the user the processes run as."""
    if os.geteuid() == 0:
        import pwd
        entry = pwd.getpwnam(RUN_USER)
        os.chown(path, entry.pw_uid, entry.pw_gid)
    return path


class Process:
    def __init__(self, name, argv, env=None, log=None, cwd=None):
        self.name = name
        out = open(log, "ab") if log else subprocess.DEVNULL
        self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env,
                                      cwd=cwd, start_new_session=True, preexec_fn=_die_with_parent, **run_as())
        if log:
            out.close()
        self.pid = self.popen.pid
        _all.append(self)

    def alive(self):
        return self.popen.poll() is None

    def send(self, number):
        os.kill(self.pid, number)

    def members(self):
        """The process and its children, as long as they are in its group."""
        return group_members(self.pid)

    def children(self):
        return [p for p in self.members() if p != self.pid]

    def stop(self, number=signal.SIGTERM, timeout=15):
        """End it; what does not go is killed, and the return code is None then."""
        if self.alive():
            self.send(number)
        try:
            self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
        try:
            wait_until(lambda: not self.members(), 5, "end of children")
        except TimeoutError:
            self.kill()
            return None
        if self in _all:
            _all.remove(self)
        return self.popen.returncode

    def kill(self):
        for _ in range(50):
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                break
            self.popen.poll()
            time.sleep(0.02)
        self.popen.wait()
        if self in _all:
            _all.remove(self)


def group_members(pgid):
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as f:
                fields = f.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == pgid and fields[0] != "Z":
            found.append(int(entry))
    return found


def left_over():
    """Names of processes that should be gone."""
    return [f"{p.name} (pid {p.pid})" for p in _all if p.members()]


@atexit.register
def kill_all():
    for process in list(_all):
        process.kill()
