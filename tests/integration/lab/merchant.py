"""A payment at a 3DS Server without an ACS: the DS answers the AReq itself, and a test plays the ACS behind it."""
from sim import messages


def data(**over):
    """What a requestor gives to authenticate."""
    return {k: v for k, v in {**messages.purchase(), **messages.browser(), **over}.items() if v is not None}


def answers(lab, status="Y", **over):
    """The DS answers with this ARes from now on."""
    lab.ds.answers = lambda areq: messages.ares(areq, status, **over)


class Payment:
    """create, and with status authenticate: the ARes has that transStatus."""

    def __init__(self, lab, node, pan, status=None, return_url=None, over=None, **more):
        self.lab, self.node = lab, node
        self.api = lab.requestor(node)
        self.made = self.api.create(pan, return_url)
        assert self.made.status == 201, self.made
        self.id = self.made.json()["threeDSServerTransID"]
        self.answer = None
        if status:
            answers(lab, status, **(over or {}))
            self.authenticate(**more)

    def authenticate(self, **more):
        self.answer = self.api.authenticate(self.id, data(**more))
        return self.answer

    def get(self, wait=None):
        answer = self.api.get(self.id, wait)
        assert answer.status == 200, answer
        return answer.json()

    def areqs(self):
        return [r["message"] for r in self.lab.ds.records.all("areq", threeDSServerTransID=self.id)]

    def ares(self):
        return self.lab.ds.transactions[self.id]["ares"]

    def rreq(self, status="Y", **over):
        """The RReq of the ACS as the DS passes it on."""
        return messages.rreq(self.ares(), status, **over)

    def post(self, message, cert="ds-client", node=None):
        return self.lab.ds.post_3dss(message, (node or self.node).results_url, cert)

    def erros(self, timeout=5, count=1):
        """What the 3DS Server posted to the DS about this transaction."""
        return [r["message"] for r in
                self.lab.ds.records.wait("erro", timeout, count, link="3dss", threeDSServerTransID=self.id)]
