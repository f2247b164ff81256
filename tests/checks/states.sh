#!/bin/sh
# docs/states/ is drawn from the tables of transitions.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || { echo "python3 not found"; exit 77; }
exec python3 tests/checks/states.py
