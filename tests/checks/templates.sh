#!/bin/sh
# Every template and text is installed: a partial that is left out stops the start.
. "$(dirname "$0")/lib.sh"
for file in conf/templates/*.* conf/templates/texts/*.*; do
  seen=$((seen + 1))
  grep -q "[[:space:]]$file\([[:space:]]\|\$\)" shared/tmpl/Makefile.inc || fault "$file is not in shared/tmpl/Makefile.inc"
done
finish "templates and texts"
