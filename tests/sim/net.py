"""HTTP/1.1 over TLS for the simulators, both sides, small enough to break in every way on demand.

The server runs a thread per connection on plain blocking sockets, because a simulator must be able to stop at any byte:
before accept, in the TLS handshake, after the request, in the middle of an answer. Faults are rules that a test puts in
and that are used up: see Faults.
"""
import gzip
import http.client
import json
import socket
import ssl
import struct
import sys
import signal
import threading
import time
import traceback
import urllib.parse

HEAD_MAX = 65536
BODY_MAX = 16 * 1024 * 1024


def server_context(both, ca=None, require=False):
    """TLS for a server; with ca a client certificate is asked for (require: demanded)."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.minimum_version = ssl.TLSVersion.TLSv1_2
    ctx.load_cert_chain(both)
    if ca:
        ctx.load_verify_locations(ca)
        ctx.verify_mode = ssl.CERT_REQUIRED if require else ssl.CERT_OPTIONAL
    return ctx


def client_context(ca, both=None):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.minimum_version = ssl.TLSVersion.TLSv1_2
    ctx.load_verify_locations(ca)
    if both:
        ctx.load_cert_chain(both)
    return ctx


def common_name(cert):
    for rdn in (cert or {}).get("subject", ()):
        for key, value in rdn:
            if key == "commonName":
                return value
    return None


# --- faults -----------------------------------------------------------------

class Faults:
    """Rules that are used up. A rule has a point (where), a kind (what), n (how often; -1: until cleared), skip (how
    many times it lets pass first), match (members that the message must have) and arguments of its kind.

    Kinds every server knows, at a request's point:
      silent   read the request, never answer            delay    answer after seconds=
      close    close without an answer                   reset    the same with a TCP reset
      cut      close in the middle of the body           drip     send byte by byte, seconds= apart
      status   HTTP status= with body= of type= instead  html     an HTML error page instead
      nonsense a body that is no JSON                     huge     a body of size= bytes
      gzip     the answer, gzip-coded                     bomb     size= bytes that are small gzip-coded
      raw      what make=(reply) returns, byte for byte; last=True closes the connection after it
    At the point "connect": close, reset, tls_hang (accept, then no handshake), wrong_cert (cert= another certificate).
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._rules = []

    def add(self, point, kind, n=1, skip=0, match=(), **args):
        rule = dict(args, point=point, kind=kind, n=n, skip=skip, match=dict(match), used=0)
        with self._lock:
            self._rules.append(rule)
        return rule

    def take(self, point, message=None):
        with self._lock:
            for rule in self._rules:
                if rule["point"] != point or rule["n"] == 0:
                    continue
                if any((message or {}).get(k) != v for k, v in rule["match"].items()):
                    continue
                if rule["skip"] > 0:
                    rule["skip"] -= 1
                    continue
                rule["n"] -= rule["n"] > 0
                rule["used"] += 1
                return dict(rule)
        return None

    def clear(self):
        with self._lock:
            self._rules.clear()

    def list(self):
        with self._lock:
            return [dict(r) for r in self._rules]


# --- records ----------------------------------------------------------------

class Records:
    """Everything that went through a simulator, in order, with times. wait() is how a test waits: never sleep."""

    def __init__(self):
        self._items = []
        self._changed = threading.Condition()

    def add(self, point, **what):
        item = dict(what, point=point, t=time.time())
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()
        return item

    def all(self, point=None, **match):
        with self._changed:
            return self._pick(point, match)

    def _pick(self, point, match):
        return [i for i in self._items if (point is None or i["point"] == point) and
                all((i.get("message") or {}).get(k) == v or (k in i and i[k] == v) for k, v in match.items())]

    def wait(self, point, timeout=10, count=1, **match):
        """At least count records of point whose message (or record) has the given members."""
        end = time.monotonic() + timeout
        with self._changed:
            while True:
                found = self._pick(point, match)
                if len(found) >= count:
                    return found
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{point} {match}: {len(found)} of {count} after {timeout} s")
                self._changed.wait(left)

    def clear(self):
        with self._changed:
            self._items.clear()


