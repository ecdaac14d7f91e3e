#!/usr/bin/env bash
# Unit and end-to-end tests under AddressSanitizer and UndefinedBehaviorSanitizer; of the tests with
# database servers the acceptance cases.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

fresh_reports
build asan
status=0
run_ctest asan || status=1
run_pytest e2e build/asan/bin/keepmq -m 'not database or acceptance' || status=1
exit "$status"
