#!/bin/bash
# Fuzzes the decoder of instruction streams with libFuzzer under the address and undefined-behaviour sanitizers; what it accepts is run.
# Usage: scripts/fuzz/native.sh [EXECUTIONS]
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(scripts/sanitizers/build-address.sh decode_fuzz)
corpus=build-fuzz/corpus/decode
mkdir -p "$corpus"
"$build/decode_fuzz" --seeds "$corpus"
ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
  "$build/decode_fuzz" -runs="${1:-10000000}" -seed=1 -max_len=1024 -print_final_stats=1 -artifact_prefix=build-fuzz/decode- "$corpus"
