"""Card data, codes and keys that may stand nowhere: as they are, in base64 or base64url, and in hex."""
import base64


def forms(secret):
    """The byte strings a secret might be recognised by."""
    raw = secret.encode()
    out = {raw, raw.hex().encode(), raw.hex().upper().encode()}
    # In base64 a text looks different by where it begins; the ends mix with what is beside it.
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw)
        middle = text[(0, 2, 3)[shift]:len(text) - 4 if (len(raw) + shift) % 3 else len(text)]
        if len(middle) >= 8:
            out |= {middle, middle.replace(b"+", b"-").replace(b"/", b"_")}
    return out


class Vault:
    """What is known to be secret, and the search for it. Cards and keys stay; values are those of one test."""

    VALUES_MAX = 40  # a load test makes hundreds

    def __init__(self, *always):
        self._always = {s: forms(s) for s in always}
        self._values = {}

    def always(self, *secrets):
        self._always.update({s: forms(s) for s in secrets})

    def values(self, secrets):
        self._values = {s: forms(s) for s in sorted(set(secrets))[:self.VALUES_MAX]}

    def find(self, data):
        """The first secret that data (bytes) holds, or None."""
        for known in (self._always, self._values):
            for secret, shapes in known.items():
                if any(s in data for s in shapes):
                    return secret
        return None
