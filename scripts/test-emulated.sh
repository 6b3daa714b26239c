#!/bin/bash
# Native tests on processors that are not here, in an emulator. Usage: scripts/test-emulated.sh arm64 | nehalem | haswell [TEST...]
# arm64 is built with Debian's g++-aarch64-linux-gnu; the two x86-64 ones run what scripts/test-native.sh has built: every row of
# the kernel table that such a processor has, and nothing wider.
set -euo pipefail
cd "$(dirname "$0")/.."
which=${1:?"usage: scripts/test-emulated.sh arm64 | nehalem | haswell [TEST...]"}
shift
# The exhaustive sweeps of products, convolutions and elementary functions take an emulator too long; golden_test holds their bits at chosen sizes.
tests=("$@")
if [ ${#tests[@]} -eq 0 ]; then tests=(golden_test simd_test rows_test map_test memory_test recurrent_test images_test ctc_test any_program_test); fi

case $which in
arm64)
  build=build-test-arm64
  cmake -S . -B "$build" -DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/linux-arm64.cmake" -DLANEWISE_TESTS=ON -DLANEWISE_ADDON=OFF >/dev/null
  cmake --build "$build" --parallel "${JOBS:-2}" --target "${tests[@]}" >/dev/null
  run=(qemu-aarch64 -L /usr/aarch64-linux-gnu)
  ;;
nehalem | haswell)
  build=build-test
  run=(qemu-x86_64 -cpu "${which^}")
  ;;
*) echo "expected arm64, nehalem or haswell, got '$which'" >&2 && exit 2 ;;
esac

status=0
for test in "${tests[@]}"; do
  echo "$test"
  "${run[@]}" "$build/$test" || status=1
done
exit $status
