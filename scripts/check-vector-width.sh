#!/bin/bash
# Only the AVX2 and AVX-512 objects may use ymm or zmm registers: everything else must run on any x86-64 CPU.
set -uo pipefail
cd "$(dirname "$0")/.."
if [ "$(uname -m)" != x86_64 ]; then echo "no x86-64 objects to check here"; exit 0; fi
mapfile -t objects < <(find "${1:-build/Release}" -path '*native/*.o' ! -path '*/isa/avx*' | sort)
if [ ${#objects[@]} -eq 0 ]; then echo "no objects found: run npm run build:native first" >&2; exit 2; fi

bad=0
for object in "${objects[@]}"; do
  instructions=$(objdump --disassemble --no-show-raw-insn "$object") || exit 2
  wide=$(grep -m 3 -E '%[yz]mm' <<<"$instructions")
  if [ -n "$wide" ]; then printf '%s: wide registers:\n%s\n' "$object" "$wide"; bad=1; fi
done
echo "checked ${#objects[@]} baseline objects for wide registers"
exit $bad
