#!/usr/bin/env bash
# Builds the dev preset and runs the unit tests. Arguments go to ctest: unit.sh -R mqtt
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

fresh_reports
build dev
run_ctest dev "$@"
