#!/usr/bin/env bash
# Under ThreadSanitizer: the unit tests of the modules that have threads, and, with four shards in the broker, the
# end-to-end tests that are not marked "slow" or "memory". Without Cassandra: Debian's Rust cannot be instrumented, so
# the driver's synchronisation is not seen and every use of it looks like a race.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

fresh_reports
build tsan
# ThreadSanitizer of g++ 12 cannot live with much address space randomisation.
if setarch "$(uname -m)" -R true 2>/dev/null && [[ -z ${KEEPMQ_FIXED_ADDRESSES:-} ]]; then
    export KEEPMQ_FIXED_ADDRESSES=1
    exec setarch "$(uname -m)" -R "$0" "$@"
fi
status=0
run_ctest tsan || status=1
export KEEPMQ_SHARDS="${KEEPMQ_SHARDS:-4}"
run_pytest e2e build/tsan/bin/keepmq -m 'not slow and not memory and not database or acceptance' -k 'not cassa' || status=1
exit "$status"
