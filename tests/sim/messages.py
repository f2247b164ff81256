"""Messages of protocol version 2.2.0 as a Directory Server, a 3DS Requestor or a browser would write them."""
import base64
import json
import time
import uuid

VERSION = "2.2.0"


def b64url(data):
    if isinstance(data, dict):
        data = json.dumps(data, separators=(",", ":"))
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def new_id():
    return str(uuid.uuid4())


def _merged(base, over):
    """over replaces; a value of None removes."""
    base.update(over)
    return {k: v for k, v in base.items() if v is not None}


def browser(javascript=True, **over):
    data = {
        "browserAcceptHeader": "text/html,application/xhtml+xml,*/*;q=0.8",
        "browserIP": "192.0.2.10",
        "browserLanguage": "en",
        "browserUserAgent": "Mozilla/5.0 (X11; Linux x86_64) Test/1.0",
        "browserJavascriptEnabled": javascript,
    }
    if javascript:
        data.update({"browserJavaEnabled": False, "browserColorDepth": "24", "browserScreenHeight": "1080",
                     "browserScreenWidth": "1920", "browserTZ": "-60"})
    return _merged(data, over)


def purchase(**over):
    """What a 3DS Requestor hands to its 3DS Server beside browser data."""
    return _merged({
        "threeDSRequestorAuthenticationInd": "01",
        "threeDSRequestorChallengeInd": "01",
        "cardExpiryDate": "3012",
        "cardholderName": "Test Cardholder",
        "email": "cardholder@example.com",
        "purchaseAmount": "12345",
        "purchaseCurrency": "978",
        "purchaseExponent": "2",
        "transType": "01",
    }, over)


def areq(pan="4000000000000002", server_url="https://localhost/3ds/results",
         notification_url="https://localhost/notify", **over):
    """An AReq as the 3DS Server sends it (browser, payment)."""
    message = {
        "messageType": "AReq",
        "messageVersion": VERSION,
        "messageCategory": "01",
        "deviceChannel": "02",
        "threeDSServerTransID": new_id(),
        "threeDSServerRefNumber": "3DS_LOA_SER_TEST_020200_00001",
        "threeDSServerOperatorID": "SER-OPERATOR-1",
        "threeDSServerURL": server_url,
        "threeDSCompInd": "U",
        "threeDSRequestorID": "REQUESTOR-1",
        "threeDSRequestorName": "Corner Shop",
        "threeDSRequestorURL": "https://shop.test",
        "acquirerBIN": "400551",
        "acquirerMerchantID": "MERCHANT-1",
        "acctNumber": pan,
        "mcc": "5411",
        "merchantCountryCode": "276",
        "merchantName": "Corner Shop",
        "notificationURL": notification_url,
        "purchaseDate": time.strftime("%Y%m%d%H%M%S", time.gmtime()),
    }
    message.update(purchase())
    message.update(browser())
    return _merged(message, over)


def ds_areq(ds_url="https://localhost/acs", **over):
    """The same as the Directory Server passes it on to the ACS."""
    message = areq(**{k: v for k, v in over.items() if k in ("pan", "server_url", "notification_url")})
    message.update({"dsReferenceNumber": "3DS_LOA_DIS_TEST_020200_00001", "dsTransID": new_id(), "dsURL": ds_url})
    return _merged(message, {k: v for k, v in over.items() if k not in ("pan", "server_url", "notification_url")})


def creq(ares, window="02", **over):
    return _merged({
        "messageType": "CReq",
        "messageVersion": ares["messageVersion"],
        "threeDSServerTransID": ares["threeDSServerTransID"],
        "acsTransID": ares["acsTransID"],
        "challengeWindowSize": window,
    }, over)


def ares(request, status="Y", **over):
    """An ARes for tests that stand in for the ACS."""
    message = {
        "messageType": "ARes",
        "messageVersion": request["messageVersion"],
        "threeDSServerTransID": request["threeDSServerTransID"],
        "dsTransID": request["dsTransID"],
        "dsReferenceNumber": request["dsReferenceNumber"],
        "acsTransID": new_id(),
        "acsReferenceNumber": "3DS_LOA_ACS_TEST_020200_00001",
        "acsOperatorID": "ACS-OPERATOR-1",
        "transStatus": status,
    }
    if status in ("Y", "A"):
        message.update({"eci": "05" if status == "Y" else "06", "authenticationValue": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="})
    if status in ("N", "U", "R"):
        message["transStatusReason"] = "01"
    if status == "C":
        message.update({"acsURL": "https://localhost/acs/challenge", "acsChallengeMandated": "N",
                        "authenticationType": "02"})
    return _merged(message, over)


def rreq(answer, status="Y", **over):
    """An RReq after an ARes with C."""
    message = {
        "messageType": "RReq",
        "messageVersion": answer["messageVersion"],
        "messageCategory": "01",
        "threeDSServerTransID": answer["threeDSServerTransID"],
        "dsTransID": answer["dsTransID"],
        "acsTransID": answer["acsTransID"],
        "transStatus": status,
        "interactionCounter": "01",
        "authenticationType": "02",
    }
    if status in ("Y", "A"):
        message.update({"eci": "05", "authenticationValue": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="})
    if status in ("N", "U", "R"):
        message["transStatusReason"] = "19"
    return _merged(message, over)


def rres(request, status="01", **over):
    message = {k: request[k] for k in ("messageVersion", "threeDSServerTransID", "dsTransID", "acsTransID")}
    return _merged(dict(message, messageType="RRes", resultsStatus=status), over)


IDS = ("threeDSServerTransID", "acsTransID", "dsTransID", "sdkTransID")


def erro(request, code, component="D", description="", detail="", **over):
    """The Error Message about request."""
    request = request if isinstance(request, dict) else {}
    message = {
        "messageType": "Erro",
        "messageVersion": request.get("messageVersion", VERSION),
        "errorCode": str(code),
        "errorComponent": component,
        "errorDescription": description or "error",
        "errorDetail": detail or "none",
    }
    if request.get("messageType"):
        message["errorMessageType"] = request["messageType"]
    message.update({k: request[k] for k in IDS if request.get(k)})
    return _merged(message, over)
