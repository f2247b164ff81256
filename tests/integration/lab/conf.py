"""httpd.conf for a node with both modules. What a test wants different goes in by Options."""
import dataclasses
import os

MODULES = ("mpm_event authz_core authz_host ssl socache_shmcb proxy proxy_http reqtimeout status headers mime "
           "filter deflate alias").split()
DEBIAN_MODULES = "/usr/lib/apache2/modules"


@dataclasses.dataclass
class Options:
    """One member per thing a test may want different; the lists are lines added at the named place."""
    acs: bool = True
    srv: bool = True
    srv_first: bool = False        # which of our modules is loaded first
    ours_first: bool = False       # our modules are loaded before all others
    modules: tuple = ()            # more modules of httpd
    build: str = None              # directory of another build than TDS_BUILD
    templates: str = None          # default: the lab's copy
    of_release: tuple = ()         # beginnings of lines that this build does not know yet
    threads: int = 64
    children: int = 1
    children_max: int = 2
    log_level: str = "info"
    store: str = None              # default: the lab's Redis by TCP
    supported: str = "2.2.0"       # versions, separated by commas
    otp_delivery: str = None       # default: the issuer simulator; "none": no directive
    card_source: str = None        # default: a file with cards
    hooks: tuple = ()              # "KIND" or "KIND options": ACSHook at the issuer simulator, signed
    answer_within: str = None
    first_creq_timeout: str = None
    challenge_timeout: str = None
    ares_timeout: str = "10s"
    rules: tuple = ("reject \"%{CARD:group} == 'reject'\"",
                    "frictionless \"%{CARD:group} == 'frictionless'\"",
                    "challenge \"true\"")
    card_ranges: tuple = (("4000000000000000", "4000009999999999"),)
    srv_ranges: tuple = None       # of the 3DS Server, with versions; default: card_ranges, the highest of supported
    cards: dict = None             # instead of httpd.CARDS
    ds_tls: list = dataclasses.field(default_factory=list)     # TLS of the DS-facing virtual host
    peers: tuple = ()              # more peers to call: (URL, CA, client certificate)
    main: list = dataclasses.field(default_factory=list)       # main server
    issuer: list = dataclasses.field(default_factory=list)     # <ACSIssuer>
    issuer_first: list = dataclasses.field(default_factory=list)  # the same, before the rules
    ds_names: str = "ds-client.test"  # of the DS at the 3DS Server
    acs_ds: list = dataclasses.field(default_factory=list)     # <ACSDirectoryServer>
    srv_ds: list = dataclasses.field(default_factory=list)     # <ThreeDSDirectoryServer>
    requestor: list = dataclasses.field(default_factory=list)  # <ThreeDSRequestor>
    end: list = dataclasses.field(default_factory=list)        # behind everything: more virtual hosts
    proxy: str = "connectiontimeout=2 timeout=5 ttl=30 acquire=500 max=32"


BASE = """ServerRoot "{root}"
DefaultRuntimeDir "{root}/run"
PidFile "{root}/run/httpd.pid"
DocumentRoot "{root}/htdocs"
ServerName localhost
{load}
Mutex posixsem
TypesConfig /etc/mime.types
ErrorLog "{root}/logs/error.log"
ErrorLogFormat "[%{{cu}}t] [%-m:%l] [pid %P:tid %T] [client %a] %M"
LogFormat "%h %t \\"%r\\" %>s %b %{{ms}}T" plain
CustomLog "{root}/logs/access.log" plain
LogLevel {log_level}
StartServers {children}
ServerLimit {children_max}
ThreadsPerChild {threads}
ThreadLimit {threads}
MinSpareThreads {threads}
MaxSpareThreads {workers}
MaxRequestWorkers {workers}
MaxKeepAliveRequests 10000
KeepAliveTimeout 15
GracefulShutdownTimeout 10
TraceEnable off
RequestReadTimeout handshake=10 header=10-20,MinRate=500 body=10,MinRate=500
SSLSessionCache shmcb:{root}/run/ssl(512000)
SSLRandomSeed startup builtin
SSLRandomSeed connect builtin
<Directory />
  Require all denied
</Directory>
<Directory "{root}/htdocs">
  Require all granted
</Directory>
<Location />
  Require all granted
</Location>
"""

PROXY_HEAD = """SSLProxyEngine on
ProxyRequests Off
ProxyVia Off
ProxyAddHeaders Off
"""

PROXY = """<Proxy "{url}" {args}>
  SSLProxyProtocol -all +TLSv1.2 +TLSv1.3
  SSLProxyVerify require
  SSLProxyVerifyDepth 2
  SSLProxyCheckPeerName on
  SSLProxyCheckPeerExpire on
  SSLProxyCACertificateFile "{ca}"
{client}</Proxy>
"""

