// The compiled loops of known_maps.h.
#pragma once

#include "known_maps.h"
#include "map_instruction.h"

namespace lanewise::LW_ISA {
namespace {

// Instructions from kStep on.
template <int kMap, int kStep = 0>
LW_INLINE void known_steps(F32* registers) {
  constexpr const KnownMap& map = kKnownMaps[kMap];
  if constexpr (kStep < map.instructions) {
    constexpr MapInstruction in = map.instruction[kStep];
    constexpr int arity = map_arity(in.op);
    registers[map.inputs + map.constants + kStep] =
        map_apply(in.op, registers[in.a], registers[arity > 1 ? in.b : in.a], registers[arity > 2 ? in.c : in.a]);
    known_steps<kMap, kStep + 1>(registers);
  }
}

// Inputs from kInput on, those that are single elements or the others.
template <int kMap, bool kRepeated, int kInput = 0>
LW_INLINE void known_inputs(const MapOperand* from, int64_t at, int valid, F32* registers) {
  constexpr const KnownMap& map = kKnownMaps[kMap];
  if constexpr (kInput < map.inputs + map.constants) {
    constexpr bool repeated = kInput >= map.inputs || (map.repeated >> kInput & 1) != 0;
    if constexpr (repeated && kRepeated) registers[kInput] = load(from[kInput].data);
    if constexpr (!repeated && !kRepeated)
      registers[kInput] = valid == kLanes ? load(from[kInput].data + at) : load_n(from[kInput].data + at, valid);
    known_inputs<kMap, kRepeated, kInput + 1>(from, at, valid, registers);
  }
}

template <int kMap, int kOutput = 0>
LW_INLINE void known_outputs(const MapOperand* to, int64_t at, int valid, const F32* registers) {
  constexpr const KnownMap& map = kKnownMaps[kMap];
  if constexpr (kOutput < map.outputs) {
    constexpr int reg = map.output[kOutput];
    static_assert(reg >= map.inputs + map.constants);
    if (valid == kLanes) {
      store(to[reg].data + at, registers[reg]);
    } else {
      map_store_rest({to[reg].data + at, kLanes, to[reg].scratch}, registers[reg], valid);
    }
    known_outputs<kMap, kOutput + 1>(to, at, valid, registers);
  }
}

// All instructions on a block of n elements. Inputs are read before outputs are written, a few vectors at a time.
template <int kMap>
void known_map(int64_t n, const MapOperand* operands) {
  constexpr const KnownMap& map = kKnownMaps[kMap];
  constexpr int count = map.inputs + map.constants + map.instructions;
  F32 registers[kMapUnroll][count];
#pragma GCC unroll 4
  for (int v = 0; v < kMapUnroll; ++v) known_inputs<kMap, true>(operands, 0, kLanes, registers[v]);
  int64_t at = 0;
  for (; at + kMapUnroll * kLanes <= n; at += kMapUnroll * kLanes) {
#pragma GCC unroll 4
    for (int v = 0; v < kMapUnroll; ++v) known_inputs<kMap, false>(operands, at + v * kLanes, kLanes, registers[v]);
#pragma GCC unroll 4
    for (int v = 0; v < kMapUnroll; ++v) known_steps<kMap>(registers[v]);
#pragma GCC unroll 4
    for (int v = 0; v < kMapUnroll; ++v) known_outputs<kMap>(operands, at + v * kLanes, kLanes, registers[v]);
  }
  for (; at < n; at += kLanes) {
    const int valid = n - at < kLanes ? static_cast<int>(n - at) : kLanes;
    known_inputs<kMap, false>(operands, at, valid, registers[0]);
    known_steps<kMap>(registers[0]);
    known_outputs<kMap>(operands, at, valid, registers[0]);
  }
}

using KnownMapRun = void (*)(int64_t n, const MapOperand* operands);

template <int kMap = 0>
KnownMapRun known_map_run(int map) {
  if constexpr (kMap < kKnownMapCount) return map == kMap ? known_map<kMap> : known_map_run<kMap + 1>(map);
  return nullptr;
}

}  // namespace
}  // namespace lanewise::LW_ISA
