#!/usr/bin/env bash
# Breaks broker, databases, connections and disks under load, with the release broker or $KEEPMQ_BIN:
# docs/reliability.md. Arguments go to pytest: chaos.sh -k pgsql. The long form takes hours: chaos.sh --long
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

fresh_reports
[[ -n ${KEEPMQ_BIN:-} ]] || build release keepmq
if [[ " $* " == *" --long "* || -n ${KEEPMQ_CHAOS_LONG:-} ]]; then
    export KEEPMQ_E2E_LIMIT=0
    workers=0 # nothing else happens then, and its figures are kept
fi
run_pytest chaos "${KEEPMQ_BIN:-build/release/bin/keepmq}" "$@"
