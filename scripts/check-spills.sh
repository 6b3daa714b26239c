#!/bin/bash
# The inner loops of products keep every sum in a register: a loop with many fused multiply-adds that touches the stack with whole
# vectors has spilled. Usage: scripts/check-spills.sh [DIRECTORY OF OBJECTS]
set -uo pipefail
cd "$(dirname "$0")/.."
if [ "$(uname -m)" != x86_64 ]; then echo "no x86-64 objects to check here"; exit 0; fi
mapfile -t objects < <(find "${1:-build/Release}" -path '*isa/avx*.o' | sort)
if [ ${#objects[@]} -eq 0 ]; then echo "no AVX objects found: run npm run build:native first" >&2; exit 2; fi

bad=0
loops=0
for object in "${objects[@]}"; do
  report=$(objdump --disassemble --demangle --no-show-raw-insn "$object" | awk '
    # Instructions by address; a jump back closes a loop, and only the innermost ones have no jump back inside.
    /^ *[0-9a-f]+:\t/ {
      address = $1; sub(/:/, "", address)
      at[++n] = address; line[n] = $0; index_of[address] = n
      if ($2 ~ /^j/ && ($3 in index_of)) {
        first = index_of[$3]; fma = 0; spill = ""; inner = 1
        for (i = first; i <= n; i++) {
          if (line[i] ~ /\tvfn?madd/) fma++
          if (line[i] ~ /\tvmov[au]ps .*\(%rsp\)/) spill = name ": " line[i]
          if (i < n && closes[i]) inner = 0
        }
        closes[n] = 1
        if (inner && fma >= 12 && name ~ /tile|gemm|plane_product/) { loops++; if (spill != "") print "spill:" spill }
      }
    }
    /^[0-9a-f]+ </ { name = $0; sub(/^[0-9a-f]+ </, "", name); sub(/>:$/, "", name); n = 0; delete at; delete line; delete index_of; delete closes }
    END { print "loops " loops + 0 }') || exit 2
  found=$(sed -n 's/^loops //p' <<<"$report")
  loops=$((loops + found))
  spills=$(grep '^spill:' <<<"$report")
  if [ -n "$spills" ]; then printf '%s: vectors spilled in inner loops:\n%s\n' "$object" "$(head -n 5 <<<"$spills")"; bad=1; fi
done
echo "checked $loops inner loops of products for spills"
if [ "$loops" -eq 0 ]; then echo "expected inner loops with 12 or more fused multiply-adds, got none" >&2; exit 2; fi
exit $bad
