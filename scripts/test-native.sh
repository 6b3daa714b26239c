#!/bin/bash
# Builds the native unit tests (out of Node) and runs them. Usage: scripts/test-native.sh [address,undefined | thread]
set -euo pipefail
cd "$(dirname "$0")/.."
sanitizers=${1:-}
build=build-test${sanitizers:+-${sanitizers//,/-}}

npx --no-install cmake-js compile --out "$build" --parallel "${JOBS:-2}" \
  --CDLANEWISE_TESTS=ON --CDLANEWISE_ADDON=OFF --CDLANEWISE_SANITIZE="$sanitizers" --loglevel=warn

export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1}
run=env
left_out='^$'
if [ "$sanitizers" = thread ]; then
  # Functions of numbers share nothing.
  left_out='math_test|simd_test'
  # The thread sanitizer of g++ 12 cannot map its shadow memory where the kernel randomises too many address bits.
  if setarch -R true 2>/dev/null; then run='setarch -R'; fi
fi
# No arrays, which the bash of macOS takes for unset while they are empty.
$run ctest --test-dir "$build" --parallel "${JOBS:-2}" --verbose --output-on-failure --no-tests=error --exclude-regex "$left_out"
