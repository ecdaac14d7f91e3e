#!/usr/bin/env bash
# Checks which module includes which, and the code rules of layers.toml.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

say "layers"
"$python" tools/ci/check_layers.py
