"""A client of the requestor API, as a merchant's back end would write one."""
import urllib.parse

if __package__ in (None, ""):
    import net
else:
    from . import net


class Requestor:
    def __init__(self, url, ca, key=None, both=None, timeout=40):
        """url: without the /v1; key: bearer key; both: client certificate and key in one PEM file."""
        self.url, self.key = url.rstrip("/"), key
        self.client = net.Client(net.client_context(ca, both), timeout=timeout)

    def call(self, method, path, value=None, headers=(), key=None, timeout=None):
        out = dict(headers)
        if key or self.key:
            out.setdefault("Authorization", "Bearer " + (key or self.key))
        if value is None:
            return self.client.request(method, self.url + path, None, out, timeout)
        return self.client.post_json(self.url + path, value, out, timeout=timeout)

    def create(self, pan, return_url=None, idempotency_key=None, **more):
        value = dict({"deviceChannel": "02", "messageCategory": "01", "acctNumber": pan}, **more)
        if return_url:
            value["returnURL"] = return_url
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self.call("POST", "/v1/authentications", value, headers)

    def authenticate(self, trans_id, data):
        return self.call("POST", f"/v1/authentications/{trans_id}/authenticate", data)

    def get(self, trans_id, wait=None):
        query = "?" + urllib.parse.urlencode({"wait": wait}) if wait else ""
        return self.call("GET", f"/v1/authentications/{trans_id}{query}")
