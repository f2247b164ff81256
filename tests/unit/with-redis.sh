#!/bin/sh
# with-redis.sh COMMAND...: run COMMAND with a Redis of its own (unix socket, no port), named by TDS_TEST_REDIS.
# Exit 77 (skipped) when there is no redis-server.
command -v redis-server >/dev/null && command -v redis-cli >/dev/null || { echo "redis-server or redis-cli not found"; exit 77; }
dir=$(mktemp -d) || exit 99
pid=
trap '[ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP
redis-server --port 0 --unixsocket "$dir/sock" --unixsocketperm 700 --dir "$dir" --save "" --appendonly no \
  --maxmemory-policy noeviction --daemonize no --logfile "$dir/log" >/dev/null 2>&1 &
pid=$!
n=0
until [ "$(redis-cli -s "$dir/sock" ping 2>/dev/null)" = PONG ]; do
  n=$((n + 1))
  [ $n -gt 100 ] && { echo "redis-server does not come up"; cat "$dir/log"; exit 99; }
  sleep 0.1
done
TDS_TEST_REDIS="unix:$dir/sock" "$@"
