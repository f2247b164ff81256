# Sourced by ./quickstart and ./runtests: what a bare Debian 12 lacks is installed, by name, from Debian's packages.

BUILD_PACKAGES="apache2 apache2-dev apache2-utils libssl-dev libjansson-dev libhiredis-dev pkg-config autoconf automake
libtool make gcc libc6-dev redis-server redis-tools openssl ca-certificates python3 python3-cryptography python3-redis"
TEST_PACKAGES="libcmocka-dev clang libclang-rt-14-dev python3-pytest chromium libnss3-tools git iso-codes"

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
  apt-get update -qq </dev/null || return 1
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing </dev/null >/dev/null || return 1
  # The system's own services are not ours: everything here runs privately, on other ports.
  case "$missing" in *apache2*) service apache2 stop >/dev/null 2>&1 || true ;; esac
  case "$missing" in *redis-server*) service redis-server stop >/dev/null 2>&1 || true ;; esac
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
