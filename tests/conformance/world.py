"""The laboratory of the conformance run: one Directory Server for most cases and one that cases may cut off, one
issuer, and nodes, each started when the first case needs it."""
import concurrent.futures
import threading

from lab.lab import Lab
from lab.procs import free_port
from sim import net
from sim.authenticator import Authenticator
from sim.ds import DirectoryServer

from model import VERSIONS

# A card per group and version; the group is what the ACS's rules look at.
GROUPS = ("challenge", "frictionless", "reject", "deny", "unavailable", "attempt", "informational", "method", "decoupled",
          "spc")
# First digits of the cards of each Directory Server: a; b, which may be cut off; apart: no version in common
BLOCKS = {"a": "402", "b": "412", "apart": "422"}
OUT_OF_RANGE, UNKNOWN = "5100000000000008", "99"
SUPPORTED = ",".join(VERSIONS)
RP_ID = "bank.test"


def card(group, version, block="a"):
    number = {"out_of_range": OUT_OF_RANGE}.get(group)
    index = UNKNOWN if group == "unknown" else f"{GROUPS.index(group) + 1:02d}" if not number else ""
    return number or f"{BLOCKS[block]}{VERSIONS.index(version) + 1}0000000000{index}"


def _range(block, version):
    start = f"{BLOCKS[block]}{VERSIONS.index(version) + 1}"
    return start.ljust(16, "0"), start.ljust(16, "9")


def cards(credentials):
    """The card file; credentials: of the cards of the group spc."""
    more = {"spc": ({"credentials": credentials, "rpId": RP_ID},)}
    return {card(g, v, b): (g, "active", "+491700001234", "en", *more.get(g, ())) for g in GROUPS for v in VERSIONS
            for b in ("a", "b")}


RULES = tuple(f"{outcome} \"%{{CARD:group}} == '{group}'\"" for group, outcome in (
    ("frictionless", "frictionless"), ("reject", "reject"), ("deny", "deny"), ("unavailable", "unavailable"),
    ("attempt", "attempt"), ("informational", "informational"), ("decoupled", "decoupled"), ("spc", "spc"))) + (
    # what the 3DS Method told decides
    "deny:12 \"%{CARD:group} == 'method' && %{METHOD:timeZoneOffset} == '-600'\"",
    "frictionless \"%{CARD:group} == 'method'\"", 'challenge "true"',)


