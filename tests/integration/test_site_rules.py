"""The site's own rules do not take a request for an endpoint, nor change the answer to it: each alone, and with each other one that
acts in the same phase of httpd."""
import http.server
import itertools
import json
import os
import re
import threading
import urllib.parse

import pytest

from lab.conf import TLS
from lab.httpd import CHALLENGE
from lab.payment import Payment
from lab.procs import free_port
from sim import messages

MODULES = ("rewrite", "dir", "negotiation", "env", "setenvif", "remoteip", "expires", "include", "substitute",
           "actions", "auth_basic", "autoindex", "ext_filter", "cache", "cache_disk", "ratelimit", "dumpio", "unique_id", "logio")


class BackEnd(http.server.BaseHTTPRequestHandler):
    """What a rule of the site leads to; whatever comes here is lost to us."""
    seen = []

    def answer(self):
        self.seen.append((self.command, self.path, self.rfile.read(int(self.headers.get("Content-Length") or 0))))
        body = b"the shop"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def back_end():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), BackEnd)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


# name -> (phase, lines of the virtual host); {shop} is the back end
RULES = {
    "ProxyPass": ("translate", ["ProxyPass / {shop}/"]),
    "ProxyPassMatch": ("translate", ["ProxyPassMatch ^/(.*)$ {shop}/$1"]),
    "ProxyPass-encoded": ("translate", ["ProxyPass / {shop}/ mapping=encoded"]),
    "Location-ProxyPass": ("translate", ['<Location "/">', "ProxyPass {shop}/", "</Location>"]),
    "Rewrite-proxy": ("translate", ["RewriteEngine On", "RewriteRule ^/(.*)$ {shop}/$1 [P]"]),
    "Rewrite-redirect": ("translate", ["RewriteEngine On", "RewriteRule ^ https://elsewhere.test/ [R=302,L]"]),
    "Rewrite-forbidden": ("translate", ["RewriteEngine On", "RewriteRule ^ - [F]"]),
    "Rewrite-file": ("translate", ["RewriteEngine On", "RewriteRule ^ /index.html"]),
    "Alias": ("translate", ['Alias / "{root}/htdocs/"']),
    "AliasMatch": ("translate", ['AliasMatch ^/ "{root}/htdocs/index.html"']),
    "Redirect": ("translate", ["Redirect 301 / https://elsewhere.test/"]),
    "ScriptAlias": ("translate", ['ScriptAlias /acs "{root}/htdocs/"', 'ScriptAlias /3ds "{root}/htdocs/"']),
    "FallbackResource": ("fixups", ["FallbackResource /index.html"]),
    "DirectoryIndex": ("fixups", ["DirectoryIndex index.html", "DirectorySlash On"]),
    "MultiViews": ("type", ['<Location "/">', "Options +MultiViews", "</Location>"]),
    "SetHandler": ("type", ['<Location "/">', "SetHandler server-status", "</Location>"]),
    "ForceType": ("type", ['<Location "/">', "ForceType text/plain", "</Location>"]),
    "AddHandler": ("type", ["AddType text/plain .x", "Action text/plain /index.html"]),
    "ErrorDocument": ("answer", [f"ErrorDocument {s} /index.html" for s in (400, 401, 403, 404, 405, 413, 500, 503)]),
    "deflate": ("filter", ["SetOutputFilter DEFLATE"]),
    "deflate-by-type": ("filter", ["AddOutputFilterByType DEFLATE text/html application/json text/plain"]),
    "includes": ("filter", ["SetOutputFilter INCLUDES"]),
    "substitute": ("filter", ["AddOutputFilterByType SUBSTITUTE text/html application/json", 'Substitute "s/e/E/"']),
    "expires": ("filter", ["ExpiresActive On", 'ExpiresDefault "access plus 1 year"']),
    "headers-unset": ("filter", ["Header unset Content-Type", "Header unset Content-Security-Policy", "Header unset Cache-Control"]),
    "headers-set": ("filter", ["Header set Content-Type text/plain", "Header always set Content-Security-Policy \"default-src *\"",
                               "Header always set X-Frame-Options SAMEORIGIN", "Header set Cache-Control public"]),
    "headers-edit": ("filter", ['Header edit Content-Security-Policy "none" "all"', "Header always append Content-Type x"]),
    "remoteip": ("read", ["RemoteIPHeader X-Forwarded-For"]),
    "request-host": ("read", ["RequestHeader set Host elsewhere.test early", "RequestHeader set X-Late y"]),
    "request-range": ("read", ['RequestHeader set Range "bytes=0-1" early', "MaxRanges unlimited"]),
    "accept-encoding": ("read", ["RequestHeader set Accept-Encoding gzip early"]),
    "setenv": ("read", ["SetEnv downgrade-1.0 1", "SetEnvIf Request_URI . no-gzip=0 force-response-1.0=1"]),
    "cache": ("quick", ["CacheEnable disk /", 'CacheRoot "{root}/run"', "CacheIgnoreCacheControl On", "CacheStoreNoStore On"]),
    "ratelimit": ("filter", ["SetOutputFilter RATE_LIMIT", "SetEnv rate-limit 4000"]),
}
PAIRS = [pair for pair in itertools.combinations(RULES, 2) if RULES[pair[0]][0] == RULES[pair[1]][0]]
CASES = [(name,) for name in RULES] + PAIRS

