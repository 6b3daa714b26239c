#!/bin/bash
# Fuzzes the decoder of instruction streams with libFuzzer under the address and undefined-behaviour sanitizers.
# Usage: scripts/fuzz/native.sh [EXECUTIONS]   (clang with its runtime: CXX, or clang++-19, or clang++)
set -euo pipefail
cd "$(dirname "$0")/../.."
runs=${1:-10000000}
build=build-fuzz
compiler=${CXX:-$(command -v clang++-19 || command -v clang++)}
launcher=$(command -v ccache || true)

cmake -S . -B "$build" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" \
  -DLANEWISE_FUZZ=ON -DLANEWISE_ADDON=OFF -DLANEWISE_SANITIZE=address,undefined >/dev/null
cmake --build "$build" --parallel "${JOBS:-2}" --target decode_fuzz >/dev/null

# What is new goes into the first folder; the second holds the seeds of this repository, which `decode_fuzz --seeds` writes.
mkdir -p "$build/corpus/decode"
ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
  "$build/decode_fuzz" -runs="$runs" -max_len=1024 -print_final_stats=1 -artifact_prefix="$build/decode-" \
  "$build/corpus/decode" native/fuzz/corpus/decode
