#!/usr/bin/env bash
# Lists which normative statements of the MQTT specification have a test that names them.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ ! -f tools/ci/mqtt_coverage.py ]]; then
    skip "no tools/ci/mqtt_coverage.py yet"
fi
say "coverage of normative statements"
"$python" tools/ci/mqtt_coverage.py "$@"
