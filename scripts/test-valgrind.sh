#!/bin/bash
# The native tests under valgrind's memcheck, once a release: it also sees reads of what was never written. Checks that fail (status 1) do
# not count: it does not flush denormal numbers, so that two of runtime_test do. What it reports (99) counts, and every other end.
# Usage: scripts/test-valgrind.sh [TEST…], such as gemm_test
set -euo pipefail
cd "$(dirname "$0")/.."
build=build-test
npx --no-install cmake-js compile --out "$build" --parallel "${JOBS:-2}" --CDLANEWISE_TESTS=ON --CDLANEWISE_ADDON=OFF --loglevel=warn
tests=("$@")
if [ $# -eq 0 ]; then mapfile -t tests < <(cd "$build" && ls ./*_test); fi
passed=0 failed=0
for test in "${tests[@]}"; do
  status=0
  # runtime_test has operators new and delete of its own, which must not be taken for others.
  # A forked child leaves what belongs to the threads of its parent: it is not asked.
  valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
    --soname-synonyms=somalloc=nouserintercepts --child-silent-after-fork=yes "$build/$test" || status=$?
  if [ "$status" -le 1 ]; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "not ok: $test, status $status"; fi
done
echo "memcheck: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
