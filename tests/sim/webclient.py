"""A browser without scripts: pages, forms, meta refresh. For tests that need no real one."""
import html.parser
import urllib.parse

if __package__ in (None, ""):
    import net
else:
    from . import net


class Form:
    def __init__(self, attrs):
        self.method = attrs.get("method", "get").lower()
        self.action = attrs.get("action", "")
        self.fields, self.inputs, self.buttons = [], {}, []

    def values(self):
        return dict(self.fields)


class _Parser(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.forms, self.refresh, self.text, self.ids = [], None, [], {}
        self._form, self._skip, self._id, self.frames, self.tags, self.lang = None, 0, None, [], [], None

    def handle_starttag(self, tag, attrs):
        attrs = {k: v or "" for k, v in attrs}
        self.tags.append((tag, attrs))
        if attrs.get("id"):
            self._id = attrs["id"]
            self.ids.setdefault(self._id, "")
        if tag == "html":
            self.lang = attrs.get("lang")
        elif tag == "form":
            self._form = Form(attrs)
            self.forms.append(self._form)
        elif tag == "iframe":
            self.frames.append(attrs)
        elif tag == "meta" and attrs.get("http-equiv", "").lower() == "refresh":
            seconds, _, url = attrs.get("content", "").partition(";")
            self.refresh = (float(seconds), url.strip()[4:] if url.strip().lower().startswith("url=") else "")
        elif tag in ("script", "style"):
            self._skip += 1
        elif self._form is not None and tag in ("input", "button"):
            self._control(tag, attrs)

    def _control(self, tag, attrs):
        kind = attrs.get("type", "text" if tag == "input" else "submit").lower()
        if kind == "submit":
            self._form.buttons.append(attrs)
            return
        self._form.inputs[attrs.get("name")] = attrs
        if kind in ("radio", "checkbox") and "checked" not in attrs:
            return
        if attrs.get("name"):
            self._form.fields.append((attrs["name"], attrs.get("value", "")))

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        elif tag in ("script", "style"):
            self._skip -= 1
        self._id = None

    def handle_data(self, data):
        if self._skip:
            return
        self.text.append(data)
        if self._id:
            self.ids[self._id] += data


class Page:
    def __init__(self, url, answer):
        self.url, self.answer, self.status = url, answer, answer.status
        self.html = answer.text
        parser = _Parser()
        parser.feed(self.html)
        self.forms, self.refresh, self.ids, self.frames = parser.forms, parser.refresh, parser.ids, parser.frames
        self.tags, self.lang = parser.tags, parser.lang
        self.text = " ".join("".join(parser.text).split())

    def header(self, name):
        return self.answer.headers.get(name.lower(), "")

    def form(self, with_field=None, action=None):
        """The form that has a field, or goes to a URL that ends so, or the only one."""
        for form in self.forms:
            if with_field and with_field not in form.inputs:
                continue
            if action and not urllib.parse.urlsplit(form.action).path.endswith(action):
                continue
            return form
        raise LookupError(f"no such form on {self.url}: {self.html[:400]!r}")


class Browser:
    """No cookies: pages in a third-party frame have none either."""

    def __init__(self, ca, timeout=30):
        self.client = net.Client(net.client_context(ca), timeout=timeout)
        self.headers = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "en",
                        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Test/1.0"}
        self.page = None

    def open(self, url, method="GET", body=None, headers=(), follow=True):
        for _ in range(10):
            answer = self.client.request(method, url, body, {**self.headers, **dict(headers)})
            self.page = Page(url, answer)
            location = answer.headers.get("location")
            if not follow or answer.status not in (301, 302, 303, 307, 308) or not location:
                return self.page
            url = urllib.parse.urljoin(url, location)
            if answer.status in (301, 302, 303):
                method, body, headers = "GET", None, ()
        raise RuntimeError("too many redirects")

    def post(self, url, fields, **kw):
        body = urllib.parse.urlencode(fields).encode()
        return self.open(url, "POST", body, {"Content-Type": "application/x-www-form-urlencoded"}, **kw)

    def submit(self, form=None, button=None, page=None, **values):
        """Press a button (its value) with values typed in."""
        page = page or self.page
        form = form or page.forms[0]
        fields = [(k, values.pop(k)) if k in values else (k, v) for k, v in form.fields]
        fields += list(values.items())
        for attrs in form.buttons:
            if button is not None and attrs.get("value") == button and attrs.get("name"):
                fields.append((attrs["name"], button))
        url = urllib.parse.urljoin(page.url, form.action or page.url)
        if form.method == "post":
            return self.post(url, fields)
        return self.open(url + "?" + urllib.parse.urlencode(fields))

    def refreshed(self):
        """Go where the page's meta refresh leads, at once."""
        return self.open(urllib.parse.urljoin(self.page.url, self.page.refresh[1] or self.page.url))

    def settle(self, turns=10):
        """Through processing screens and forms that a script would submit, until a page needs a hand."""
        for _ in range(turns):
            page = self.page
            if page.refresh and page.refresh[0] <= 2 and not page.forms:
                self.refreshed()
            elif len(page.forms) == 1 and page.forms[0].method == "post" and self._automatic(page.forms[0]):
                self.submit()
            else:
                return page
        return self.page

    @staticmethod
    def _automatic(form):
        kinds = [a.get("type", "text").lower() for a in form.inputs.values()]
        return bool(kinds) and all(k == "hidden" for k in kinds) and not any(b.get("name") for b in form.buttons)
