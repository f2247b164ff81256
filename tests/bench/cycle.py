"""Challenge cycles against an ACS, and the peers they need, in one process: a Directory Server that answers each RReq at
once, an issuer that takes codes and hooks, and cardholders, each with kept connections of its own.

    cycle.py SERVER-PEM CLIENT-PEM DS-CA-PEM PUBLIC-CA-PEM

prints the port where the DS and the issuer listen; then it reads orders from stdin, a JSON object per line, and answers
each with one:

    {"ds_port": N, "public_port": N, "template": FILE, "connections": 8, "warm": 20, "count": 500, "until": "page" | "end"}

"ready" is printed when the cycles to warm up are done; the line after it starts what is measured. A cycle: AReq, CReq form,
the page's form with the code, which brings RReq and RRes, and the final page with its CRes.
"""
import asyncio
import base64
import json
import re
import ssl
import sys
import time
import uuid

COPIED = ("messageVersion", "threeDSServerTransID", "dsTransID", "acsTransID")
TOKEN = re.compile(rb'name="token" value="([^"]+)"')
ACTION = re.compile(rb'action="https://[^/"]+([^"]+)"')
CRES = re.compile(rb'name="cres" value="([^"]+)"')

codes, reported = {}, set()


async def receive(reader):
    """(first line, headers in lower case, body)"""
    head = await reader.readuntil(b"\r\n\r\n")
    first, _, rest = head.partition(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in rest.lower().split(b"\r\n") if b": " in line)
    return first, headers, await reader.readexactly(int(headers.get(b"content-length", b"0")))


# --- the peers

def answer_of(path, message):
    if path.endswith(b"/otp"):
        codes[message["acsTransID"]] = message["otp"]
        return {}
    if message.get("messageType") == "RReq":
        reported.add((message["acsTransID"], message["transStatus"]))
        return {"messageType": "RRes", "resultsStatus": "01", **{k: message[k] for k in COPIED}}
    return {}


async def serve(reader, writer):
    try:
        while True:
            first, _, body = await receive(reader)
            out = json.dumps(answer_of(first.split(b" ")[1], json.loads(body))).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n" %
                         len(out) + out)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


# --- a cardholder

class Caller:
    """One kept connection."""

    def __init__(self, port, ctx):
        self.port, self.ctx, self.reader, self.writer = port, ctx, None, None

    async def post(self, path, kind, body):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("localhost", self.port, ssl=self.ctx)
        self.writer.write(b"POST %s HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" %
                          (path, self.port, kind, len(body)) + body)
        _, headers, out = await receive(self.reader)
        if headers.get(b"connection") == b"close":
            self.close()
        return out

    def close(self):
        if self.writer:
            self.writer.close()
        self.writer = None


class Cardholder:
    def __init__(self, order, to_ds, public):
        self.ds, self.public = Caller(order["ds_port"], to_ds), Caller(order["public_port"], public)
        with open(order["template"], encoding="utf-8") as f:
            self.template = json.load(f)

    async def _form(self, path, **fields):
        body = "&".join(f"{k}={v}" for k, v in fields.items()).encode()
        return await self.public.post(path, b"application/x-www-form-urlencoded", body)

    async def cycle(self, until):
        """How many seconds it took."""
        begun = time.monotonic()
        areq = dict(self.template, threeDSServerTransID=str(uuid.uuid4()), dsTransID=str(uuid.uuid4()))
        ares = json.loads(await self.ds.post(b"/acs/areq", b"application/json; charset=utf-8", json.dumps(areq).encode()))
        assert ares["transStatus"] == "C", ares
        creq = {"messageType": "CReq", "challengeWindowSize": "03", **{k: ares[k] for k in COPIED if k != "dsTransID"}}
        creq = base64.urlsafe_b64encode(json.dumps(creq, separators=(",", ":")).encode()).decode().rstrip("=")
        page = await self._form(b"/acs/challenge", creq=creq, threeDSSessionData="c2Vzc2lvbi0xMjM0NTY3ODkw")
        token = TOKEN.search(page)
        assert token, page[:500]
        if until == "page":
            return time.monotonic() - begun
        page = await self._form(ACTION.search(page)[1], token=token[1].decode(), action="submit", otp=codes.pop(ares["acsTransID"]))
        cres = CRES.search(page)
        assert cres, page[-300:]
        cres = json.loads(base64.urlsafe_b64decode(cres[1] + b"=="))
        assert cres["transStatus"] == "Y" and (ares["acsTransID"], "Y") in reported, cres
        return time.monotonic() - begun

    def close(self):
        self.ds.close()
        self.public.close()


class Work:
    def __init__(self, cardholders, until):
        self.cardholders, self.until, self.left, self.errors, self.times = cardholders, until, 0, [], []

    async def _one(self, cardholder):
        while self.left > 0:
            self.left -= 1
            try:
                self.times.append(await cardholder.cycle(self.until))
            except (AssertionError, KeyError, ValueError, TypeError, OSError, asyncio.IncompleteReadError) as e:
                self.errors.append(f"{type(e).__name__} {e}"[:300])
                cardholder.close()

    async def do(self, count):
        self.left, self.times = count, []
        await asyncio.gather(*(self._one(c) for c in self.cardholders))


def result(work, took):
    n, times = len(work.times), sorted(work.times) or [0]
    return {"requests": n, "errors": len(work.errors), "fault": (work.errors or [""])[0], "rps": n / took,
            "p50": times[len(times) // 2] * 1e6, "p99": times[len(times) * 99 // 100] * 1e6}


def contexts(server_pem, client_pem, ds_ca, public_ca):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(server_pem)
    server.load_verify_locations(ds_ca)
    server.verify_mode = ssl.CERT_REQUIRED
    to_ds, public = ssl.create_default_context(cafile=ds_ca), ssl.create_default_context(cafile=public_ca)
    to_ds.load_cert_chain(client_pem)
    return server, to_ds, public


async def carry_out(order, to_ds, public, read):
    work = Work([Cardholder(order, to_ds, public) for _ in range(order["connections"])], order["until"])
    await work.do(order["warm"])
    print("ready", flush=True)
    await read()
    begun = time.monotonic()
    await work.do(order["count"])
    print(json.dumps(result(work, time.monotonic() - begun)), flush=True)
    for cardholder in work.cardholders:
        cardholder.close()


async def main():
    server, to_ds, public = contexts(*sys.argv[1:])
    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server, backlog=256)
    print(listener.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()

    async def read():
        return await loop.run_in_executor(None, sys.stdin.readline)

    while line := await read():
        await carry_out(json.loads(line), to_ds, public, read)


asyncio.run(main())
