#!/usr/bin/env bash
# Breaks broker, databases, connections and disks under load, with the release broker or $KEEPMQ_BIN:
# docs/reliability.md. Arguments go to pytest: chaos.sh -k pgsql. The long form takes hours: chaos.sh --long
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

fresh_reports
if [[ -z ${KEEPMQ_BIN:-} ]]; then
    build release keepmq
    export KEEPMQ_BIN="$PWD/build/release/bin/keepmq"
fi
limit=1200
[[ " $* " != *" --long "* && -z ${KEEPMQ_CHAOS_LONG:-} ]] || limit=0
timeout --kill-after=20 "$limit" \
    "$python" -m pytest -q -p no:cacheprovider --junitxml="$reports/pytest.xml" tests/chaos "$@"
