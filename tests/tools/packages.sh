# Sourced by ./quickstart and ./runtests: what a bare Debian 12 or 13 lacks is installed, by name, from Debian's packages.

BUILD_PACKAGES="apache2 apache2-dev apache2-utils libssl-dev libjansson-dev libhiredis-dev pkg-config autoconf automake
libtool make gcc libc6-dev redis-server redis-tools openssl ca-certificates python3 python3-cryptography python3-redis"
TEST_PACKAGES="libcmocka-dev clang libclang-rt-dev python3-pytest chromium libnss3-tools git iso-codes"

# The system's services of these packages that run now.
services() {
  for s in apache2 redis-server; do
    if service "$s" status >/dev/null 2>&1; then printf '%s ' "$s"; fi
  done
}

# need PACKAGE...
need() {
  missing=
  for p in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed || missing="$missing $p"
  done
  [ -z "$missing" ] && return 0
  if [ "$(id -u)" != 0 ]; then
    echo "these packages are missing, and only root can install them:$missing" >&2
    return 1
  fi
  echo "installing:$missing"
  running=$(services)
  apt-get update -qq </dev/null || return 1
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing </dev/null >/dev/null || return 1
  # What our installation has started is stopped again: everything here runs privately, on other ports. What ran before stays.
  for s in $(services); do
    case " $running " in *" $s "*) ;; *) service "$s" stop >/dev/null 2>&1 || true ;; esac
  done
}

# need_node: a Node.js that can run the browser tests
need_node() {
  command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 && return 0
  need nodejs npm
}

# build SOURCE DIRECTORY LOG CONFIGURE-ARGUMENT...
build() {
  src=$1 dir=$2 log=$3
  shift 3
  [ -x "$src/configure" ] && [ "$src/configure" -nt "$src/configure.ac" ] || (cd "$src" && autoreconf -fi) >"$log" 2>&1 ||
    { tail -n 30 "$log"; return 1; }
  mkdir -p "$dir" && (cd "$dir" && "$src/configure" -q "$@" && make -s -j"$(nproc)") >>"$log" 2>&1 ||
    { tail -n 30 "$log"; return 1; }
}
