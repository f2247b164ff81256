"""The store as others leave it to us: full, with users and rights of its own, shared with nodes that have another master key."""
import os
import time

import pytest

from lab.challenge import Challenge
from lab.httpd import CHALLENGE, FRICTIONLESS
from lab.procs import own, wait_until
from lab.redis_server import RedisServer

OPTIONS = dict(srv=False, answer_within="2s", first_creq_timeout="1s",
               main=["ACSRetryInterval 1s", "ACSRResTimeout 1s", "ACSLease 4s"],
               proxy="connectiontimeout=1 timeout=2 ttl=30 acquire=500 max=32")


def ready(lab, node):
    answer = lab.client().request("GET", node.acs_status_url + "/ready")
    return answer.status, answer.json().get("reason") or ""


def lines(node, log_id):
    with open(os.path.join(node.root, "logs", "error.log"), encoding="utf-8") as f:
        return [line for line in f if log_id + ":" in line]


def test_two_master_keys(lab, session_lab, logs):
    """A node with another master key leaves the work of the others alone, says that it is the odd one, and does its own."""
    logs.expect("TDS0203")
    a = session_lab.node("key-a", **OPTIONS)
    b = session_lab.node("key-b", start=False, **OPTIONS)
    try:
        assert ready(lab, a)[0] == 200
        b.master_key = lab.secret("other.key")
        b.start()
        wait_until(lambda: ready(lab, b)[0] == 503 and "master key" in ready(lab, b)[1], 10, "readiness of the odd node")
        begun = time.monotonic()
        challenges = [Challenge(lab, CHALLENGE, url=(a, a, a, b)[n % 4].areq_url) for n in range(24)]
        for c in challenges:
            assert c.rreq(timeout=max(0.1, begun + 15 - time.monotonic()))["transStatus"] == "N"
        assert ready(lab, a) == (200, "")
        assert ready(lab, b)[0] == 503
        assert len(lines(b, "TDS0203")) >= 1 and not lines(a, "TDS0203")
        assert all(len(c.rreqs()) == 1 for c in challenges)
    finally:
        session_lab.drop(b)
        session_lab.drop(a)


@pytest.fixture
def own_redis(session_lab, request):
    server = RedisServer(session_lab.directory + "/redis-" + request.node.name.split("[")[0]).start()
    yield server
    server.stop()


def test_full(lab, session_lab, own_redis, logs):
    """X-TIME-31: full is Erro 403; readiness says so, and the log once, with address and cause."""
    logs.expect("ACS0090", "TDS0201", "ACS0063", "ACS0060")
    node = session_lab.node("full", store=own_redis.url, **OPTIONS)
    try:
        assert ready(lab, node) == (200, "")
        own_redis.client.config_set("maxmemory", "1")
        for _ in range(5):
            erro = lab.ds.post_acs(lab.areq(CHALLENGE), url=node.areq_url).json()
            assert (erro["messageType"], erro["errorCode"]) == ("Erro", "403")
            status, reason = ready(lab, node)
            assert status == 503 and "OOM" in reason, reason
        own_redis.client.config_set("maxmemory", "0")
        wait_until(lambda: ready(lab, node)[0] == 200, 5, "readiness")
        assert lab.ds.post_acs(lab.areq(FRICTIONLESS), url=node.areq_url).json()["transStatus"] == "Y"
        gone, back = lines(node, "TDS0201"), lines(node, "TDS0202")
        assert len(gone) == 1 and "OOM" in gone[0] and f"127.0.0.1:{own_redis.port}" in gone[0]
        assert len(back) == 1
    finally:
        session_lab.drop(node)


@pytest.mark.parametrize("kind", ["file", "env"])
def test_user_with_few_rights(lab, session_lab, own_redis, logs, kind):
    """A user of the store with what payments need, and no INFO. Nobody is told the password."""
    rights = "+get +set +getrange +exists +hgetall +incrby +pexpire +zadd +zrem +zrangebyscore +eval +evalsha +time"
    own_redis.client.execute_command("ACL", "SETUSER", "joe", "reset", "on", ">s3cretPw", "~acs:*", *rights.split())
    own_redis.client.execute_command("ACL", "SETUSER", "default", "resetpass", ">other")
    path = os.path.join(session_lab.directory, "redis.password")
    with open(path, "w", encoding="ascii") as f:
        f.write("joe:s3cretPw\n")
    own(path)
    os.chmod(path, 0o600)
    os.environ["TDS_LAB_LOGIN"] = "joe:s3cretPw"
    auth = f"ACSStoreAuth {'file:' + path if kind == 'file' else 'env:TDS_LAB_LOGIN'}"
    node = session_lab.node("joe-" + kind, store=own_redis.url, start=False,
                            **{**OPTIONS, "main": OPTIONS["main"] + [auth], "first_creq_timeout": "30s"})
    try:
        node.start()
        assert ready(lab, node) == (200, "")
        c = Challenge(lab, CHALLENGE, url=node.areq_url)
        c.open()
        c.press(otp=c.otp())
        c.settle()
        assert c.message()["transStatus"] == "Y"
        with open(os.path.join(node.root, "logs", "error.log"), encoding="utf-8") as f:
            assert "s3cretPw" not in f.read()
    finally:
        del os.environ["TDS_LAB_LOGIN"]
        own_redis.client.connection_pool.disconnect()
        session_lab.drop(node)
