#!/bin/sh
# Make the derived cases and run them.
command -v python3 >/dev/null || { echo "python3 not found"; exit 77; }
top=$(cd "$(dirname "$0")/../.." && pwd)
file=$(mktemp "${TMPDIR:-/tmp}/tds-derived.XXXXXX") || exit 1
trap 'rm -f "$file"' EXIT
PYTHONDONTWRITEBYTECODE=1 python3 "$top/tests/derived/derive.py" "$file" && tests/unit/test_derived "$file"
