#!/bin/bash
# No weak symbol may come out of an ISA object: the linker could pick that copy for code that runs on older CPUs.
set -uo pipefail
cd "$(dirname "$0")/.."
mapfile -t objects < <(find "${1:-build/Release}" -path '*native/isa/*.o' | sort)
if [ ${#objects[@]} -eq 0 ]; then echo "no ISA objects found: run npm run build:native first" >&2; exit 2; fi

bad=0
for object in "${objects[@]}"; do
  symbols=$(nm --demangle "$object") || exit 2
  weak=$(grep -E '^[0-9a-f]+ [VWuv] ' <<<"$symbols")
  if [ -n "$weak" ]; then printf '%s: weak symbols:\n%s\n' "$object" "$weak"; bad=1; fi
done
echo "checked ${#objects[@]} ISA objects for weak symbols"
exit $bad
