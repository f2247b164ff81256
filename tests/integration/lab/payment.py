"""A payment through both modules: requestor, 3DS Server, DS, ACS, browser."""
import re

from sim import messages

from .pages import Cardholder


class Payment(Cardholder):
    SETTLE = 20

    def __init__(self, lab, pan, srv, acs=None, **data):
        """srv, acs: the nodes that serve (acs None: the DS's)."""
        self.lab, self.srv, self.acs = lab, srv, acs or srv
        self.api = lab.requestor(srv)
        made = self.api.create(pan, lab.shop.url + "/return")
        assert made.status == 201, made
        self.id = made.json()["threeDSServerTransID"]
        answer = self.api.authenticate(self.id, {**messages.purchase(), **messages.browser(), **data})
        assert answer.status == 200, answer
        self.answer = answer.json()
        self.browser, self.page = lab.browser(), None

    @property
    def acs_id(self):
        return self.answer["acsTransID"]

    def open(self):
        self.page = self.browser.post(self.acs.challenge_url, {"creq": self.answer["creq"]})
        return self.page

    def otp(self):
        return self.lab.issuer.otp(self.acs_id)

    def message(self):
        return self.carried()[1]

    def back(self):
        """The final page's form to the notificationURL; the page that comes leads to the shop."""
        form = self.page.form(with_field="cres")
        assert form.action.startswith(self.srv.browser_url), form.action
        self.page = self.browser.post(form.action, form.values())
        assert self.page.status == 200 and self.lab.shop.url + "/return" in self.page.html
        return self.page

    def pay(self):
        """The whole challenge, with the right code; what the requestor reads then."""
        self.open()
        self.press(otp=self.otp())
        self.settle()
        assert self.message()["transStatus"] == "Y"
        self.back()
        return self.result()

    def result(self, wait=5):
        answer = self.api.get(self.id, wait)
        assert answer.status == 200, answer
        return answer.json()


def metric(lab, url, name):
    """The value of one counter, with its labels as written."""
    text = lab.client().request("GET", url + "/metrics").text
    found = re.search("^" + re.escape(name) + r" (\d+)$", text, re.M)
    assert found, name
    return int(found[1])
