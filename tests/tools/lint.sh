#!/bin/sh
# lint.sh tidy|analyze TOOL FLAGS FILE...   what make tidy and make analyze run, for some files at a time. A warning is a failure.
kind=$1 tool=$2 flags=$3
shift 3
case $kind in
tidy)
  # How many warnings there are in headers that are not ours is no news.
  # shellcheck disable=SC2086
  out=$("$tool" --quiet "$@" -- $flags 2>&1)
  rc=$?
  out=$(printf '%s\n' "$out" | grep -vE '^[0-9]+ warnings? (and [0-9]+ errors? )?generated\.$')
  ;;
analyze)
  here=$(dirname "$0")
  vain=$(for f in "$@"; do sed -n "s,^\([^ #]*\) \(-W[^ ]*\) .*,\1 \2,p" "$here/analyze.except" |
    while read -r file option; do case $f in *"$file") echo "$option" ;; esac; done; done)
  # shellcheck disable=SC2086
  out=$("$tool" $flags $vain -DTDS_ANALYZE -O0 -fanalyzer -Werror -c -o /dev/null "$@" 2>&1)
  rc=$?
  ;;
esac
[ -z "$out" ] || printf '%s\n' "$out"
[ "$rc" -eq 0 ]
