#!/usr/bin/env bash
# Builds a preset: build.sh [PRESET [TARGET...]], "dev" and everything by default.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

build "${@:-dev}"
