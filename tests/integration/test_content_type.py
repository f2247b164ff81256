"""What a message says it is: application/json; charset=utf-8, to the letter, since peers in the field refuse others
(X-HTTP-03). Replies of the modules, and what they send themselves."""
from lab.httpd import CHALLENGE, FRICTIONLESS
from lab.payment import Payment
from sim import messages

TYPE = "application/json; charset=utf-8"


def sent(lab, kind, **match):
    """The Content-Types of what came in at the DS."""
    return [r["headers"].get("content-type") for r in lab.ds.wait(kind, **match)]


def test_of_a_payment(lab, node):
    """AReq, ARes, RReq, RRes."""
    p = Payment(lab, CHALLENGE, node)
    p.open()
    p.press(otp=p.otp())
    assert sent(lab, "areq", threeDSServerTransID=p.id) == [TYPE]
    assert sent(lab, "rreq", threeDSServerTransID=p.id) == [TYPE]
    assert sent(lab, "3dss_answer", threeDSServerTransID=p.id) == [TYPE]
    assert lab.ds.post_acs(lab.areq(FRICTIONLESS)).content_type == TYPE


def test_of_an_erro_in_reply(lab, node, logs):
    logs.expect("ACS0063", "SRV0062")
    for answer in (lab.ds.post_acs(lab.areq(FRICTIONLESS, acctNumber=None)), lab.ds.post_acs("rubbish"),
                   lab.ds.post_3dss({"messageType": "RReq", "messageVersion": "2.2.0"}, node.results_url)):
        assert answer.json()["messageType"] == "Erro" and answer.content_type == TYPE, answer


def erro_at_the_ds(lab, trans_id, component):
    record, = lab.ds.wait("erro", threeDSServerTransID=trans_id)
    message, text = record["message"], record["message"]["errorDescription"]
    assert (message["errorCode"], message["errorComponent"]) == ("203", component)
    assert record["headers"].get("content-type") == TYPE
    assert message["errorDetail"] == "messageVersion" and "2.1.0" in text and "2.2.0" in text, text  # both are told
    lab.ds.wait("erro_out", threeDSServerTransID=trans_id)


def test_of_an_erro_about_an_ares(lab, node, logs):
    logs.expect("SRV0031", "ACS0062")  # the DS hands it on
    lab.ds.fault("ares", "set", values={"messageVersion": "2.1.0"})
    api = lab.requestor(node)
    made = api.create(CHALLENGE, lab.shop.url + "/return").json()["threeDSServerTransID"]
    assert api.authenticate(made, {**messages.purchase(), **messages.browser()}).status == 502
    erro_at_the_ds(lab, made, "S")


def test_of_an_erro_about_an_rres(lab, node, logs):
    logs.expect("ACS0071", "SRV0061")
    lab.ds.fault("rres", "set", values={"messageVersion": "2.1.0"})
    p = Payment(lab, CHALLENGE, node)
    p.open()
    p.press(otp=p.otp())
    erro_at_the_ds(lab, p.id, "A")
