#!/bin/bash
# Builds TARGET... under the address and undefined-behaviour sanitizers, with the counters of libFuzzer, and prints the folder: one
# build for the fuzzer and for the mocha suite. clang, since g++ 12 takes many minutes for an instrumented table of kernels.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=build-fuzz
compiler=${CXX:-$(command -v clang++-19 || command -v clang++)}
cmake -S . -B "$build" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)" \
  -DLANEWISE_FUZZ=ON -DLANEWISE_SANITIZE=address,undefined >/dev/null
cmake --build "$build" --parallel "${JOBS:-2}" --target "$@" >/dev/null
echo "$PWD/$build"
