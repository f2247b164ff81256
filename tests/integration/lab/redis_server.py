"""A private Redis: TCP and unix socket, no persistence, noeviction."""
import os
import shutil
import signal

import redis

from .procs import Process, accepts, free_port, own, wait_until

CONF = """port {port}
bind 127.0.0.1
unixsocket {dir}/redis.sock
unixsocketperm 777
dir {dir}
save ""
appendonly no
daemonize no
maxmemory-policy noeviction
logfile {dir}/redis.log
{extra}
"""


class RedisServer:
    def __init__(self, directory, extra=""):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        own(directory)
        self.port = free_port()
        self.socket = os.path.join(directory, "redis.sock")
        self.conf = os.path.join(directory, "redis.conf")
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(CONF.format(port=self.port, dir=directory, extra=extra))
        self.process = None
        self.client = redis.Redis(unix_socket_path=self.socket, decode_responses=False)

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def unix_url(self):
        return "unix:" + self.socket

    def start(self):
        binary = shutil.which("redis-server") or "/usr/bin/redis-server"
        self.process = Process("redis", [binary, self.conf], log=os.path.join(self.directory, "out.log"))
        wait_until(lambda: accepts(self.port) and os.path.exists(self.socket), 10, "redis")
        return self

    def stop(self):
        """As in a crash: nothing is kept."""
        self.client.connection_pool.disconnect()
        if self.process:
            self.process.stop()
            self.process = None

    def hang(self):
        """Connections stay open and nothing is answered; go_on() ends it."""
        self.process.send(signal.SIGSTOP)

    def go_on(self):
        self.process.send(signal.SIGCONT)

    def keys_without_ttl(self):
        return [k for k in self.client.scan_iter(count=1000) if self.client.ttl(k) == -1]
