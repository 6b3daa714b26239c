// Where the registers of a map lie: what is read and written in place, what takes a block of scratch, and for how long.
#pragma once

#include "args.h"
#include "index_space.h"
#include "known_maps.h"
#include "map_instruction.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kMapBlock = 512;
// Blocks lie a cache line more than a power of two apart, or all registers would compete for the same sets of L1.
constexpr int64_t kMapPitch = kMapBlock + 16;
constexpr int kMaxMapRegisters = kMaxMapInputs + kMaxMapConstants + kMaxMapInstructions;
static_assert(kMaxMapRegisters * kMapPitch * sizeof(float) <= kScratchBytes);

LW_INLINE float map_scalar(const MapInput& input, int64_t at) {
  switch (input.dtype) {
    case DType::i32: return static_cast<float>(static_cast<const int32_t*>(input.data)[at]);
    case DType::u8: return static_cast<const uint8_t*>(input.data)[at];
    default: return static_cast<const float*>(input.data)[at];
  }
}

// How an input reaches its register. A pattern is expanded too, but only once: every block shows the same of it.
enum class MapAccess : uint8_t { in_place, repeated, expanded, pattern };

LW_INLINE bool map_expands(MapAccess access) { return access >= MapAccess::expanded; }

// Everything about a map that does not change from block to block.
struct MapPlan {
  IndexSpace space;  // collapsed; only expanded inputs look at it
  int64_t stride[kMaxMapInputs][kMaxRank];
  MapAccess access[kMaxMapInputs];
  int64_t block;  // elements taken at a time
  MapOperand registers[kMaxMapRegisters];
  int8_t moving[kMaxMapRegisters];  // the registers whose block lies in the caller's memory and moves on
  int moving_count;
  int8_t stored[kMaxMapOutputs];  // the outputs copied from a register after the last instruction
  int stored_count;
};

// An input that is contiguous in the index space, or one element for all of it; dimensions of size 1 do not matter.
LW_INLINE MapAccess map_access(const MapArgs& args, const MapInput& input) {
  if (map_repeats(args, input)) return MapAccess::repeated;
  bool contiguous = input.dtype == DType::f32;
  int64_t expected = 1;
  for (int d = args.rank - 1; d >= 0; --d) {
    if (args.dims[d] == 1) continue;
    contiguous = contiguous && input.stride[d] == expected;
    expected *= args.dims[d];
  }
  return contiguous ? MapAccess::in_place : MapAccess::expanded;
}

// An input that is itself an output is copied first if another output lies on it: stores would overtake the read.
static void map_guard_copies(const MapArgs& args, MapPlan& plan) {
  for (int o = 0; o < args.outputs; ++o) {
    const int reg = args.output[o].reg;
    if (reg >= args.inputs || plan.access[reg] != MapAccess::in_place) continue;
    for (int other = 0; other < args.outputs; ++other) {
      if (other != o && args.output[other].data == args.input[reg].data) plan.access[reg] = MapAccess::expanded;
    }
  }
}

// Only expanded inputs need the index space; adjacent dimensions that all of them walk as one are merged.
static void map_collapse(const MapArgs& args, MapPlan& plan) {
  const int64_t* strides[kMaxMapInputs];
  int64_t* merged[kMaxMapInputs];
  int count = 0;
  for (int i = 0; i < args.inputs; ++i) {
    if (plan.access[i] != MapAccess::expanded) continue;
    strides[count] = args.input[i].stride;
    merged[count++] = plan.stride[i];
  }
  collapse(args.rank, args.dims, count, strides, plan.space, merged);
}

// An input that is the same in every row, such as a bias, is a pattern if a block of whole rows and whole lines fits.
static void map_patterns(const MapArgs& args, MapPlan& plan) {
  const int last = plan.space.rank - 1;
  int64_t rows = plan.space.dims[last];
  while (rows % kLine != 0) rows *= 2;
  if (rows > kMapBlock) return;
  for (int i = 0; i < args.inputs; ++i) {
    if (plan.access[i] != MapAccess::expanded) continue;
    bool same = true;
    for (int d = 0; d < last; ++d) same = same && plan.stride[i][d] == 0;
    if (!same) continue;
    plan.access[i] = MapAccess::pattern;
    plan.block = kMapBlock / rows * rows;
  }
}

