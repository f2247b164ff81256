"""3DS Method at the ACS: the hidden page, what is kept, and what an AReq finds of it. Rules M-05 .. M-13."""
import json

import pytest

from lab.challenge import Challenge
from lab.httpd import FRICTIONLESS
from lab.payment import metric
from sim import messages

NOTIFY = "https://shop.test/method?a=1&b='x'"
# What the data says decides: a zone, a header, and whether there is any at all.
NODE = dict(srv=False, supported="2.1.0,2.2.0,2.3.1",
            rules=("deny:12 \"%{METHOD:timeZoneOffset} == '-600'\"", "deny:13 \"%{METHOD:timeZoneOffset} == '-540'\"",
                   "attempt \"%{METHOD:userAgent} == 'Special/1.0'\"",
                   "reject:12 \"%{METHOD:present} == 'N'\"", "frictionless \"true\""))


def request(server_id, url=NOTIFY, **more):
    return {"threeDSServerTransID": server_id, "threeDSMethodNotificationURL": url, **more}


def run_method(lab, node, server_id, field=None, url=NOTIFY, agent=None):
    browser = lab.browser()
    if agent:
        browser.headers["User-Agent"] = agent
    field = messages.b64url(request(server_id, url)) if field is None else field
    return browser.post(node.method_url, {"threeDSMethodData": field})


@pytest.mark.parametrize("form", ["flag&threeDSMethodData=%s", "threeDSMethodData=%s&flag", "%%&threeDSMethodD%%61ta=%s&=x"])
def test_form_as_browsers_parse_it(lab, node, form):
    """WHATWG URL 5.1; and a notification URL with a fragment is as good as one without (F-09)."""
    field = messages.b64url(request(messages.new_id(), "https://shop.test/done#frame"))
    page = lab.browser().open(node.method_url, "POST", (form % field).encode(), {"Content-Type": "application/x-www-form-urlencoded"})
    assert page.status == 200 and page.form(with_field="threeDSMethodData").action == "https://shop.test/done#frame"


def tell(lab, page, **data):
    """What the page's script posts."""
    return post_data(lab, page, json.dumps(data))


def post_data(lab, page, text, with_token=None):
    return lab.browser().post(attr(page, "data-url"), {"token": with_token or attr(page, "data-token"), "data": text},
                              follow=False)


def attr(page, name):
    return next(a for tag, a in page.tags if tag == "form")[name]


def status(lab, server_id, pan=FRICTIONLESS, **over):
    ares = Challenge(lab, pan, threeDSServerTransID=server_id, threeDSCompInd="Y", **over).ares
    return ares["transStatus"] + ares.get("transStatusReason", "")


def keys_of(lab, server_id):
    return [k for k in lab.redis.client.scan_iter() if f":m:{server_id.lower()}".encode() in k]


def test_page(lab, node):
    """[CM-001] [CM-009] Nothing to see, may be framed, carries the id and nothing else (M-07, M-08)."""
    server_id = messages.new_id()
    page = run_method(lab, node, server_id)
    assert page.status == 200 and page.header("content-type") == "text/html; charset=utf-8"
    form = page.form(with_field="threeDSMethodData")
    assert (form.method, form.action) == ("post", NOTIFY)
    value = form.values()["threeDSMethodData"]
    assert "=" not in value and list(form.inputs) == ["threeDSMethodData"]
    assert json.loads(messages.unb64url(value)) == {"threeDSServerTransID": server_id}
    assert all(i["type"] == "hidden" for i in form.inputs.values())
    # the only thing that could be seen is for browsers without scripts
    assert [t for t, _ in page.tags if t in ("noscript", "button")] == ["noscript", "button"]
    assert len(form.buttons) == 1 and page.text == "Continue"
    assert not [t for t, _ in page.tags if t in ("img", "iframe", "link", "video", "a", "h1", "p")]


def test_headers(lab, node):
    page = run_method(lab, node, messages.new_id())
    csp = dict(part.strip().split(" ", 1) for part in page.header("content-security-policy").split(";"))
    nonce = next(a["nonce"] for tag, a in page.tags if tag == "script")
    origin = node.method_url.split("/acs")[0]
    assert csp == {"default-src": "'none'", "base-uri": "'none'", "script-src": f"'nonce-{nonce}'", "connect-src": origin,
                   "form-action": "https:", "frame-ancestors": "https: http: file: data: blob: app: capacitor: ionic:"}
    assert not page.header("x-frame-options") and page.header("cache-control") == "no-store"
    assert page.header("referrer-policy") == "no-referrer" and not page.header("set-cookie")
    again = run_method(lab, node, messages.new_id())
    assert next(a["nonce"] for tag, a in again.tags if tag == "script") != nonce


def test_escaping(lab, node):
    """A URL is data: it neither ends the attribute nor reaches the script."""
    page = run_method(lab, node, messages.new_id())
    assert NOTIFY not in page.html and page.html.count("shop.test") == 1
    assert "fingerprint" not in page.html.lower()


