#!/usr/bin/env bash
# Builds the benchmarks and runs each for a moment: they must work, the numbers mean little.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

shopt -s nullglob
sources=(bench/*_bench.cpp)
if ((${#sources[@]} == 0)); then
    skip "no benchmarks yet"
fi
build release keepmq_bench keepmq
fresh_reports
status=0 passed=0 failed=0
for source in "${sources[@]}"; do
    program="build/release/bin/$(basename "$source" .cpp)"
    say "$program"
    if timeout 120 "$program" --benchmark_min_time=0.01; then
        ((passed += 1))
    else
        ((failed += 1))
        status=1
    fi
done
# Whether a target is met is not asked here, only that each backend and each scenario can be measured.
try() {
    say "$*"
    if timeout 600 "$python" "$@"; then
        ((passed += 1))
    else
        ((failed += 1))
        status=1
    fi
}
try bench/store.py --seconds 0.2 --rounds 1
# Brokers that need a download and a build are left out.
try bench/compare.py --brokers mosquitto,keepmq,floor --seconds 0.3 --rounds 1 --connections 1000 --retained 5000
printf '{"passed": %d, "failed": %d}\n' "$passed" "$failed" >"$reports/counts.json"
exit "$status"
