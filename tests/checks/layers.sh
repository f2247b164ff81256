#!/bin/sh
# Includes point downward only; each foreign library has its door.
. "$(dirname "$0")/lib.sh"

# The storey of a file of ours.
place() {
  case $1 in
  shared/core/*) echo core ;;
  shared/ap/*) echo ap ;;
  shared/*) echo "$1" | cut -d/ -f2 ;;
  mod_acs/mod_acs*) echo mod_acs ;;
  mod_acs/*) echo acs ;;
  mod_3ds_server/mod_3ds_server*) echo mod_srv ;;
  mod_3ds_server/*) echo srv ;;
  *) echo unknown ;;
  esac
}

# May a file of storey $1 include one of storey $2?
allowed() {
  [ "$1" = "$2" ] && return 0
  case $1/$2 in
  core/* | unknown/* | */unknown) return 1 ;;
  */core) return 0 ;;
  ap/msg | ap/jose | ap/store | ap/out | ap/tmpl | ap/metric) return 0 ;;
  ops/msg | ops/store | acs/ops | srv/ops) return 0 ;;
  acs/msg | acs/jose | acs/store | acs/out | acs/tmpl | acs/metric) return 0 ;;
  srv/msg | srv/jose | srv/store | srv/out | srv/tmpl | srv/metric) return 0 ;;
  mod_acs/srv | mod_acs/mod_srv | mod_srv/acs | mod_srv/mod_acs) return 1 ;;
  mod_acs/* | mod_srv/*) return 0 ;;
  *) return 1 ;;
  esac
}

list=$(mktemp) || exit 99
trap 'rm -f "$list"' EXIT
files=$(product_files; find shared mod_acs mod_3ds_server -name '*.def' | LC_ALL=C sort)
# shellcheck disable=SC2086
grep -nE '^[[:space:]]*#[[:space:]]*include' $files >"$list"

while IFS=: read -r file line text; do
  seen=$((seen + 1))
  name=$(echo "$text" | sed 's/.*["<]\([^">]*\)[">].*/\1/')
  base=${name##*/}
  case $text in
  *'"'*)
    target=$(echo "$files" | grep "/$base\$")
    [ -n "$target" ] || { fault "$file:$line: $name is none of ours"; continue; }
    [ "$(echo "$target" | wc -l)" -eq 1 ] || { fault "$file:$line: there are several $name"; continue; }
    allowed "$(place "$file")" "$(place "$target")" || fault "$file:$line: $(place "$file") must not know $(place "$target") ($name)"
    ;;
  *)
    case $base in
    httpd.h | http_*.h | ap_*.h | util_*.h | mod_*.h | mpm_*.h | scoreboard.h | unixd.h)
      case $file in
      shared/ap/* | mod_acs/mod_acs* | mod_3ds_server/mod_3ds_server*) ;;
      *) fault "$file:$line: httpd's $name belongs into shared/ap and mod_*" ;;
      esac
      ;;
    jansson.h)
      case $file in
      shared/core/tds_json.h | shared/core/tds_json_scan.h) ;;
      *) fault "$file:$line: jansson is reached through tds_json.h" ;;
      esac
      ;;
    hiredis.h)
      case $file in
      shared/store/tds_redis_int.h) ;;
      *) fault "$file:$line: hiredis is reached through tds_redis.h" ;;
      esac
      ;;
    esac
    ;;
  esac
done <"$list"
finish "includes"
