# Shared by the scripts here: sourced, not run. Puts the caller into the repository's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

python=/usr/bin/python3
jobs="${KEEPMQ_JOBS:-$(nproc)}"
# Tests with brokers and databases mostly wait, so there are more at once than cores; 0: one after the other.
workers="${KEEPMQ_WORKERS:-$((jobs + 1))}"
# Test results in JUnit form, one folder for each stage; ./test counts them.
reports="$PWD/build/reports/${KEEPMQ_STAGE:-$(basename "$0" .sh)}"
export CCACHE_MAXSIZE="${CCACHE_MAXSIZE:-8G}"
# Paths below the checkout are hashed as relative ones: another checkout finds the same objects.
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:strict_string_checks=1:check_initialization_order=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}"
export PYTHONDONTWRITEBYTECODE=1

say() { printf '== %s\n' "$*"; }

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# For a stage that has nothing to do: ./test shows it as skipped and counts no test.
skip() {
    say "$*"
    exit 77
}

source tools/ci/servers.sh

fresh_reports() {
    rm -rf "$reports"
    mkdir -p "$reports"
}

# build PRESET [TARGET...]   One at a time in a folder: ./test builds later stages in the background.
build() {
    local lock
    mkdir -p "build/$1"
    exec {lock}>"build/$1/lock"
    flock "$lock"
    build_locked "$@"
    exec {lock}>&-
}

build_locked() {
    local preset="$1" targets=()
    shift
    (($# == 0)) || targets=(--target "$@")
    say "build $preset: ${*:-everything}"
    # ninja runs cmake again when it has to, but does not know of the presets, nor that google-benchmark was
    # installed after an earlier ./run.
    if [[ ! -f build/$preset/build.ninja || CMakePresets.json -nt build/$preset/build.ninja ||
        $* == *keepmq_bench* && -n $(grep '^benchmark_DIR:.*NOTFOUND' "build/$preset/CMakeCache.txt") ]]; then
        cmake --preset "$preset"
    fi
    cmake --build "build/$preset" -j "$jobs" "${targets[@]}"
}

# run_ctest PRESET [CTEST ARGUMENT...]
run_ctest() {
    local preset="$1" status=0
    shift
    say "ctest $preset"
    mkdir -p "$reports"
    rm -rf "build/$preset/reports"
    need_servers_of_tests "$(ctest --test-dir "build/$preset" -N "$@")" ||
        die "the tests need the servers above"
    # A second chance: see CONTRIBUTING.md, "Tests that fail now and then".
    ctest --test-dir "build/$preset" -j "$((workers > 0 ? workers : 1))" --output-on-failure --no-tests=error \
        --repeat "until-pass:${KEEPMQ_CHANCES:-2}" \
        --output-junit "$reports/ctest.xml" "$@" | tee "$reports/ctest.log" || status=$?
    say_flaky "$(awk '/Test +#[0-9]+: .*\*\*\*/ { sub(/.*Test +#[0-9]+: /, ""); failed[$1] }
        /Test +#[0-9]+: .*Passed/ { sub(/.*Test +#[0-9]+: /, ""); if ($1 in failed) print $1 }' "$reports/ctest.log")"
    # ctest counts programs; the reports of GoogleTest hold the single tests.
    if [[ -d build/$preset/reports/gtest ]]; then
        cp -r "build/$preset/reports/gtest" "$reports/"
    fi
    return "$status"
}

# run_pytest FOLDER BINARY [PYTEST ARGUMENT...]   The tests in tests/FOLDER.
run_pytest() {
    local folder="tests/$1" binary="$2"
    shift 2
    [[ -x $binary ]] || die "$binary is missing"
    say "pytest $folder with $binary, $workers at once"
    mkdir -p "$reports"
    local status=0 run=("$python" -m pytest -q -o "cache_dir=$PWD/build/pytest" "$folder")
    KEEPMQ_BIN="$(realpath "$binary")"
    export KEEPMQ_BIN
    timeout --kill-after=20 "${KEEPMQ_E2E_LIMIT:-1800}" \
        "${run[@]}" -n "$workers" --junitxml="$reports/pytest.xml" "$@" || status=$?
    # A second chance for a few: see CONTRIBUTING.md, "Tests that fail now and then".
    if ((status == 1 && ${KEEPMQ_CHANCES:-2} > 1)) && "$python" tools/ci/count_tests.py --few "$reports"; then
        say "the tests that failed run again, alone"
        status=0
        timeout --kill-after=20 600 \
            "${run[@]}" --last-failed --junitxml="$reports/pytest-again.xml" "$@" || status=$?
        say_flaky "$("$python" tools/ci/count_tests.py --flaky "$reports")"
    fi
    return "$status"
}

# say_flaky NAMES, one on a line. Each is a fault of its test or of the program.
say_flaky() {
    [[ -z $1 ]] || sed 's/^/FLAKY, passed when it ran again: /' <<<"$1"
}
