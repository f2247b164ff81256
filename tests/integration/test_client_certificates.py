"""Who a peer is, is told by the certificate that counts now: one that comes later in a connection is looked at."""
import http.client
import ssl

import pytest

from lab.conf import TLS
from lab.procs import free_port
from sim import messages

PORT = free_port()


def host(lab):
    """Two Locations of one endpoint: the second one asks for a certificate while the connection is up."""
    tls = TLS.format(cert=lab.pki.cert("public"), key=lab.pki.key("public"))
    return [f"Listen 127.0.0.1:{PORT} https", f"<VirtualHost 127.0.0.1:{PORT}>", "ServerName localhost", *tls.splitlines(),
            f'SSLCACertificateFile "{lab.pki.ca("commercial-ca")}"', "<Location /open>", "ThreeDSEndpoint requestor", "</Location>",
            "<Location /asked>", "ThreeDSEndpoint requestor", "SSLVerifyClient require", "</Location>", "</VirtualHost>"]


@pytest.fixture(scope="module")
def node(session_lab):
    node = session_lab.node("certificates", end=host(session_lab))
    yield node
    session_lab.drop(node)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_certificate_that_comes_later(lab, node, version, logs):
    """TLS 1.2 by renegotiation, TLS 1.3 by authentication after the handshake (RFC 8446, 4.6.2)."""
    ctx = ssl.create_default_context(cafile=lab.pki.ca("commercial-ca"))
    ctx.minimum_version = ctx.maximum_version = version
    ctx.post_handshake_auth = True
    ctx.load_cert_chain(lab.pki.both("requestor-client"))
    conn = http.client.HTTPSConnection("localhost", PORT, context=ctx, timeout=10)

    def get(path):
        conn.request("GET", f"{path}/v1/authentications/{messages.new_id()}")
        answer = conn.getresponse()
        answer.read()
        return answer.status

    assert get("/open") == 401, "nobody was asked for a certificate"
    assert get("/asked") == 404, "a requestor: it has no such transaction"
    assert get("/open") == 404, "the connection has its certificate now"
