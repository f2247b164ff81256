#!/bin/sh
# Functions without a bound, or without a way to tell an error.
. "$(dirname "$0")/lib.sh"
seen=$(all_files | wc -l)
# shellcheck disable=SC2046
hits=$(grep -nE '(^|[^A-Za-z0-9_])(sprintf|vsprintf|strcat|strcpy|strncat|gets|atoi|sscanf)[[:space:]]*\(' $(all_files))
[ -z "$hits" ] || fault "$hits"
finish "files"
