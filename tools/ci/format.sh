#!/usr/bin/env bash
# Checks the layout of C++ files; "format.sh --fix" corrects it. Further arguments: files.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

mode=(--dry-run --Werror)
if [[ ${1:-} == --fix ]]; then
    mode=(-i)
    shift
fi
if (($# > 0)); then
    files=("$@")
else
    mapfile -t files < <(find src fuzz bench cmake -name '*.cpp' -o -name '*.hpp' | sort)
fi
say "format ${mode[*]}: ${#files[@]} files"
printf '%s\0' "${files[@]}" | xargs -0 -r -n 20 -P "$jobs" clang-format-14 "${mode[@]}"
