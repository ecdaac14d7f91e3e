#!/usr/bin/env bash
# Runs clang-tidy over our sources: all of them, the named ones, or with --changed those that differ
# from a commit (tidy.sh --changed [COMMIT], main by default).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ ${1:-} == --changed ]]; then
    base="${2:-main}"
    mapfile -t files < <({
        git diff --name-only --diff-filter=d "$base" -- 'src/*.cpp'
        git ls-files --others --exclude-standard -- 'src/*.cpp'
    } | sort -u)
elif (($# > 0)); then
    files=("$@")
else
    mapfile -t files < <(find src -name '*.cpp' -not -path '*/tests/*' -not -path '*/testing/*' \
        -not -name boost_asio.cpp | sort)
fi
cmake --preset tidy >/dev/null
say "clang-tidy: ${#files[@]} files"

# What two at once say must not be mixed.
tidy_one() {
    local said
    said="$(clang-tidy-14 --quiet -p build/tidy --warnings-as-errors='*' "$1" 2>&1)" && return
    flock build/tidy/said grep -v -E '^[0-9]+ warnings? (and|generated|treated)|^Suppressed|^Use -header-filter' <<<"$said"
    return 1
}
export -f tidy_one
printf '%s\0' "${files[@]}" | xargs -0 -r -n 1 -P "$jobs" bash -c 'tidy_one "$1"' _
