#!/bin/sh
# All checks, a line for each. symbols.sh looks for the modules below TDS_BUILD, or below the current directory.
dir=$(cd "$(dirname "$0")" && pwd)
TDS_BUILD=${TDS_BUILD:-$PWD}
export TDS_BUILD
failed=0
out=$(mktemp) || exit 99
trap 'rm -f "$out"' EXIT
for check in layers symbols generated log-ids directives states sizes banned templates dist; do
  "$dir/$check.sh" >"$out" 2>&1
  case $? in
  0) echo "ok    $check: $(tail -n 1 "$out")" ;;
  77) echo "skip  $check: $(tail -n 1 "$out")" ;;
  *)
    failed=$((failed + 1))
    echo "FAIL  $check"
    sed 's/^/      /' "$out"
    ;;
  esac
done
[ "$failed" -eq 0 ]
