"""A Directory Server that answers each RReq after a while and keeps the time it came; one task per connection.

    answerer.py SERVER-PEM CA-PEM SECONDS    prints its port; for each line on stdin the times so far, as JSON
"""
import asyncio
import json
import ssl
import sys
import time

seen = []
COPIED = ("messageVersion", "threeDSServerTransID", "dsTransID", "acsTransID")


async def serve(reader, writer):
    delay = float(sys.argv[3])
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            rreq = json.loads(await reader.readexactly(length))
            seen.append(time.time())
            if delay:
                await asyncio.sleep(delay)
            rres = {"messageType": "RRes", "resultsStatus": "01", **{k: rreq[k] for k in COPIED}}
            body = json.dumps(rres).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n" %
                         len(body) + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def main():
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(sys.argv[1])
    ctx.load_verify_locations(sys.argv[2])
    ctx.verify_mode = ssl.CERT_REQUIRED
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=ctx, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(seen), flush=True)


asyncio.run(main())
