"""What stands in the error log is part of each verdict."""
import os
import re

# [time] [module:level] [pid ...] rest
LINE = re.compile(r"^\[[^\]]*\] \[(?P<module>[\w.-]*):(?P<level>\w+)\] (?P<rest>.*)$")
ID = re.compile(r"\b(AH\d{5}|ACS\d{4}|SRV\d{4}|TDS\d{4})\b")
LOUD = ("emerg", "alert", "crit", "error", "warn")
ALWAYS = ("AH01882",)  # mod_ssl was built with a newer OpenSSL than runs: the machine's affair
WORD, WIDE_WORD = re.compile(r"[0-9A-Za-z]+"), re.compile(r"[0-9A-Za-z+/=_-]+")  # digits alone; keys, base64
SANITIZER = ("ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer",
             "*** stack smashing", "double free", "Segmentation fault", "exit signal")


class LogFile:
    """New lines since the last look."""

    def __init__(self, path):
        self.path = path
        self.offset = os.path.getsize(path) if os.path.exists(path) else 0

    def text(self):
        if not os.path.exists(self.path):
            return ""
        with open(self.path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def new(self):
        if not os.path.exists(self.path):
            return []
        with open(self.path, "rb") as f:
            f.seek(self.offset)
            data = f.read()
        end = data.rfind(b"\n") + 1
        self.offset += end
        return data[:end].decode("utf-8", "replace").splitlines()

    def has(self, pattern, since=0):
        return re.search(pattern, self.text()[since:])


def luhn_ok(digits):
    total = 0
    for i, c in enumerate(reversed(digits)):
        d = int(c) * (1 + i % 2)
        total += d - 9 if d > 9 else d
    return total % 10 == 0


# What the machine's packages say at each start: mod_ssl was built against a newer OpenSSL than there is.
MACHINE = re.compile(r"AH01882")


class Watch:
    """Looks at log files after a test: watch.expect("ACS0214") names what may be there, secrets what may never be."""

    def __init__(self):
        self.files, self.expected, self.secrets = [], [], set()

    def add(self, log):
        self.files.append(log)

    def remove(self, log):
        self.files.remove(log)

    def begin(self):
        for log in self.files:
            log.new()
        self.expected = []

    def expect(self, *patterns):
        """Log ids, or regular expressions for lines without one."""
        self.expected += patterns

    def never(self, *secrets):
        self.secrets.update(s for s in secrets if s)

    def faults(self):
        """Sentences about what should not be there."""
        found = []
        for log in self.files:
            for line in log.new():
                why = self._why(line)
                if why:
                    found.append(f"{os.path.basename(os.path.dirname(os.path.dirname(log.path)))}/"
                                 f"{os.path.basename(log.path)}: {why}: {line}")
        return found

    def _why(self, line):
        rest = _without_time(line)
        if not self.secrets.isdisjoint(WORD.findall(rest)) or not self.secrets.isdisjoint(WIDE_WORD.findall(rest)):
            return "secret in the log"
        if any(s in line for s in SANITIZER) and not self._is_expected(line):
            return "crash or sanitizer report"
        match = LINE.match(line)
        if match and match["level"] in LOUD and not self._is_expected(line) and not MACHINE.search(line):
            return "unexpected " + match["level"]
        return None

    def _is_expected(self, line):
        return any((p in ID.findall(line)) if ID.fullmatch(p) else re.search(p, line) for p in (*ALWAYS, *self.expected))


def _without_time(line):
    return line.partition("] ")[2] if line.startswith("[") else line
