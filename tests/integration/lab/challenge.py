"""A browser challenge at an ACS, step by step, without a 3DS Server: the DS answers the RReq itself."""
from sim import messages

from .pages import Cardholder

SESSION = "c2Vzc2lvbg"


class Challenge(Cardholder):
    """One transaction. areq, ares, browser; the pages in the order they came."""

    def __init__(self, lab, pan, session=SESSION, url=None, **over):
        self.lab, self.session = lab, session
        lab.ds.answers_rreq = lab.ds.answers_rreq or messages.rres
        self.areq = lab.areq(pan, **over)
        self.ares = lab.ds.post_acs(self.areq, url=url).json()
        self.id = self.ares.get("acsTransID")
        lab.ds.transactions[self.areq["threeDSServerTransID"]] = dict(self.areq, acsTransID=self.id)
        self.browser = lab.browser()
        self.page = None

    def creq(self, **over):
        return messages.creq(self.ares, **over)

    def open(self, creq=None, url=None):
        """Post the CReq form."""
        data = {"creq": messages.b64url(creq if creq is not None else self.creq())}
        if self.session is not None:
            data["threeDSSessionData"] = self.session
        self.page = self.browser.post(url or self.ares["acsURL"], data)
        return self.page

    def otp(self):
        return self.lab.issuer.otp(self.id)

    def wrong(self):
        """A code that is not the right one."""
        right = self.otp()
        return ("1" if right[0] != "1" else "2") + right[1:]

    def token(self):
        return self.page.form(with_field="token").values()["token"]

    def message(self):
        """The CRes or Erro that the page carries to the notificationURL."""
        form, message = self.carried()
        assert form.action == self.areq["notificationURL"], form.action
        return message

    def rreq(self, timeout=10):
        return self.lab.ds.wait("rreq", timeout=timeout, acsTransID=self.id)[-1]["message"]

    def rreqs(self):
        return [r["message"] for r in self.lab.ds.records.all("rreq", acsTransID=self.id)]
