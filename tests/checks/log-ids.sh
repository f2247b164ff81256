#!/bin/sh
# Every message of the log has an id of its own, and docs/log-ids.md lists them.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || { echo "python3 not found"; exit 77; }
exec python3 tests/checks/log_ids.py