@pytest.mark.parametrize("tail", ["", "=", "=="])
def test_padding(lab, node, tail):
    """[CM-003] M-05: with or without padding; what comes back has none."""
    server_id = messages.new_id()
    text = json.dumps(request(server_id, "https://shop.test/n"), separators=(",", ":"))
    text += " " * ((3 - len(text) % 3 + {"": 0, "=": 2, "==": 1}[tail]) % 3)
    page = run_method(lab, node, server_id, field=messages.b64url(text) + tail)
    assert page.status == 200 and "=" not in page.form(with_field="threeDSMethodData").values()["threeDSMethodData"]


ID = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e"
GARBAGE = [None, "", "x", "%", "e30", "W10", messages.b64url("null"), messages.b64url("{"), "A" * 12000,
           messages.b64url(request("no-uuid")), messages.b64url(request(ID + "0")),
           messages.b64url({"threeDSServerTransID": ID}), messages.b64url({"threeDSMethodNotificationURL": "https://shop.test/"}),
           messages.b64url(request(ID, "http://shop.test/")), messages.b64url(request(ID, "javascript:alert(1)")),
           messages.b64url(request(ID, "https://")), messages.b64url(request(ID, "https://shop.test/\"><script>")),
           messages.b64url(request(ID, 1)), messages.b64url(request(1)), messages.b64url(request(ID, "https://u@shop.test/")),
           messages.b64url('{"threeDSServerTransID":"%s","threeDSServerTransID":"%s",'
                           '"threeDSMethodNotificationURL":"https://shop.test/"}' % (ID, ID))]