HOST = """Listen 127.0.0.1:{port} {scheme}
<VirtualHost 127.0.0.1:{port}>
  ServerName localhost
{tls}{body}</VirtualHost>
"""

TLS = """  SSLEngine on
  SSLProtocol -all +TLSv1.2 +TLSv1.3
  SSLCipherSuite ECDHE+AESGCM
  SSLCertificateFile "{cert}"
  SSLCertificateKeyFile "{key}"
"""


def _lines(lines, indent="  "):
    return "".join(f"{indent}{line}\n" for line in lines if line)


def _block(kind, name, lines):
    return f"<{kind} {name}>\n{_lines(lines)}</{kind}>\n"


def _load(node):
    paths = [(m, f"{DEBIAN_MODULES}/mod_{m}.so") for m in (*MODULES, *node.options.modules)]
    ours = [("acs", "mod_acs.so", node.options.acs), ("threeds_server", "mod_3ds_server.so", node.options.srv)]
    if node.options.srv_first:
        ours.reverse()
    ours = [(name, node.module(file)) for name, file, on in ours if on]
    paths = ours + paths if node.options.ours_first else paths + ours
    return "\n".join(f"LoadModule {name}_module {path}" for name, path in paths if os.path.exists(path))


def _acs(node):
    o, lab = node.options, node.lab
    server = [f"ACSStore {o.store or lab.redis.url}", f"ACSMasterKey file:{node.master_key}",
              f"ACSChallengeURL {node.challenge_url}", f"ACSMethodURL {node.method_url}",
              f"ACSIssuerURL {node.issuer_url}", "ACSReferenceNumber 3DS_LOA_ACS_TEST_020200_00001",
              "ACSOperatorID ACS-OPERATOR-1", f"ACSSupportedVersions {o.supported}",
              o.answer_within and f"ACSAnswerWithin {o.answer_within}",
              o.first_creq_timeout and f"ACSFirstCReqTimeout {o.first_creq_timeout}",
              o.challenge_timeout and f"ACSChallengeTimeout {o.challenge_timeout}"]
    issuer = [*(f"ACSCardRange {a} {z}" for a, z in o.card_ranges), *o.issuer_first, *(f"ACSRule {r}" for r in o.rules),
              f"ACSCardSource {o.card_source or 'file:' + node.cards_file}",
              o.otp_delivery != "none" and f"ACSOTPDelivery {o.otp_delivery or lab.issuer.otp_url}",
              f"ACSIssuerKey file:{lab.secret('issuer.key')}",
              *("ACSHook {0} {1}/{0} {2}".format(kind, lab.issuer.url, options)
                for kind, _, options in (h.partition(" ") for h in o.hooks)),
              f"ACSTemplates {o.templates or lab.templates}", 'ACSIssuerName "Example Bank"', "ACSECI Y 05", "ACSECI A 06",
              f"ACSAuthenticationValue lab file:{node.value_key}", *o.issuer]
    ds = [f"ACSClientCAFile {lab.pki.ca('ds-ca')}", "ACSClientName ds-client.test",
          f"ACSDSURLPrefix {lab.ds.url_acs}", *o.acs_ds]
    return _lines(server, "") + _block("ACSIssuer", "bank", issuer) + _block("ACSDirectoryServer", "scheme", ds)


