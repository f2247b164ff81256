"""An issuer's system that asks for exports and does not read them must leave threads for Directory Servers."""
import json
import os
import socket
import time

from lab.httpd import FRICTIONLESS
from sim.issuer import signature

THREADS = 16
NODE = dict(srv=False, supported="2.2.0", threads=THREADS, children=1, children_max=1,
            proxy="connectiontimeout=2 timeout=5 ttl=30 acquire=500 max=8", main=["ACSTransactionLog logs/transactions.log"])


def stamp(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


def test_slow_readers(lab, node, logs):
    logs.expect("AH10159")
    now = time.time()
    line = json.dumps({"time": stamp(now - 60)[:-1] + ".000Z", "event": "ares", "issuer": "bank", "filler": "x" * 900},
                      separators=(",", ":"))
    with open(os.path.join(node.root, "logs", "transactions.log"), "a", encoding="ascii") as log:
        log.write((line + "\n") * 8000)
    target = f"/acs/issuer/transactions?from={stamp(now - 120)}&to={stamp(now + 60)}"
    host, port = node.issuer_url.split("/")[2].split(":")
    client = lab.client()
    readers, statuses = [], []
    try:
        for _ in range(THREADS + 4):
            raw = socket.socket()
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.settimeout(10)
            raw.connect((host, int(port)))
            conn = client.ctx.wrap_socket(raw, server_hostname=host)
            conn.sendall((f"GET {target} HTTP/1.1\r\nHost: {host}\r\nACS-Issuer: bank\r\nACS-Signature: "
                          f"{signature(lab.issuer.key, 'GET', target)}\r\n\r\n").encode())
            readers.append(conn)
        time.sleep(1.5)
        start = time.monotonic()
        ares = lab.ds.post_acs(lab.areq(FRICTIONLESS)).json()
        assert ares["transStatus"] == "Y" and time.monotonic() - start < 2
        for conn in readers:
            conn.settimeout(5)
            statuses.append(conn.recv(12)[9:12])
    finally:
        for conn in readers:
            conn.close()
    assert statuses.count(b"200") == THREADS // 4 + 1 and statuses.count(b"503") == len(readers) - THREADS // 4 - 1
