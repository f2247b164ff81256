#!/bin/sh
# Every file that git knows is in the tar ball: a header in no _SOURCES, a test that EXTRA_DIST forgets.
. "$(dirname "$0")/lib.sh"

git rev-parse --is-inside-work-tree >/dev/null 2>&1 && [ -e .git ] || { echo "no git: this is the tar ball"; exit 77; }
work=$(mktemp -d) && trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
(cd "$build" && make -s distdir distdir="$work/d" am__remove_distdir=: am__skip_mode_fix=: >"$work/log" 2>&1) ||
  { cat "$work/log" >&2; fault "make distdir fails"; finish files; }
(cd "$work/d" && find . -type f | sed 's#^\./##' | LC_ALL=C sort) >"$work/have"
git ls-files | grep -v '\.gitignore$' | LC_ALL=C sort >"$work/want"
for f in $(LC_ALL=C comm -13 "$work/have" "$work/want"); do
  [ -e "$f" ] && fault "$f is in no list of files: the tar ball lacks it"
done
seen=$(wc -l <"$work/want")
finish "files are in the tar ball"
