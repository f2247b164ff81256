#!/bin/sh
# Every directive has its page, every page its directive, and what the page says of default and limits is true.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || { echo "python3 not found"; exit 77; }
exec python3 tests/checks/directives.py
