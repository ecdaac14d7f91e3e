#!/usr/bin/env bash
# Installs the packages that KeepMQ needs, with apt, when they are missing.
#   tools/install.sh run    to build and run the broker (default)
#   tools/install.sh test   also what ./test needs
set -euo pipefail

run_packages=(
    g++ cmake ninja-build ccache pkg-config
    libboost1.81-dev libboost-json1.81-dev libfmt-dev libspdlog-dev libssl-dev
    libsqlite3-dev libhiredis-dev libmariadb-dev libpq-dev
    libmongoc-dev libbson-dev
    mosquitto-clients sqlite3
)
test_packages=(
    clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14
    libgtest-dev libgmock-dev libbenchmark-dev
    python3 python3-pytest python3-pytest-xdist python3-paho-mqtt python3-redis python3-pymysql python3-psycopg2
    python3-pymongo python3-cassandra
    mosquitto redis-server redis-sentinel redis-tools mariadb-server mariadb-client postgresql-15
    openssl libaio1 libnuma1 # the last two for the MySQL server that tools/servers downloads
)
# The driver for Cassandra is written in Rust; another make of cargo, 1.88 or newer, will do.
command -v cargo >/dev/null || run_packages+=(cargo-web rustc-web)
# They download and run servers that no package has; any make of them will do.
command -v mvn >/dev/null || test_packages+=(maven)
command -v go >/dev/null || test_packages+=(golang-go)
[[ -x /usr/lib/jvm/java-17-openjdk-amd64/bin/java ]] || test_packages+=(openjdk-17-jdk-headless)
# Packages whose services start when they are installed.
services=(mosquitto redis-server redis-sentinel mariadb-server postgresql-15)

case "${1:-run}" in
    run) packages=("${run_packages[@]}") ;;
    test) packages=("${run_packages[@]}" "${test_packages[@]}") ;;
    *)
        echo "usage: tools/install.sh run|test" >&2
        exit 2
        ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "tools/install.sh: this is not Debian, so nothing was installed. Needed, by Debian 12 name:" >&2
    printf '    %s\n' "${packages[@]}" >&2
    echo "Set KEEPMQ_NO_INSTALL=1 to go on when you have them under other names." >&2
    [[ -n "${KEEPMQ_NO_INSTALL:-}" ]]
    exit
fi

missing=()
installed="$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)"
for package in "${packages[@]}"; do
    grep -qxF "installed $package" <<<"$installed" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
    exit 0
fi

echo "Missing packages: ${missing[*]}"
if [[ -n "${KEEPMQ_NO_INSTALL:-}" ]]; then
    echo "KEEPMQ_NO_INSTALL is set: not installing them."
    exit 0
fi
as_root=()
if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
        echo "tools/install.sh: neither root nor sudo. Install the packages above, then try again." >&2
        exit 1
    fi
    as_root=(sudo)
fi
# Another apt may be at work (a fresh cloud machine): wait for its lock.
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -q)
# These services would take ports such as 1883 and 6379: keep them from being started meanwhile.
policy=/usr/sbin/policy-rc.d
own_policy=
unwanted=()
for package in "${services[@]}"; do
    [[ " ${missing[*]} " != *" $package "* ]] || unwanted+=("$package")
done
if ((${#unwanted[@]} > 0)) && [[ ! -e $policy ]]; then
    echo "Creating $policy while apt runs, so that these are installed but not started: ${unwanted[*]}"
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    own_policy=yes
fi
restore() {
    if [[ -n $own_policy ]]; then
        "${as_root[@]}" rm -f "$policy"
    fi
}
trap restore EXIT
"${apt[@]}" update || echo "tools/install.sh: apt-get update failed, trying with the lists at hand" >&2
if ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; then
    echo "tools/install.sh: apt could not install: ${missing[*]}" >&2
    echo "KeepMQ is built and tested on Debian 12; other releases may name some packages differently." >&2
    exit 1
fi