class World:
    """lab, ds, ds_b, and node(NAME)."""

    def __init__(self):
        self.lab = Lab()
        self.ds, self.ds_b = self.lab.ds, DirectoryServer(self.lab.pki)
        self.answers = {}   # threeDSServerTransID: function(AReq) -> bytes of the ARes
        self.rres = {}      # acsTransID: function(RReq) -> RRes
        for ds in (self.ds, self.ds_b):
            ds.answers = self._answer
            ds.answers_rreq = lambda message: self.rres[message["acsTransID"]](message)
        self.authenticator = Authenticator(RP_ID)
        self.cards = cards([self.authenticator.credential])
        self.lab.vault.always(*self.cards)
        self.lab.watch.never(*self.cards)
        self.lab.watch.expect(r"^\[[^]]*\] \[(acs|threeds_server|proxy|proxy_http|ssl|reqtimeout):")
        self._nodes, self._lock = {}, threading.Lock()
        self._clients = {}

    def _answer(self, areq):
        return self.answers[areq["threeDSServerTransID"].lower()](areq)

    def ds_of(self, block):
        return self.ds_b if block == "b" else self.ds

    def client(self, ca, cert):
        """A client of its own for each certificate; connections are kept."""
        with self._lock:
            if (ca, cert) not in self._clients:
                self._clients[ca, cert] = self.lab.client(ca, cert)
            return self._clients[ca, cert]

    # nodes

    def node(self, name):
        with self._lock:
            if name not in self._nodes:
                self._nodes[name] = self.lab.node(name, **getattr(self, "_" + name)())
            return self._nodes[name]

    def _common(self):
        pki, b = self.lab.pki, self.ds_b
        return dict(
            supported=SUPPORTED, cards=self.cards, rules=RULES, threads=64, log_level="info",
            card_ranges=tuple(_range(block, v) for block in ("a", "b") for v in VERSIONS),
            srv_ranges=tuple((*_range("a", v), v) for v in VERSIONS),
            ds_tls=[f'SSLCertificateFile "{pki.cert("acs-ds-ec")}"', f'SSLCertificateKeyFile "{pki.key("acs-ds-ec")}"'],
            hooks=("decoupled",), issuer=["ACSDecoupledFallback always", "ACSDecoupledMin 1s", "ACSTrustList store",
                                           "ACSSPCIcon https://bank.test/card.png"],
            acs_ds=[f"ACSDSURLPrefix {b.url_acs}"],
            peers=((b.url_3dss, "ds-ca", "3dss-client"), (b.url_acs, "ds-ca", "acs-client")),
            proxy="connectiontimeout=2 timeout=3 ttl=30 acquire=500 max=32")

    def _second_ds(self):
        """The 3DS Server's section for the Directory Server that may be cut off."""
        ranges = [f"  ThreeDSCardRange {a} {z} {v}" for v in VERSIONS for a, z in [_range("b", v)]]
        return ["<ThreeDSDirectoryServer second>", "  ThreeDSEnvironment test", f"  ThreeDSDSURL {self.ds_b.url_3dss}",
                f"  ThreeDSDSClientCAFile {self.lab.pki.ca('ds-ca')}", "  ThreeDSDSClientName second.test",
                f"  ThreeDSDSReferenceNumber {self.ds_b.reference}",
                "  ThreeDSAResTimeout 2s", *ranges, "</ThreeDSDirectoryServer>"]

    def _main(self):
        return dict(self._common(), ares_timeout="2s", srv_ds=["ThreeDSDSClientName ds-client.test"],
                    main=["ACSRetryInterval 1s", "ThreeDSRetryInterval 1s", "ACSRResTimeout 3s", *self._second_ds()])

    def _short(self):
        """Time limits of seconds instead of 30 s and 600 s."""
        return dict(self._common(), srv=False, first_creq_timeout="2s", challenge_timeout="3s", answer_within="2s",
                    main=["ACSRetryInterval 1s", "ACSRResTimeout 1s", "ACSLease 8s"])

    def _nostore(self):
        """Nothing listens where the store should be."""
        return dict(self._common(), srv=False, store=f"redis://127.0.0.1:{free_port()}/0")

    def _only(self, version, ranges):
        return dict(self._common(), acs=False, supported=version,
                    srv_ranges=tuple((*_range("apart", v), v) for v in ranges))

    def _lists(self):
        """S-21: the ACS has 2.1.0 and 2.3.1, the Directory Server 2.1.0 and 2.2.0."""
        return dict(self._common(), acs=False, srv_ds=["ThreeDSDSVersions 2.1.0,2.2.0"],
                    srv_ranges=((*_range("a", "2.3.1"), "2.1.0,2.3.1"),))

    def _only21(self):
        """A 3DS Server of one version, and ranges of the others."""
        return self._only("2.1.0", ("2.2.0", "2.3.1"))

    def _only22(self):
        return self._only("2.2.0", ("2.1.0",))

    # the end

    def verdict(self):
        """What logs, Redis and error answers hold that they must not: crashes, card data, keys."""
        return self.lab.verdict()

    def close(self):
        for client in self._clients.values():
            client.close()
        with concurrent.futures.ThreadPoolExecutor() as pool:  # each takes its time to go
            list(pool.map(lambda node: node.stop(graceful=True), self._nodes.values()))
        self.ds_b.stop()
        return self.lab.close()


def fresh_connection_refused(client, method, url, **kw):
    """True if no answer comes: no connection, or one that is closed in the handshake."""
    try:
        answer = client.request(method, url, fresh=True, **kw)
    except (OSError, net.http.client.HTTPException):
        return True
    return answer.status in (401, 403)
