#!/bin/sh
# No file above 800 lines, no function above 100. Generated files are what they are.
. "$(dirname "$0")/lib.sh"
for f in $(all_files); do
  generated "$f" && continue
  seen=$((seen + 1))
  n=$(wc -l <"$f")
  [ "$n" -le 800 ] || fault "$f: $n lines"
  # A function begins with a brace in the first column, and so do no others.
  long=$(awk '/^\{/ {start = NR} /^\}/ {if (start && NR - start - 1 > 100) print FILENAME ":" start ": function of " NR - start - 1 " lines"; start = 0}' "$f")
  [ -z "$long" ] || fault "$long"
done
finish "files"
