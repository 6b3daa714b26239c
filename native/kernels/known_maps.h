// Maps of common training steps. Of each there is a compiled loop, so that what its instructions hand on stays in registers.
#pragma once

#include "args.h"

namespace lanewise {

struct KnownMap {
  int32_t inputs, constants, instructions, outputs;
  uint32_t repeated;  // bit i: input i is a single element
  MapInstruction instruction[16];
  int32_t output[4];  // their registers
};

// clang-format off
static constexpr KnownMap kKnownMaps[] = {
#include "known_maps.inc"
};
// clang-format on
static constexpr int kKnownMapCount = sizeof(kKnownMaps) / sizeof(kKnownMaps[0]);

static constexpr bool map_repeats(const MapArgs& args, const MapInput& input) {
  for (int d = 0; d < args.rank; ++d) {
    if (args.dims[d] != 1 && input.stride[d] != 0) return false;
  }
  return true;
}

static constexpr bool is_known_map(const KnownMap& known, const MapArgs& args) {
  if (args.inputs != known.inputs || args.constants != known.constants || args.instructions != known.instructions ||
      args.outputs != known.outputs)
    return false;
  for (int i = 0; i < args.instructions; ++i) {
    const MapInstruction &a = args.instruction[i], &b = known.instruction[i];
    if (a.op != b.op || a.a != b.a || a.b != b.b || a.c != b.c) return false;
  }
  for (int i = 0; i < args.inputs; ++i) {
    if (map_repeats(args, args.input[i]) != ((known.repeated >> i & 1) != 0)) return false;
  }
  for (int o = 0; o < args.outputs; ++o) {
    if (args.output[o].reg != known.output[o]) return false;
  }
  return true;
}

// What MapArgs::known is to be: 1 + the place in the list, or 0.
static constexpr int32_t find_known_map(const MapArgs& args) {
  for (int k = 0; k < kKnownMapCount; ++k) {
    if (is_known_map(kKnownMaps[k], args)) return k + 1;
  }
  return 0;
}

}  // namespace lanewise
