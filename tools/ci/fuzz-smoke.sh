#!/usr/bin/env bash
# Runs every fuzz target for a short time, two at once; KEEPMQ_FUZZ_SECONDS (60) is the total.
# Crashing inputs are kept in build/fuzz/artifacts/.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

shopt -s nullglob
sources=(fuzz/*_fuzz.cpp)
if ((${#sources[@]} == 0)); then
    skip "no fuzz targets yet"
fi
seconds=$((2 * ${KEEPMQ_FUZZ_SECONDS:-60} / ${#sources[@]}))
((seconds >= 3)) || seconds=3
fresh_reports
build fuzz keepmq_fuzz
say "fuzz: ${#sources[@]} targets, $seconds s each, 2 at once"

fuzz_one() {
    local stem="$1" seconds="$2" name="${1%_fuzz}" found="build/fuzz/corpus/$1" args=()
    local artifacts="build/fuzz/artifacts/$stem/" log="build/fuzz/$stem.log"
    mkdir -p "$found" "$artifacts"
    [[ ! -d fuzz/corpora/$name ]] || args+=("fuzz/corpora/$name")
    [[ ! -f fuzz/dictionaries/$name.dict ]] || args+=("-dict=fuzz/dictionaries/$name.dict")
    # libFuzzer writes what it finds into the first folder.
    if "build/fuzz/bin/$stem" "$found" "${args[@]}" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$artifacts" >"$log" 2>&1; then
        echo "ok    $stem: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs"
    else
        echo "FAIL  $stem: $log, inputs in $artifacts"
        tail -40 "$log"
        return 1
    fi
}
export -f fuzz_one

stems=()
for source in "${sources[@]}"; do
    stems+=("$(basename "$source" .cpp)")
done
status=0
results="$(printf '%s\n' "${stems[@]}" | xargs -P 2 -I{} bash -c 'fuzz_one "$1" "$2"' _ {} "$seconds")" ||
    status=1
printf '%s\n' "$results"
passed="$(grep -c '^ok    ' <<<"$results" || true)"
failed="$(grep -c '^FAIL  ' <<<"$results" || true)"
printf '{"passed": %d, "failed": %d}\n' "$passed" "$failed" >"$reports/counts.json"
((passed + failed == ${#stems[@]})) || die "some target did not run"
exit "$status"
