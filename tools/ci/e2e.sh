#!/usr/bin/env bash
# Runs the end-to-end tests against the release broker, or against $KEEPMQ_BIN. Arguments go to
# pytest: e2e.sh -k retained
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

fresh_reports
[[ -n ${KEEPMQ_BIN:-} ]] || build release keepmq
run_pytest e2e "${KEEPMQ_BIN:-build/release/bin/keepmq}" "$@"
