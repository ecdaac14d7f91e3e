#!/usr/bin/env bash
# Checks the length of files.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

say "sizes"
"$python" tools/ci/check_sizes.py
