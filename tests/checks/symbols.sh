#!/bin/sh
# Each module exports its own symbol and nothing else, and needs none of another module, so that LoadModule lines may stand in any
# order; a normal build holds no name of a test point.
. "$(dirname "$0")/lib.sh"

points=$(grep -rhoE 'tds_point\("[^"]+"\)' shared mod_acs mod_3ds_server | sed 's/.*"\(.*\)".*/\1/' | LC_ALL=C sort -u)
[ -n "$points" ] || fault "no test point in the sources"
with_points=$(grep -c -- '-DTDS_TEST_POINTS=1' "$build/Makefile" 2>/dev/null)

theirs=$(mktemp) && trap 'rm -f "$theirs"' EXIT
modules=$(sed -n 's/^HTTPD_LIBEXECDIR = //p' "$build/Makefile")
nm -D --defined-only "$modules"/mod_proxy.so "$modules"/mod_ssl.so "$modules"/*.so 2>/dev/null |
  awk 'NF == 3 && $2 ~ /[TDBRVW]/ {print $3}' | LC_ALL=C sort -u >"$theirs"
grep -qx proxy_module "$theirs" || fault "no modules of httpd in '$modules' to compare with"

module() {
  so=$(find "$build" -path '*/.libs/*' -name "$1" | head -n 1)
  [ -n "$so" ] || { fault "$1 is not built below $build"; return; }
  seen=$((seen + 1))
  have=$(nm -D --defined-only "$so" | awk '$2 != "A" {print $NF}' | tr '\n' ' ')
  [ "$have" = "$2 " ] || fault "$1 exports: $have"
  needs=$(nm -D --undefined-only "$so" | awk '{print $NF}' | LC_ALL=C sort -u | LC_ALL=C comm -12 - "$theirs" | tr '\n' ' ')
  [ -z "$needs" ] || fault "$1 needs symbols of other modules: $needs"
  [ "${with_points:-0}" -eq 0 ] || return
  for p in $points; do
    if strings -a "$so" | grep -qxF "$p"; then fault "$1 holds the name of test point $p"; fi
  done
}

module mod_acs.so acs_module
if [ -e mod_3ds_server/mod_3ds_server.c ]; then module mod_3ds_server.so threeds_server_module; fi
[ "${with_points:-0}" -eq 0 ] || echo "test points are compiled in: names not looked for"
finish "modules"
