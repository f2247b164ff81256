#!/bin/sh
# Expand the written examples, make the derived cases, and run both. TDS_DERIVED: file to keep the derived cases in for the
# next build.
command -v python3 >/dev/null || { echo "python3 not found"; exit 77; }
top=$(cd "$(dirname "$0")/../.." && pwd)
file=$(mktemp "${TMPDIR:-/tmp}/tds-derived.XXXXXX") || exit 1
trap 'rm -f "$file"' EXIT
export PYTHONDONTWRITEBYTECODE=1
python3 "$top/tests/golden/expand.py" "$file" && tests/unit/test_derived "$file" || exit 1
if [ -n "$TDS_DERIVED" ] && [ -s "$TDS_DERIVED" ]; then
  tests/unit/test_derived "$TDS_DERIVED"
  exit
fi
python3 "$top/tests/derived/derive.py" "$file" && tests/unit/test_derived "$file" || exit 1
[ -z "$TDS_DERIVED" ] || cp "$file" "$TDS_DERIVED"
