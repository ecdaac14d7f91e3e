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
printf '%s\0' "${files[@]}" |
    xargs -0 -r -n 1 -P "$jobs" clang-tidy-14 --quiet -p build/tidy --warnings-as-errors='*' 2>&1 |
    { grep -v -E '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header-filter' || true; }
