"""A test PKI: three authorities and a certificate for every role of the links b, b', c, c', d and a.

Each certificate NAME has NAME.pem (certificate), NAME.key and NAME.both.pem (certificate and key in one file, as
SSLProxyMachineCertificateFile wants it). An authority has NAME.pem and NAME.key.

    python3 tests/sim/pki.py DIRECTORY
"""
import datetime
import hashlib
import ipaddress
import json
import os
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITIES = ("ds-ca", "foreign-ca", "commercial-ca")
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH

# name: (authority, common name, usages)
CERTIFICATES = {
    "acs-ds": ("ds-ca", "acs.test", (SERVER,)),
    "acs-ds-ec": ("ds-ca", "acs.test", (SERVER,)),  # with an EC key: X-TLS-02
    "acs-client": ("ds-ca", "acs-client.test", (CLIENT,)),
    "3dss-ds": ("ds-ca", "3dss.test", (SERVER,)),
    "3dss-client": ("ds-ca", "3dss-client.test", (CLIENT,)),
    "ds-server": ("ds-ca", "ds.test", (SERVER,)),
    "ds-client": ("ds-ca", "ds-client.test", (CLIENT,)),
    "public": ("commercial-ca", "public.test", (SERVER,)),
    "shop": ("commercial-ca", "shop.test", (SERVER,)),
    "issuer": ("commercial-ca", "issuer.test", (SERVER,)),
    "requestor-client": ("commercial-ca", "requestor.test", (CLIENT,)),
    "foreign-client": ("foreign-ca", "ds-client.test", (CLIENT,)),
    "foreign-server": ("foreign-ca", "ds.test", (SERVER,)),
    "expired-server": ("ds-ca", "ds.test", (SERVER,)),
    "wrong-name-server": ("ds-ca", "elsewhere.test", (SERVER,)),
}


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "3-D Secure test"),
                      x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key(name=""):
    if name.endswith("-ec"):
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _names(name, common_name):
    names = [x509.DNSName(common_name)]
    if name != "wrong-name-server":
        names += [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return x509.SubjectAlternativeName(names)


def _builder(subject, issuer, key, start, end):
    return (x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end))


def _usage(**yes):
    names = ("digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign "
             "crl_sign encipher_only decipher_only").split()
    return x509.KeyUsage(**{n: yes.get(n, False) for n in names})


def _write(path, data, mode=0o644):
    with open(path, "wb") as f:
        os.chmod(path, mode)
        f.write(data)


def _save(directory, name, cert, key, key_mode):
    pem = cert.public_bytes(serialization.Encoding.PEM)
    key_pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    _write(os.path.join(directory, name + ".pem"), pem)
    _write(os.path.join(directory, name + ".key"), key_pem, key_mode)
    _write(os.path.join(directory, name + ".both.pem"), pem + key_pem, key_mode)


class PKI:
    """Paths: pki.cert("public"), pki.key("public"), pki.both("acs-client"), pki.ca("ds-ca")."""

    def __init__(self, directory):
        self.directory = directory

    def _path(self, name, suffix):
        if name not in CERTIFICATES and name not in AUTHORITIES:
            raise KeyError(name)
        return os.path.join(self.directory, name + suffix)

    def cert(self, name):
        return self._path(name, ".pem")

    def key(self, name):
        return self._path(name, ".key")

    def both(self, name):
        return self._path(name, ".both.pem")

    ca = cert

    def issue(self, path, ca, common_name, days=365, usages=(CLIENT,)):
        """One more certificate with its key, in one file: another member of the scheme, or one that ends soon."""
        with open(self.ca(ca), "rb") as f:
            ca_cert = x509.load_pem_x509_certificate(f.read())
        with open(self.key(ca), "rb") as f:
            ca_key = serialization.load_pem_private_key(f.read(), None)
        now, key = datetime.datetime.utcnow().replace(microsecond=0), _key()
        cert = (_builder(common_name, ca_cert.subject, key, now - datetime.timedelta(days=2), now + datetime.timedelta(days=days))
                .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                .add_extension(x509.ExtendedKeyUsage(list(usages)), critical=False)
                .add_extension(x509.SubjectAlternativeName([x509.DNSName(common_name)]), critical=False)
                .sign(ca_key, hashes.SHA256()))
        _write(path, cert.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return path

    def fingerprint(self, name):
        """SHA-256 of the DER form, lower-case hex."""
        with open(self.cert(name), "rb") as f:
            cert = x509.load_pem_x509_certificate(f.read())
        return hashlib.sha256(cert.public_bytes(serialization.Encoding.DER)).hexdigest()


def make(directory, key_mode=0o600):
    """Fill directory; what is there already and complete is kept."""
    os.makedirs(directory, exist_ok=True)
    done = os.path.join(directory, "done.json")
    if os.path.exists(done):
        return PKI(directory)
    now = datetime.datetime.utcnow().replace(microsecond=0)
    start, end = now - datetime.timedelta(days=1), now + datetime.timedelta(days=365)
    authority = {}
    for name in AUTHORITIES:
        key = _key()
        cert = (_builder(name + ".test", _name(name + ".test"), key, start, end)
                .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
                .sign(key, hashes.SHA256()))
        authority[name] = (cert, key)
        _save(directory, name, cert, key, key_mode)
    for name, (ca, common_name, usages) in CERTIFICATES.items():
        key = _key(name)
        ca_cert, ca_key = authority[ca]
        until = now - datetime.timedelta(hours=1) if name == "expired-server" else end
        cert = (_builder(common_name, ca_cert.subject, key, start, until)
                .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                .add_extension(_usage(digital_signature=True, key_encipherment=True), critical=True)
                .add_extension(x509.ExtendedKeyUsage(list(usages)), critical=False)
                .add_extension(_names(name, common_name), critical=False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()),
                               critical=False)
                .sign(ca_key, hashes.SHA256()))
        _save(directory, name, cert, key, key_mode)
    _write(done, json.dumps({"made": now.isoformat() + "Z"}).encode())
    return PKI(directory)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: pki.py DIRECTORY")
    make(sys.argv[1])
