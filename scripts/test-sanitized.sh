#!/bin/bash
# The mocha suite inside Node with the addon under sanitizers; Node itself is the stock binary.
# Usage: scripts/test-sanitized.sh address | thread [MOCHA ARGUMENTS]
# With address: buffers of JavaScript are seen too, and what the addon still has at the end is a leak. Node and the compilers that tests
# start leave much behind; a leak counts where a frame of the addon is on its stack. Only the process of mocha looks for leaks, since a
# process that finds some ends with another status than its own. Left out: checks of what the compiler of this machine makes.
set -euo pipefail
cd "$(dirname "$0")/.."
sanitizers=${1:?"usage: scripts/test-sanitized.sh address | thread [MOCHA ARGUMENTS]"}
shift
reports=$PWD/build-fuzz/reports-$sanitizers
run=()
case $sanitizers in
thread)
  build=$PWD/build-sanitized-thread
  cmake -S . -B "$build" -DLANEWISE_SANITIZE=thread -DCMAKE_CXX_COMPILER=g++ -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)" >/dev/null
  cmake --build "$build" --parallel "${JOBS:-2}" --target lanewise >/dev/null
  preload=$(g++ -print-file-name=libtsan.so)
  export TSAN_OPTIONS=suppressions=$PWD/scripts/sanitizers/thread.supp:log_path=$reports/report:exitcode=0:report_signal_unsafe=0
  # The thread sanitizer of g++ 12 cannot map its shadow memory where the kernel randomises too many address bits.
  if setarch -R true 2>/dev/null; then run=(setarch -R); fi
  ;;
address)
  build=$(scripts/sanitizers/build-address.sh lanewise)
  compiler=${CXX:-$(command -v clang++-19 || command -v clang++)}
  preload="$("$compiler" -print-file-name=libclang_rt.asan-x86_64.so) $("$compiler" -print-file-name=libstdc++.so.6)"
  export ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=8:log_path=$reports/report:exitcode=0
  export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:log_path=$reports/report
  ;;
*) echo "expected address or thread, got '$sanitizers'" >&2 && exit 2 ;;
esac
mkdir -p "$build/build/Release"
cp "$build/lanewise.node" "$build/build/Release/"
# node-gyp-build looks only there.
export LANEWISE_PREBUILD=$build
# Every process writes its reports into a file of its own, also those that tests start and whose output they read.
rm -rf "$reports" && mkdir -p "$reports"

status=0
# An instrumented test takes some five times as long. No npx: the library must be loaded before everything else, in Node alone.
export LANEWISE_PATIENCE=${LANEWISE_PATIENCE:-10}
LD_PRELOAD=$preload "${run[@]}" node node_modules/mocha/bin/mocha.js --require ./scripts/platforms/patience.js \
  --require ./scripts/sanitizers/children.js --ignore test/native/object-checks.test.ts "$@" || status=$?
# Reports are paragraphs.
faults() {
  awk 'BEGIN { RS = ""; ORS = "\n\n" } /ERROR: AddressSanitizer|runtime error:|WARNING: ThreadSanitizer/ || (/leak of/ && /lanewise\.node/)' "$@"
}
found=0
shopt -s nullglob
for report in "$reports"/*; do
  fault=$(faults "$report")
  [ -n "$fault" ] || continue
  found=$((found + 1))
  head -n 40 <<<"$fault"
  status=1
done
echo "$found processes with reports of the sanitizers"
exit $status