@pytest.mark.parametrize("field", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage(lab, node, field):
    """[CM-004] A neutral page, and nothing is done."""
    fields = {} if field is None else {"threeDSMethodData": field}
    before = metric(lab, node.acs_status_url, 'acs_method_total{result="refused"}')
    page = lab.browser().post(node.method_url, fields, follow=False)
    assert page.status == 400 and "shop.test" not in page.html and not page.forms and not page.refresh
    assert not page.header("location") and page.text
    assert not keys_of(lab, ID)
    assert metric(lab, node.acs_status_url, 'acs_method_total{result="refused"}') == before + 1


def test_field_twice(lab, node):
    field = "threeDSMethodData=" + messages.b64url(request(ID))
    answer = lab.client().request("POST", node.method_url, field + "&" + field,
                                  {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 400 and not keys_of(lab, ID)


def test_methods_and_paths(lab, node, logs):
    logs.expect("TDS0401")
    client = lab.client()
    assert client.request("GET", node.method_url).status == 405
    assert client.request("POST", node.method_url + "/other", b"x=y").status == 404
    assert client.request("POST", node.method_url, b"x" * 20000).status == 413


def test_data_decides(lab, node):
    """[CM-006]"""
    server_id = messages.new_id()
    page = run_method(lab, node, server_id)
    answer = tell(lab, page, timeZoneOffset="-600", language="de", deviceId="0123456789abcdef" * 2)
    assert (answer.status, answer.html) == (204, "")
    assert status(lab, server_id) == "N12"


def test_what_the_server_sees_is_there_at_once(lab, node):
    """M-06, without any script."""
    server_id = messages.new_id()
    run_method(lab, node, server_id, agent="Special/1.0")
    assert status(lab, server_id) == "A"


def test_id_in_capitals(lab, node):
    """F-06"""
    server_id = messages.new_id()
    page = run_method(lab, node, server_id.upper())
    tell(lab, page, timeZoneOffset="-600")
    assert json.loads(messages.unb64url(page.form().values()["threeDSMethodData"]))["threeDSServerTransID"] == server_id.upper()
    assert status(lab, server_id) == "N12"


def test_nothing_stored(lab, node):
    """[CM-008] M-12: threeDSCompInd Y and nothing there counts as none."""
    assert status(lab, messages.new_id()) == "R12"


def test_the_last_run_before_the_areq_counts(lab, node):
    """M-13"""
    server_id = messages.new_id()
    tell(lab, run_method(lab, node, server_id), timeZoneOffset="-600")
    tell(lab, run_method(lab, node, server_id), timeZoneOffset="-540")
    assert status(lab, server_id) == "N13"
    other = messages.new_id()
    tell(lab, run_method(lab, node, other), timeZoneOffset="-600")
    run_method(lab, node, other)
    assert status(lab, other) == "Y"


def test_after_the_areq_it_is_ignored(lab, node):
    """M-13: seen by another AReq with the same threeDSServerTransID."""
    server_id = messages.new_id()
    page = run_method(lab, node, server_id)
    tell(lab, page, timeZoneOffset="-600")
    assert status(lab, server_id) == "N12"
    late = metric(lab, node.acs_status_url, 'acs_method_total{result="late"}')
    assert tell(lab, page, timeZoneOffset="-540").status == 204
    again = run_method(lab, node, server_id)
    assert again.status == 200 and again.form(with_field="threeDSMethodData")  # the browser goes on as ever
    tell(lab, again, timeZoneOffset="-540")
    assert metric(lab, node.acs_status_url, 'acs_method_total{result="late"}') == late + 3
    assert status(lab, server_id) == "N12"


def test_first_data_after_the_areq(lab, node):
    server_id = messages.new_id()
    assert status(lab, server_id) == "R12"
    tell(lab, run_method(lab, node, server_id), timeZoneOffset="-600")
    assert status(lab, server_id) == "R12"


def test_method_id(lab, node):
    """M-11: only from 2.3.1 on (there: CM-007); before, no such element is known, and the transaction's own run counts."""
    earlier, own = messages.new_id(), messages.new_id()
    tell(lab, run_method(lab, node, earlier), timeZoneOffset="-600")
    tell(lab, run_method(lab, node, own), timeZoneOffset="-540")
    assert status(lab, own, threeDSMethodId=earlier) == "N13"


@pytest.mark.parametrize("text", ['{"timeZoneOffset":-600}', '{"timeZoneOffset":"-600","more":"x"}', "", "[]", "{",
                                  '{"timeZoneOffset":{"a":"-600"}}', '{"timeZoneOffset":"west"}', '{"cookies":"maybe"}',
                                  '{"userAgent":"Special/1.0"}', '{"ip":"192.0.2.1"}', '{"deviceId":"x"}', '{"platform":""}',
                                  '{"platform":"a\\u0000b"}', '{"platform":"\\u00fc"}', '{"language":"%s"}' % ("x" * 36),
                                  '{"timeZoneOffset":"-600","timeZoneOffset":"-600"}', '{"languages":"%s"}' % ("x" * 5000)])
def test_data_is_checked(lab, node, text):
    """A flat object of known members, or nothing of it."""
    server_id = messages.new_id()
    page = run_method(lab, node, server_id)
    assert post_data(lab, page, text).status == 400
    assert status(lab, server_id) == "Y"


def test_token_binds(lab, node):
    one, two = messages.new_id(), messages.new_id()
    page, other = run_method(lab, node, one), run_method(lab, node, two)
    wrong = attr(page, "data-token")[:-1] + ("A" if attr(page, "data-token")[-1] != "A" else "B")
    for bad in (wrong, "x", "A" * 48):
        assert post_data(lab, page, '{"timeZoneOffset":"-600"}', with_token=bad).status == 400
    post_data(lab, page, '{"timeZoneOffset":"-600"}', with_token=attr(other, "data-token"))
    assert status(lab, one) == "Y" and status(lab, two) == "N12"


def test_token_is_for_the_method_alone(lab, node):
    page = run_method(lab, node, messages.new_id())
    assert lab.browser().open(node.challenge_url + "/page/" + attr(page, "data-token")).status == 400


def test_sealed_and_limited(lab, node):
    server_id = messages.new_id()
    tell(lab, run_method(lab, node, server_id, agent="Special/1.0"), timeZoneOffset="-600", deviceId="0123456789abcdef" * 2)
    keys = keys_of(lab, server_id)
    assert [k.decode() for k in keys] == [f"acs:{{{server_id[:2]}}}:m:{server_id}"]
    value = lab.redis.client.get(keys[0])
    assert 800 < lab.redis.client.ttl(keys[0]) <= 900
    for word in (b"timeZone", b"-600", b"Special", b"0123456789abcdef"):
        assert word not in value

def test_spoilt_record_counts_as_none(lab, node, logs):
    logs.expect("ACS0131")
    server_id = messages.new_id()
    tell(lab, run_method(lab, node, server_id), timeZoneOffset="-600")
    key = keys_of(lab, server_id)[0]
    value = lab.redis.client.get(key)
    lab.redis.client.set(key, value[:-1] + bytes([value[-1] ^ 1]), keepttl=True)
    assert status(lab, server_id) == "R12"


def test_odd_headers(lab, node):
    """Whatever a client sends as headers is cut and cleaned, not refused."""
    server_id = messages.new_id()
    body = "threeDSMethodData=" + messages.b64url(request(server_id))
    answer = lab.client().request("POST", node.method_url, body, {
        "Content-Type": "application/x-www-form-urlencoded", "User-Agent": "x" * 4000, "Accept": "\u00e4\"<>"})
    assert answer.status == 200
    assert status(lab, server_id) == "Y"


def test_store_away(lab, node, logs):
    """The browser goes on."""
    logs.expect("ACS0130", "TDS0201")
    server_id = messages.new_id()
    lab.redis.stop()
    try:
        page = run_method(lab, node, server_id)
        assert page.status == 200 and page.form(with_field="threeDSMethodData").action == NOTIFY
        assert tell(lab, page, timeZoneOffset="-600").status == 204
    finally:
        lab.redis.start()
