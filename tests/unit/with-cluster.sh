#!/bin/sh
# with-cluster.sh COMMAND...: run COMMAND with a Redis Cluster of three nodes of its own, named by TDS_TEST_CLUSTER (three
# URLs). Exit 77 (skipped) when there is no redis-server of version 7 or newer.
command -v redis-server >/dev/null && command -v redis-cli >/dev/null || { echo "redis-server or redis-cli not found"; exit 77; }
command -v python3 >/dev/null || { echo "python3 not found"; exit 77; }
redis-server --version | grep -Eq 'v=([7-9]|[1-9][0-9])' || { echo "redis-server is older than 7"; exit 77; }
dir=$(mktemp -d) || exit 99
pids=
trap 'for p in $pids; do kill "$p" 2>/dev/null && wait "$p" 2>/dev/null; done; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP

# Six ports that the system gives: three for clients, three for the bus between the nodes.
ports=$(python3 -c '
import socket
s = [socket.socket() for _ in range(6)]
for x in s: x.bind(("127.0.0.1", 0))
print(*(x.getsockname()[1] for x in s))') || exit 99
set_ports() { p1=$1 p2=$2 p3=$3 b1=$4 b2=$5 b3=$6; }
# shellcheck disable=SC2086
set_ports $ports

node() {
  mkdir "$dir/$1"
  redis-server --port "$1" --cluster-port "$2" --bind 127.0.0.1 --cluster-enabled yes --cluster-config-file nodes.conf \
    --cluster-node-timeout 5000 --dir "$dir/$1" --save "" --appendonly no --maxmemory-policy noeviction --daemonize no \
    --logfile "$dir/$1/log" >/dev/null 2>&1 &
  pids="$pids $!"
}

# $1: port, $2: text that the answer to the rest must hold
wait_for() {
  n=0
  port=$1 text=$2
  shift 2
  until redis-cli -p "$port" "$@" 2>/dev/null | grep -q "$text"; do
    n=$((n + 1))
    [ $n -gt 200 ] && { echo "no $text from port $port"; cat "$dir/$port/log"; exit 99; }
    sleep 0.1
  done
}

node "$p1" "$b1"
node "$p2" "$b2"
node "$p3" "$b3"
for p in $p1 $p2 $p3; do wait_for "$p" PONG ping; done
redis-cli --cluster create "127.0.0.1:$p1" "127.0.0.1:$p2" "127.0.0.1:$p3" --cluster-replicas 0 --cluster-yes \
  >"$dir/create" 2>&1 || { cat "$dir/create"; exit 99; }
for p in $p1 $p2 $p3; do wait_for "$p" cluster_state:ok cluster info; done
TDS_TEST_CLUSTER="redis://127.0.0.1:$p1 redis://127.0.0.1:$p2 redis://127.0.0.1:$p3" "$@"