// Places the inputs and constants of a run from position `first` on. Returns what is free behind them.
LW_INLINE float* map_place_inputs(const MapArgs& args, int64_t first, float* free, MapPlan& plan) {
  bool expands = false;
  for (int i = 0; i < args.inputs; ++i) plan.access[i] = map_access(args, args.input[i]);
  map_guard_copies(args, plan);
  for (int i = 0; i < args.inputs; ++i) {
    const MapInput& input = args.input[i];
    switch (plan.access[i]) {
      case MapAccess::in_place:
        plan.registers[i] = {const_cast<float*>(static_cast<const float*>(input.data)) + first, kLanes, false};
        plan.moving[plan.moving_count++] = static_cast<int8_t>(i);
        break;
      case MapAccess::repeated:
        store(free, set1(map_scalar(input, 0)));
        plan.registers[i] = {free, 0, true};
        free += 16;
        break;
      default: expands = true;
    }
  }
  for (int i = 0; i < args.constants; ++i, free += 16) {
    store(free, set1(args.constant[i]));
    plan.registers[args.inputs + i] = {free, 0, true};
  }
  if (!expands) return free;
  map_collapse(args, plan);
  map_patterns(args, plan);
  for (int i = 0; i < args.inputs; ++i) {
    if (!map_expands(plan.access[i])) continue;
    plan.registers[i] = {free, kLanes, true};
    free += kMapPitch;
  }
  return free;
}

// The last instruction that reads each register, or −1.
LW_INLINE void map_last_reads(const MapArgs& args, int registers, int8_t* last_read) {
  for (int r = 0; r < registers; ++r) last_read[r] = -1;
  for (int i = 0; i < args.instructions; ++i) {
    const MapInstruction& in = args.instruction[i];
    const int arity = map_arity(in.op);
    last_read[in.a] = static_cast<int8_t>(i);
    if (arity > 1) last_read[in.b] = static_cast<int8_t>(i);
    if (arity > 2) last_read[in.c] = static_cast<int8_t>(i);
  }
}

// Places the temporaries that are written straight to an output; the other outputs are stored, and so read, at the very end. In a short
// run the end of a vector weighs more than a copy, so what is read again stays in scratch.
LW_INLINE void map_place_outputs(const MapArgs& args, int64_t first, bool short_run, int temporaries, int8_t* last_read, MapPlan& plan) {
  for (int i = 0; i < args.instructions; ++i) plan.registers[temporaries + i].data = nullptr;
  for (int o = 0; o < args.outputs; ++o) {
    const MapOutput& output = args.output[o];
    const int instruction = output.reg - temporaries;
    bool direct = instruction >= 0 && output.dtype == DType::f32 && plan.registers[output.reg].data == nullptr;
    if (direct && short_run && last_read[output.reg] >= 0) direct = false;
    for (int i = 0; direct && i < args.inputs; ++i) {
      // An expanded or repeated input was read before the first instruction of the block.
      direct = !(plan.access[i] == MapAccess::in_place && args.input[i].data == output.data && last_read[i] > instruction);
    }
    if (direct) {
      plan.registers[output.reg] = {output.data + first, kLanes, false};
      plan.moving[plan.moving_count++] = static_cast<int8_t>(output.reg);
    } else {
      plan.stored[plan.stored_count++] = static_cast<int8_t>(o);
      last_read[output.reg] = kMaxMapInstructions;
    }
  }
}

// Places the other temporaries in as few blocks as their lifetimes allow, to stay in L1.
LW_INLINE void map_place_temporaries(const MapArgs& args, int temporaries, int8_t* last_read, float* free, MapPlan& plan) {
  float* spare[kMaxMapInstructions];
  int spares = 0;
  for (int i = 0; i < args.instructions; ++i) {
    const MapInstruction& in = args.instruction[i];
    const int arity = map_arity(in.op);
    const int operands[3] = {in.a, in.b, in.c};
    // Blocks read here for the last time are free already: an instruction may overwrite its own operand.
    for (int k = 0; k < arity; ++k) {
      const int r = operands[k];
      if (r < temporaries || last_read[r] != i) continue;
      if (!plan.registers[r].scratch) continue;
      last_read[r] = -1;  // an operand used twice is released once
      spare[spares++] = plan.registers[r].data;
    }
    MapOperand& d = plan.registers[temporaries + i];
    if (d.data != nullptr) continue;
    if (spares > 0) {
      d = {spare[--spares], kLanes, true};
    } else {
      d = {free, kLanes, true};
      free += kMapPitch;
    }
  }
}

// Places all registers for a run from position `first` on.
static void map_plan(const MapArgs& args, int64_t first, bool short_run, float* scratch, MapPlan& plan) {
  const int temporaries = args.inputs + args.constants;
  plan.moving_count = plan.stored_count = 0;
  plan.block = kMapBlock;
  float* const free = map_place_inputs(args, first, scratch, plan);
  int8_t last_read[kMaxMapRegisters];
  map_last_reads(args, temporaries + args.instructions, last_read);
  map_place_outputs(args, first, short_run, temporaries, last_read, plan);
  map_place_temporaries(args, temporaries, last_read, free, plan);
}

}  // namespace
}  // namespace lanewise::LW_ISA
