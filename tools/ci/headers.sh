#!/usr/bin/env bash
# Compiles every header alone, without precompiled headers.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

build dev all_verify_interface_header_sets
