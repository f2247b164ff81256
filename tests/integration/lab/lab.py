"""Everything a test needs, put together."""
import hashlib
import os
import re
import secrets
import shutil
import tempfile

from sim import messages, net, pki
from sim.ds import DirectoryServer
from sim.issuer import Issuer
from sim.requestor import Requestor
from sim.shop import Shop
from sim.webclient import Browser

from .conf import Options
from .httpd import CARDS, OUT_OF_RANGE, UNKNOWN, Httpd
from .logs import Watch
from .procs import left_over, own
from .redis_server import RedisServer
from .secrets import Vault

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


class Lab:
    """lab.pki, lab.redis, lab.ds, lab.issuer, lab.shop, and nodes made by lab.node(). Simulators run in this process."""

    KEY = "shop-key-" + "0123456789abcdef" * 2
    OTHER_KEY = "other-key-" + "0123456789abcdef" * 2

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="tds-")
        os.chmod(self.directory, 0o755)
        # Copies: who runs httpd may not be able to read where the sources are.
        self.conf = shutil.copytree(os.path.join(SOURCE, "conf"), os.path.join(self.directory, "conf"))
        self.templates = os.environ.get("TDS_TEMPLATES", os.path.join(self.conf, "templates"))
        self.watch = Watch()
        self.vault = Vault(*CARDS, UNKNOWN, OUT_OF_RANGE, self.KEY, self.OTHER_KEY)
        self.watch.never(*CARDS, UNKNOWN, OUT_OF_RANGE, self.KEY, self.OTHER_KEY)
        self.pki = pki.make(os.path.join(self.directory, "pki"), key_mode=0o644)
        self.redis = RedisServer(os.path.join(self.directory, "redis")).start()
        self.ds = DirectoryServer(self.pki)
        self.issuer = Issuer(self.pki)
        with open(self.secret("issuer.key"), encoding="ascii") as f:
            self.issuer.key = f.read().strip()
        self.vault.always(self.issuer.key)
        self.shop = Shop(self.pki)
        self.nodes = {}

    @staticmethod
    def key_hash(key):
        return hashlib.sha256(key.encode()).hexdigest()

    def secret(self, name):
        """A file with 64 hex digits, the same for all nodes."""
        path = os.path.join(self.directory, name)
        if not os.path.exists(path):
            with open(path, "w", encoding="ascii") as f:
                f.write(secrets.token_hex(32) + "\n")
            own(path)
            os.chmod(path, 0o600)
        return path

    def node(self, name="node", start=True, single=False, **options):
        """A new node. The first one with an ACS becomes the DS's ACS, the first 3DS Server the shop's."""
        node = Httpd(self, name, Options(**options))
        self.nodes[name] = node
        if start:
            node.start(single)
        if node.options.acs and not self.ds.acs["default"]:
            self.ds.set_acs(node.areq_url)
        if node.options.srv and not self.shop.api:
            self.shop.setup(node.requestor_url, self.KEY)
        return node

    def drop(self, node):
        """Stop a node that only one test needed. Gracefully: httpd 2.4's event MPM has a race between closing its
        workers' sockets on SIGTERM and workers that are just done with theirs, and may crash on its way out."""
        rc = node.stop(graceful=True)
        self.nodes.pop(node.name, None)
        if not any(n.alive() for n in self.nodes.values()) and self.redis.process and self.redis.process.alive():
            self.redis.client.flushall()  # what was left waiting would come up at the next node
        if self.ds.acs["default"] == node.areq_url:
            self.ds.set_acs(None)
        if self.shop.api and self.shop.api.url == node.requestor_url:
            self.shop.setup(None)
        return rc

    # peers of a node

    def requestor(self, node, key=KEY, cert=None):
        return Requestor(node.requestor_url, self.pki.ca("commercial-ca"), key, cert and self.pki.both(cert))

    def browser(self):
        return Browser(self.pki.ca("commercial-ca"))

    def client(self, ca="commercial-ca", cert=None, **kw):
        return net.Client(net.client_context(self.pki.ca(ca), cert and self.pki.both(cert)), **kw)

    def areq(self, pan, **over):
        """An AReq from the DS to the ACS."""
        return messages.ds_areq(ds_url=self.ds.url_acs, pan=pan, **over)

    # around each test

    def begin(self):
        for sim in (self.ds, self.issuer, self.shop):
            sim.clear()
        self.ds.answers = self.ds.answers_rreq = None
        self.watch.begin()

    def verdict(self):
        """What the logs say against the test that has just run."""
        otps = [m["otp"] for m in self.issuer.inbox()]
        values = [m["authenticationValue"] for m in self._messages() if m.get("authenticationValue")]
        self.watch.never(*otps, *values)
        self.vault.values(values)
        return self.watch.faults() + self._in_logs() + self._in_redis(otps) + self._in_errors(otps)

    # A7: no PAN, code or authentication value in Redis, in a log, in an error answer

    def _messages(self):
        return [r["message"] for r in self.ds.records.all() if isinstance(r.get("message"), dict)]

    def _in_logs(self):
        found = []
        for log in self.watch.files:
            if os.path.exists(log.path):
                with open(log.path, "rb") as f:
                    secret = self.vault.find(f.read())
                if secret:
                    found.append(f"{log.path} holds {secret}")
        return found

    def _in_redis(self, otps):
        if not self.redis.process or not self.redis.process.alive():
            return []
        found, redis = [], self.redis.client
        for key in redis.keys("*"):
            if redis.ttl(key) == -1:  # -2: gone meanwhile
                found.append(f"Redis key without a TTL: {key}")
            kind = redis.type(key)
            data = {b"string": redis.get, b"hash": lambda k: repr(redis.hgetall(k)).encode(),
                    b"zset": lambda k: repr(redis.zrange(k, 0, -1)).encode()}.get(kind, lambda k: b"")(key) or b""
            secret = self.vault.find(key + b" " + data)
            if secret:
                found.append(f"Redis key {key} holds {secret}")
            if kind == b"string" and any(f'"{otp}"'.encode() in data for otp in otps):
                found.append(f"Redis key {key} holds a code")
        return found

    def _in_errors(self, otps):
        found = []
        for status, text in net.refusals:
            secret = self.vault.find(text)
            codes = [otp for otp in otps if re.search(rb"\b" + otp.encode() + rb"\b", text)]
            if secret or codes:
                found.append(f"an answer with status {status} holds {secret or codes[0]}")
        net.refusals.clear()
        return found

    def close(self):
        for node in list(self.nodes.values()):
            self.drop(node)
        for sim in (self.ds, self.issuer, self.shop):
            sim.stop()
        self.redis.stop()
        left = left_over()
        if not os.environ.get("TDS_KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)
        return left
