"""A browser's authenticator for secure payment confirmation: a credential, and assertions made with it."""
import base64
import hashlib
import json
import os

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def _url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Authenticator:
    """One key pair. credential: what the issuer knows of it (docs/api/issuer.md)."""

    def __init__(self, rp_id):
        self.rp_id, self._key = rp_id, ec.generate_private_key(ec.SECP256R1())
        self.id = _url(os.urandom(16))
        der = self._key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.credential = {"id": self.id, "publicKey": base64.b64encode(der).decode()}

    def assertion(self, offer, origin, **more):
        """The PublicKeyCredential as its toJSON() gives it, for a spcTransData; more: members of the client data's payment
        besides, or other than what was offered."""
        payment = {"rpId": self.rp_id, "topOrigin": origin, **{n: offer[n] for n in ("payeeOrigin",) if n in offer},
                   "total": {"value": offer["value"], "currency": offer["currency"]},
                   "instrument": {"icon": offer["icon"], "displayName": offer["displayName"]}, **more}
        client = json.dumps({"type": "payment.get", "challenge": offer["challenge"], "origin": origin, "crossOrigin": False,
                             "payment": payment}).encode()
        # User present and verified; a counter of 1
        data = hashlib.sha256(self.rp_id.encode()).digest() + b"\x05" + b"\x00\x00\x00\x01"
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return {"id": self.id, "rawId": self.id, "type": "public-key", "response": {
            "clientDataJSON": _url(client), "authenticatorData": _url(data), "signature": _url(signature)}}
