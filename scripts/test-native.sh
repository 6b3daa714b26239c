#!/bin/bash
# Builds the native unit tests (out of Node) and runs them. Usage: scripts/test-native.sh [address,undefined | thread]
set -euo pipefail
cd "$(dirname "$0")/.."
sanitizers=${1:-}
build=build-test${sanitizers:+-${sanitizers//,/-}}

npx --no-install cmake-js compile --out "$build" --parallel "${JOBS:-2}" \
  --CDLANEWISE_TESTS=ON --CDLANEWISE_ADDON=OFF --CDLANEWISE_SANITIZE="$sanitizers" --loglevel=warn

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1}
run=()
chosen=()
# Functions of numbers share nothing.
[ "$sanitizers" = thread ] && chosen=(--exclude-regex 'math_test|simd_test')
# The thread sanitizer of g++ 12 cannot map its shadow memory where the kernel randomises too many address bits.
if [ "$sanitizers" = thread ] && setarch -R true 2>/dev/null; then run=(setarch -R); fi
"${run[@]}" ctest --test-dir "$build" --parallel "${JOBS:-2}" --verbose --output-on-failure --no-tests=error "${chosen[@]}"