# --- server -----------------------------------------------------------------

class Request:
    def __init__(self, method, target, headers, body, peer_cert, peer):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.peer_cert, self.peer, self.t = peer_cert, peer, time.time()
        url = urllib.parse.urlsplit(target)
        self.path = urllib.parse.unquote(url.path)
        self.query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))

    def json(self):
        return json.loads(self.body)

    def form(self):
        return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def peer_name(self):
        return common_name(self.peer_cert)


class Reply:
    def __init__(self, status=200, body=b"", content_type="application/json; charset=utf-8", headers=(), fault=None,
                 close=False):
        self.status, self.content_type, self.headers = status, content_type, list(headers)
        self.body = body.encode() if isinstance(body, str) else body
        self.fault, self.close = fault, close


def json_reply(value, status=200, **kw):
    return Reply(status, json.dumps(value, separators=(",", ":")), **kw)


def html_reply(text, status=200, headers=(), **kw):
    return Reply(status, text, "text/html; charset=utf-8", [("Cache-Control", "no-store"), *headers], **kw)


def redirect(url):
    return Reply(303, b"", "text/plain", [("Location", url)])


def coded(reply):
    """The same reply with Content-Encoding: gzip."""
    return Reply(reply.status, gzip.compress(reply.body), reply.content_type,
                 [*reply.headers, ("Content-Encoding", "gzip")], close=reply.close)


REPLACED = {
    "html": lambda f: Reply(f.get("status", 502), "<html><body><h1>Bad gateway</h1></body></html>", "text/html"),
    "nonsense": lambda f: Reply(200, "}{ nonsense"),
    "status": lambda f: Reply(f.get("status", 503), f.get("body", ""), f.get("type", "text/plain")),
    "huge": lambda f: Reply(200, b'{"x":"' + b"x" * f.get("size", 4 * 1024 * 1024) + b'"}'),
    "bomb": lambda f: coded(Reply(200, b'{"x":"' + b"x" * f.get("size", 32 * 1024 * 1024) + b'"}')),
}
TRANSPORT = ("silent", "delay", "close", "reset", "cut", "drip")


class Gone(Exception):
    """The other side closed, or we are stopping."""


