#!/usr/bin/env bash
# Runs the end-to-end tests against the release broker, or against $KEEPMQ_BIN. Arguments go to
# pytest: e2e.sh -k retained
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

fresh_reports
[[ -d tests/e2e ]] || skip "no tests/e2e yet"
if [[ -n ${KEEPMQ_BIN:-} ]]; then
    run_pytest "$(realpath --relative-to=. "$KEEPMQ_BIN")" "$@"
else
    build release keepmq
    run_pytest build/release/bin/keepmq "$@"
fi