def _srv(node):
    o, lab = node.options, node.lab
    ranges = o.srv_ranges or [(a, z, o.supported.split(",")[-1]) for a, z in o.card_ranges]
    server = [f"ThreeDSStore {o.store or lab.redis.url}", f"ThreeDSMasterKey file:{node.master_key}",
              f"ThreeDSSupportedVersions {o.supported}",
              f"ThreeDSServerURL {node.results_url}", f"ThreeDSBrowserURL {node.browser_url}",
              "ThreeDSServerRefNumber 3DS_LOA_SER_TEST_020200_00001", "ThreeDSServerOperatorID SER-OPERATOR-1"]
    ds = ["ThreeDSEnvironment test", f"ThreeDSDSURL {lab.ds.url_3dss}", f"ThreeDSDSClientCAFile {lab.pki.ca('ds-ca')}",
          o.ds_names and f"ThreeDSDSClientName {o.ds_names}",
          *(f"ThreeDSCardRange {a} {z} {v}" for a, z, v in ranges),
          f"ThreeDSDSReferenceNumber {lab.ds.reference}", f"ThreeDSAResTimeout {o.ares_timeout}", *o.srv_ds]
    requestor = [f"ThreeDSKey sha256:{lab.key_hash(lab.KEY)}", "ThreeDSEnvironment test", "ThreeDSRequestorID REQUESTOR-1",
                 'ThreeDSRequestorName "Corner Shop"', "ThreeDSRequestorURL https://shop.test",
                 'ThreeDSMerchant MERCHANT-1 400551 5411 276 "Corner Shop"',
                 f"ThreeDSReturnOrigin {lab.shop.url}", *o.requestor]
    other = [f"ThreeDSKey sha256:{lab.key_hash(lab.OTHER_KEY)}",
             f"ThreeDSClientCertificate sha256:{lab.pki.fingerprint('requestor-client')}",
             "ThreeDSEnvironment test", "ThreeDSRequestorID REQUESTOR-2", 'ThreeDSRequestorName "Other Shop"',
             "ThreeDSRequestorURL https://other.test", 'ThreeDSMerchant MERCHANT-2 400551 5411 276 "Other Shop"',
             f"ThreeDSReturnOrigin {lab.shop.url}"]
    return (_lines(server, "") + _block("ThreeDSDirectoryServer", "scheme", ds) +
            _block("ThreeDSRequestor", "shop", requestor) + _block("ThreeDSRequestor", "other", other))


def _location(path, *lines):
    return f"  <Location {path}>\n{_lines(lines, '    ')}  </Location>\n"


def _hosts(node):
    o, pki, out = node.options, node.lab.pki, []

    def endpoint(on, path, line):
        return _location(path, line) if on else ""

    def tls(name, *more):
        return TLS.format(cert=pki.cert(name), key=pki.key(name)) + _lines(more)

    ca = pki.ca("ds-ca")
    out.append(HOST.format(port=node.ds_port, scheme="https", body=endpoint(o.acs, "/acs/areq", "ACSEndpoint areq") +
                           endpoint(o.srv, "/3ds/results", "ThreeDSEndpoint results"),
                           tls=tls("acs-ds", f'SSLCACertificateFile "{ca}"', "SSLVerifyClient require",
                                   "SSLVerifyDepth 2", *o.ds_tls)))
    out.append(HOST.format(port=node.public_port, scheme="https", tls=tls("public"),
                           body=endpoint(o.acs, "/acs/challenge", "ACSEndpoint challenge") +
                           endpoint(o.acs, "/acs/method", "ACSEndpoint method") +
                           endpoint(o.srv, "/3ds/browser", "ThreeDSEndpoint browser")))
    out.append(HOST.format(port=node.requestor_port, scheme="https",
                           tls=tls("public", f'SSLCACertificateFile "{pki.ca("commercial-ca")}"',
                                   "SSLVerifyClient optional", "SSLVerifyDepth 2"),
                           body=endpoint(o.srv, "/3ds/requestor", "ThreeDSEndpoint requestor") +
                           endpoint(o.acs, "/acs/issuer", "ACSEndpoint issuer")))
    out.append(HOST.format(port=node.local_port, scheme="http", tls="",
                           body=endpoint(o.acs, "/acs/status", "ACSEndpoint status") +
                           endpoint(o.srv, "/3ds/status", "ThreeDSEndpoint status") +
                           _location("/server-status", "SetHandler server-status")))
    return "\n".join(out)


def _proxies(node):
    o, lab, pki = node.options, node.lab, node.lab.pki
    parts = [PROXY_HEAD]

    def add(url, ca, client):
        line = f'  SSLProxyMachineCertificateFile "{pki.both(client)}"\n' if client else ""
        parts.append(PROXY.format(url=url, args=o.proxy, ca=pki.ca(ca), client=line))

    # One block per link: the DS sees the ACS and the 3DS Server with a certificate each.
    add(lab.ds.url_3dss, "ds-ca", "3dss-client")
    add(lab.ds.url_acs, "ds-ca", "acs-client")
    add(lab.issuer.url + "/", "commercial-ca", "acs-client")
    for peer in o.peers:
        add(*peer)
    return "".join(parts)


def write(node):
    """The text of httpd.conf."""
    o = node.options
    parts = [BASE.format(root=node.root, load=_load(node), log_level=o.log_level, children=o.children,
                         children_max=o.children_max, threads=o.threads, workers=o.threads * o.children_max),
             _proxies(node), _acs(node) if o.acs else "", _srv(node) if o.srv else "", _lines(o.main, ""), _hosts(node),
             _lines(o.end, "")]
    text = "\n".join(p for p in parts if p)
    return "\n".join(line for line in text.splitlines() if not line.strip().startswith(o.of_release)) + "\n" if o.of_release else text