HOST = """Listen 127.0.0.1:{port} https
<VirtualHost 127.0.0.1:{port}>
  ServerName localhost
{rules}
{tls}  SSLCACertificateFile "{ca}"
  SSLVerifyClient require
{endpoints}
</VirtualHost>
"""
ENDPOINTS = {"/acs/areq": "ACSEndpoint areq", "/acs/challenge": "ACSEndpoint challenge", "/acs/status": "ACSEndpoint status",
             "/3ds/results": "ThreeDSEndpoint results", "/3ds/browser": "ThreeDSEndpoint browser",
             "/3ds/requestor": "ThreeDSEndpoint requestor", "/3ds/status": "ThreeDSEndpoint status"}


def host(lab, root, port, shop, names):
    """A virtual host with all endpoints, the rules of names before them."""
    rules = "".join(f"  {line}\n" for name in names for line in RULES[name][1]).replace("{shop}", shop).replace("{root}", root)
    endpoints = "".join(f"  <Location {path}>\n    {line}\n  </Location>\n" for path, line in ENDPOINTS.items())
    tls = TLS.format(cert=lab.pki.cert("public"), key=lab.pki.key("public"))
    return HOST.format(port=port, rules=rules, tls=tls, ca=lab.pki.ca("ds-ca"), endpoints=endpoints).splitlines()


@pytest.fixture(scope="module")
def site(session_lab, back_end):
    """A node with a virtual host for each case: (node, ports)."""
    ports = {names: free_port() for names in CASES}
    root = os.path.join(session_lab.directory, "site")
    node = session_lab.node("site", modules=MODULES, main=["ACSRetryInterval 1s"],
                            end=[line for names, port in ports.items() for line in host(session_lab, root, port, back_end, names)])
    yield node, ports
    session_lab.drop(node)


def unharmed(answer, status, kind):
    """As we made it: whole, of its type, not to be stored, nobody's frame rule."""
    assert answer.status == status, answer
    assert answer.content_type.lower().replace(" ", "") == kind, answer.headers
    assert answer.headers["cache-control"] == "no-store" and "content-encoding" not in answer.headers
    assert "x-frame-options" not in answer.headers
    if answer.body:
        assert int(answer.headers["content-length"]) == len(answer.body)


@pytest.mark.parametrize("names", [pytest.param(names, id="+".join(names)) for names in CASES])
def test_endpoints_are_ours(lab, site, names):
    node, ports = site
    url = f"https://localhost:{ports[names]}"
    client = lab.client(cert="ds-client")
    asks = {"Accept-Encoding": "gzip, deflate", "Range": "bytes=0-1", "Accept": "text/plain;q=1"}
    BackEnd.seen.clear()

    answer = client.request("POST", url + "/acs/areq", json.dumps(lab.areq(CHALLENGE)).encode(),
                            {"Content-Type": "application/json; charset=utf-8", **asks})
    unharmed(answer, 200, "application/json;charset=utf-8")
    ares = answer.json()
    assert ares["transStatus"] == "C"

    form = urllib.parse.urlencode({"creq": messages.b64url(messages.creq(ares))}).encode()
    answer = client.request("POST", url + "/acs/challenge", form, {"Content-Type": "application/x-www-form-urlencoded", **asks})
    unharmed(answer, 200, "text/html;charset=utf-8")
    policies = [p.strip() for p in answer.headers["content-security-policy"].split(",")]
    assert len(policies) == 1 and policies[0].startswith("default-src 'none'; base-uri 'none'; ")
    assert b'name="otp"' in answer.body

    auth = {"Authorization": "Bearer " + lab.KEY, "Content-Type": "application/json", **asks}
    body = json.dumps({"deviceChannel": "02", "messageCategory": "01", "acctNumber": CHALLENGE, "returnURL": lab.shop.url + "/return"})
    answer = client.request("POST", url + "/3ds/requestor/v1/authentications", body.encode(), auth)
    unharmed(answer, 201, "application/json;charset=utf-8")
    trans_id = answer.json()["threeDSServerTransID"]
    unharmed(client.request("GET", url + "/3ds/requestor/v1/authentications/" + trans_id, None, auth), 200, "application/json;charset=utf-8")

    for path, status in (("/acs/status/ready", 200), ("/3ds/status/health", 200)):
        unharmed(client.request("GET", url + path, None, asks), status, "application/json")
    for path in ("/acs/challenge/nothing", "/3ds/browser/", "/acs/areq/"):
        answer = client.request("GET", url + path, None, asks)
        assert (answer.status, answer.body, answer.content_type) == (404, b"", "")
    assert not BackEnd.seen, "a request for an endpoint went to the back end of the site"


PROXIED = ["ProxyPass", "ProxyPassMatch", "Location-ProxyPass", "Rewrite-proxy", "Redirect", "Alias"]


@pytest.mark.parametrize("ours_first", [False, True])
def test_payment_through_rules(lab, session_lab, back_end, ours_first):
    """A whole payment where all that is not an endpoint is the shop's, whichever modules are loaded first."""
    node = session_lab.node("through", start=False, modules=MODULES, ours_first=ours_first)
    write = node.write_conf

    def with_rules(text=None):
        path = write(text)
        with open(path, encoding="utf-8") as f:
            lines = [line for name in PROXIED for line in RULES[name][1]]
            conf = re.sub(r"(<VirtualHost .*>\n)", lambda m: m[1] + "\n".join(lines) + "\n", f.read())
        with open(path, "w", encoding="utf-8") as f:
            f.write(conf.replace("{shop}", back_end).replace("{root}", node.root))
        return path
    node.write_conf = with_rules
    BackEnd.seen.clear()
    node.start()
    lab.ds.set_acs(node.areq_url)
    try:
        assert Payment(lab, CHALLENGE, node).pay()["transStatus"] == "Y"
        assert not BackEnd.seen
        assert lab.client().request("GET", f"https://localhost:{node.public_port}/basket").body == b"the shop"
    finally:
        session_lab.drop(node)