class Server:
    """handler(Request) -> Reply. ctx: SSLContext, or None for plain HTTP. others: more contexts by name."""

    def __init__(self, handler, ctx=None, host="127.0.0.1", port=0, faults=None, others=None, name="sim"):
        self.handler, self.ctx, self.host, self.port, self.name = handler, ctx, host, port, name
        self.faults, self.others = faults or Faults(), others or {}
        self.connections = 0  # accepted so far
        self.accepted, self.given_up = [], []  # times: accepted; the peer closed while "silent"
        self._sock, self._open, self._lock = None, set(), threading.Lock()
        self._stopping = threading.Event()
        self._paused, self._fillers, self._held = threading.Event(), [], []

    # listening

    def _listen(self, backlog=128):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((self.host, self.port))
        s.listen(backlog)
        s.settimeout(0.1)
        self.port, self._sock = s.getsockname()[1], s

    def start(self):
        self._listen()
        threading.Thread(target=self._accept_loop, daemon=True, name=self.name).start()
        return self

    def stop(self):
        self._stopping.set()
        self._drop_listener()
        self.drop_connections()

    def _drop_listener(self):
        sock, self._sock = self._sock, None
        if sock:
            try:
                sock.shutdown(socket.SHUT_RDWR)  # the accepting thread may be inside: this ends listening at once
            except OSError:
                pass
            sock.close()
        for s in self._fillers:
            s.close()
        self._fillers = []

    def drop_connections(self):
        """Close what is open, kept-alive connections included."""
        with self._lock:
            open_now = list(self._open)
        for s in open_now:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def refuse(self):
        """New connections are refused by the kernel, open ones closed; resume() ends it."""
        self._drop_listener()
        self.drop_connections()

    def pause(self):
        """The kernel accepts connections, nobody takes them: TLS hangs. resume() ends it."""
        self._paused.set()
        self.drop_connections()

    def block_connect(self):
        """The queue of the listener is full: even the TCP connect hangs. resume() ends it."""
        self._drop_listener()
        self.drop_connections()
        self._paused.set()
        self._listen(backlog=0)
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex((self.host, self.port))
            self._fillers.append(s)

    def resume(self):
        full = bool(self._fillers)
        if full or self._sock is None:
            self._drop_listener()
            self._listen()
        self._paused.clear()
        held, self._held = self._held, []
        for conn, peer in held:
            self._take(conn, peer)

    def _accept_loop(self):
        while not self._stopping.is_set():
            sock = self._sock
            if sock is None or self._paused.is_set():
                self._stopping.wait(0.02)
                continue
            try:
                conn, peer = sock.accept()
            except (TimeoutError, socket.timeout):
                continue
            except OSError:
                self._stopping.wait(0.02)
                continue
            if self._paused.is_set():
                self._held.append((conn, peer))  # came in just before pause()
            else:
                self._take(conn, peer)

    def _take(self, conn, peer):
        self.connections += 1
        self.accepted.append(time.time())
        threading.Thread(target=self._serve, args=(conn, peer), daemon=True).start()

    # one connection

    def _serve(self, conn, peer):
        with self._lock:
            self._open.add(conn)
        tls = conn
        try:
            tls = self._handshake(conn)
            with self._lock:
                self._open.add(tls)
            while self._one(tls, peer):
                pass
        except (Gone, OSError):
            pass
        except Exception:
            traceback.print_exc()
        finally:
            with self._lock:
                self._open.discard(conn)
                self._open.discard(tls)
            for s in (tls, conn):
                try:
                    s.close()
                except OSError:
                    pass

    def _handshake(self, conn):
        conn.settimeout(30)
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        fault = self.faults.take("connect") or {}
        kind = fault.get("kind")
        if kind == "reset":
            _reset(conn)
        if kind in ("close", "reset"):
            raise Gone()
        if kind == "tls_hang":
            self._until_closed(conn, fault.get("seconds", 60))
            raise Gone()
        if self.ctx is None:
            return conn
        ctx = self.others[fault.get("cert", "foreign-server")] if kind == "wrong_cert" else self.ctx
        return ctx.wrap_socket(conn, server_side=True)

    def _until_closed(self, conn, seconds):
        """Hold the connection until the other side gives up."""
        end = time.monotonic() + seconds
        conn.settimeout(0.2)
        while time.monotonic() < end and not self._stopping.is_set():
            try:
                if not conn.recv(65536):
                    self.given_up.append(time.time())
                    return
            except (TimeoutError, socket.timeout, ssl.SSLWantReadError):
                continue
            except OSError:
                return

    def _one(self, conn, peer):
        conn.settimeout(120)
        request = _read_request(conn, peer)
        if request is None:
            return False
        try:
            reply = self.handler(request)
        except Exception:
            traceback.print_exc()
            reply = Reply(500, "simulator fault", "text/plain")
        if reply is None:
            reply = Reply(404, "not found", "text/plain")
        wants_close = request.headers.get("connection", "").lower() == "close"
        return self._send(conn, reply) and not wants_close and not reply.close

    def _send(self, conn, reply):
        fault = reply.fault or {}
        kind = fault.get("kind")
        if kind in REPLACED:
            reply = REPLACED[kind](fault)
        if kind == "gzip":
            reply = coded(reply)
        if kind == "silent":
            self._until_closed(conn, fault.get("seconds", 120))
            return False
        if kind == "reset":
            _reset(conn)
        if kind in ("close", "reset"):
            return False
        if kind == "delay":
            self._stopping.wait(fault.get("seconds", 1))
        if kind == "raw":
            conn.sendall(fault["make"](reply))
            return not fault.get("last")
        head, body = _head_of(reply), reply.body
        if kind == "cut":
            conn.sendall(head + body[:fault.get("at", len(body) // 2)])
            return False
        if kind == "drip":
            return self._drip(conn, head, body, fault)
        conn.sendall(head + body)
        return True

    def _drip(self, conn, head, body, fault):
        data = head + body if fault.get("head") else body
        if not fault.get("head"):
            conn.sendall(head)
        for i in range(len(data)):
            if self._stopping.wait(fault.get("seconds", 0.05)):
                return False
            conn.sendall(data[i:i + 1])
        return True


def _reset(conn):
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _head_of(reply):
    reason = http.client.responses.get(reply.status, "Unknown")
    lines = [f"HTTP/1.1 {reply.status} {reason}", f"Content-Length: {len(reply.body)}"]
    if reply.body or reply.content_type.startswith("application/json"):
        lines.append(f"Content-Type: {reply.content_type}")
    lines += [f"{k}: {v}" for k, v in reply.headers]
    if reply.close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _read_request(conn, peer):
    data = b""
    while b"\r\n\r\n" not in data:
        if len(data) > HEAD_MAX:
            raise Gone()
        more = conn.recv(65536)
        if not more:
            return None
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = {}
    for line in lines[1:]:
        key, _, value = line.partition(":")
        headers[key.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = _read_chunked(conn, rest)
    else:
        body = _read_exact(conn, rest, int(headers.get("content-length", 0)))[0]
    cert = conn.getpeercert() if isinstance(conn, ssl.SSLSocket) else None
    return Request(method, target, headers, body, cert, peer)


def _read_exact(conn, have, n):
    if n > BODY_MAX:
        raise Gone()
    while len(have) < n:
        more = conn.recv(65536)
        if not more:
            raise Gone()
        have += more
    return have[:n], have[n:]


def _read_chunked(conn, rest):
    body = b""
    while True:
        while b"\r\n" not in rest:
            more = conn.recv(65536)
            if not more:
                raise Gone()
            rest += more
        line, _, rest = rest.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        chunk, rest = _read_exact(conn, rest, size + 2)
        body += chunk[:size]
        if size == 0 or len(body) > BODY_MAX:
            return body


# --- client -----------------------------------------------------------------

class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def content_type(self):
        return self.headers.get("content-type", "")

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.content_type} {self.body[:400]!r}>"


class ConnectFailed(OSError):
    """No connection: nothing was sent."""


refusals = []  # (status, body) of every error answer that any client got


class Client:
    """Kept-alive connections by origin; a reused one that turns out closed is retried once on a fresh one."""

    def __init__(self, ctx, connect_timeout=5, timeout=15):
        self.ctx, self.connect_timeout, self.timeout = ctx, connect_timeout, timeout
        self.opened = 0
        self._idle, self._lock = {}, threading.Lock()

    def _connect(self, url):
        self.opened += 1
        try:
            if url.scheme == "https":
                conn = http.client.HTTPSConnection(url.hostname, url.port, timeout=self.connect_timeout,
                                                   context=self.ctx)
            else:
                conn = http.client.HTTPConnection(url.hostname, url.port, timeout=self.connect_timeout)
            conn.connect()
        except OSError as e:
            raise ConnectFailed(str(e)) from e
        conn.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return conn

    def request(self, method, url, body=None, headers=(), timeout=None, fresh=False):
        """A fresh connection is not kept."""
        parts = urllib.parse.urlsplit(url)
        origin, target = (parts.scheme, parts.netloc), parts.path or "/"
        if parts.query:
            target += "?" + parts.query
        with self._lock:
            idle = [] if fresh else self._idle.setdefault(origin, [])
            conn = idle.pop() if idle else None
        reused = conn is not None
        conn = conn or self._connect(parts)
        try:
            answer = self._exchange(conn, method, target, body, headers, timeout)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            conn.close()
            if not reused:
                raise
            conn = self._connect(parts)
            answer = self._exchange(conn, method, target, body, headers, timeout)
        except BaseException:
            conn.close()
            raise
        if fresh or conn.sock is None:
            conn.close()
        else:
            with self._lock:
                idle.append(conn)
        return answer

    def _exchange(self, conn, method, target, body, headers, timeout):
        conn.sock.settimeout(timeout or self.timeout)
        conn.request(method, target, body, dict(headers))
        response = conn.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        if answer.status >= 400 or b'"Erro"' in answer.body:
            refusals.append((answer.status, answer.body))
        return answer

    def post_json(self, url, value, headers=(), **kw):
        body = value if isinstance(value, (bytes, str)) else json.dumps(value, separators=(",", ":"))
        body = body.encode() if isinstance(body, str) else body
        return self.request("POST", url, body, {"Content-Type": "application/json; charset=utf-8", **dict(headers)},
                            **kw)

    def close(self):
        with self._lock:
            for idle in self._idle.values():
                for conn in idle:
                    conn.close()
            self._idle.clear()


# --- a simulator ------------------------------------------------------------

class Sim:
    """Faults, records, and the servers that use them. The methods in CONTROL are open to the control port:
    POST /NAME with a JSON object of arguments; GET /records, GET /faults, GET /ready."""

    CONTROL = ("fault", "clear", "refuse", "pause", "block_connect", "resume", "drop_connections")

    def __init__(self):
        self.faults, self.records = Faults(), Records()
        self.servers, self.control_server = [], None

    def serve(self, handler, ctx, port=0, host="127.0.0.1", others=None):
        server = Server(handler, ctx, host, port, self.faults, others, type(self).__name__).start()
        self.servers.append(server)
        return server

    def fault(self, point, kind, n=1, **args):
        return self.faults.add(point, kind, n, **args)

    def clear(self):
        """Forget faults and records, listen again."""
        self.faults.clear()
        self.records.clear()
        self.resume()

    def _each(self, name):
        for server in self.servers:
            getattr(server, name)()

    def refuse(self):
        self._each("refuse")

    def pause(self):
        self._each("pause")

    def block_connect(self):
        self._each("block_connect")

    def resume(self):
        self._each("resume")

    def drop_connections(self):
        self._each("drop_connections")

    def wait(self, point, timeout=10, count=1, **match):
        return self.records.wait(point, timeout, count, **match)

    def control(self, port=0):
        self.control_server = Server(self._control, None, "127.0.0.1", port, name="control").start()
        return self.control_server

    def _control(self, request):
        name = request.path.strip("/")
        if request.method == "GET" and name == "records":
            return json_reply(self.records.all(request.query.get("point")))
        if request.method == "GET" and name == "faults":
            return json_reply(self.faults.list())
        if request.method == "GET" and name == "ready":
            return json_reply({"ready": True})
        if request.method != "POST" or name not in self.CONTROL:
            return None
        args = request.json() if request.body else {}
        return json_reply({"result": getattr(self, name)(**args)})

    def stop(self):
        self._each("stop")
        if self.control_server:
            self.control_server.stop()


def run(make, argv=None):
    """The main program of a simulator: --config FILE (JSON), prints its ports as one JSON line, ends on SIGTERM."""
    argv = sys.argv[1:] if argv is None else argv
    if len(argv) != 2 or argv[0] != "--config":
        sys.exit("usage: --config FILE")
    with open(argv[1], encoding="utf-8") as f:
        config = json.load(f)
    done = threading.Event()
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, lambda *_: done.set())
    sim = make(config)
    sim.control(config.get("control_port", 0))
    print(json.dumps({"url": sim.url, "port": sim.servers[0].port, "control_port": sim.control_server.port}),
          flush=True)
    done.wait()
    sim.stop()
