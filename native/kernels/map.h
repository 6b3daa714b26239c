// A fused elementwise program: out = f(inputs) over an index space, run as a register machine on blocks that stay in L1.
//
// Registers hold kMapBlock elements each. Contiguous f32 inputs are read where they lie; scalars and constants are one
// vector read again and again; broadcast, strided, u8 and i32 inputs are expanded into a block of scratch. The instruction that
// computes an output writes straight into it when no later instruction could still read an input lying there.
// Accuracy: the basic operations round correctly, the functions are those of math.h. maximum, minimum and relu keep NaN; a
// comparison with NaN is 0 (not_equal: 1). Elements do not depend on one another, nor on the split into tasks.
#pragma once

#include "args.h"
#include "index_space.h"
#include "math.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kMapBlock = 512;
// Blocks lie a cache line more than a power of two apart, or all registers would compete for the same sets of L1.
constexpr int64_t kMapPitch = kMapBlock + 16;
constexpr int64_t kMapTask = 16384;
constexpr int kMaxMapRegisters = kMaxMapInputs + kMaxMapConstants + kMaxMapInstructions;
static_assert(kMaxMapRegisters * kMapPitch * sizeof(float) <= kScratchBytes);

// Where a register's current block lies, and by how much to move on after a vector: kLanes, or 0 for a single repeated vector.
// A block of scratch is written in whole vectors: a masked store would stall the next instruction's load.
struct MapOperand {
  float* data;
  int32_t step;
  bool scratch;
};

LW_INLINE void map_store_rest(MapOperand d, F32 x, int n) {
  if (d.scratch) {
    store(d.data, x);
  } else {
    store_n(d.data, x, n);
  }
}

template <class Op>
LW_INLINE void map_unary(int64_t n, MapOperand d, MapOperand a, Op op) {
  for (; n >= kLanes; n -= kLanes, d.data += kLanes, a.data += a.step) store(d.data, op(load(a.data)));
  const int rest = static_cast<int>(n);
  if (rest > 0) map_store_rest(d, op(load_n(a.data, rest)), rest);
}
template <class Op>
LW_INLINE void map_binary(int64_t n, MapOperand d, MapOperand a, MapOperand b, Op op) {
  for (; n >= kLanes; n -= kLanes, d.data += kLanes, a.data += a.step, b.data += b.step) store(d.data, op(load(a.data), load(b.data)));
  const int rest = static_cast<int>(n);
  if (rest > 0) map_store_rest(d, op(load_n(a.data, rest), load_n(b.data, rest)), rest);
}
template <class Op>
LW_INLINE void map_ternary(int64_t n, MapOperand d, MapOperand a, MapOperand b, MapOperand c, Op op) {
  for (; n >= kLanes; n -= kLanes, d.data += kLanes, a.data += a.step, b.data += b.step, c.data += c.step) {
    store(d.data, op(load(a.data), load(b.data), load(c.data)));
  }
  const int rest = static_cast<int>(n);
  if (rest > 0) map_store_rest(d, op(load_n(a.data, rest), load_n(b.data, rest), load_n(c.data, rest)), rest);
}

LW_INLINE F32 one_if(Mask m) { return select(m, set1(1.0f), zero()); }
LW_INLINE F32 maximum(F32 a, F32 b) { return select(unordered(a, a), a, max_second(a, b)); }
LW_INLINE F32 minimum(F32 a, F32 b) { return select(unordered(a, a), a, min_second(a, b)); }

// d = op(a, b, c) on n elements.
static __attribute__((noinline)) void map_instruction(const MapInstruction& i, int64_t n, MapOperand d, const MapOperand* registers) {
  const MapOperand a = registers[i.a];
#define LW_UNARY(name, expression) \
  case MapOp::name:                \
    return map_unary(n, d, a, [](F32 x) __attribute__((always_inline)) { return expression; });
#define LW_BINARY(name, expression) \
  case MapOp::name:                 \
    return map_binary(n, d, a, registers[i.b], [](F32 x, F32 y) __attribute__((always_inline)) { return expression; });
#define LW_TERNARY(name, expression) \
  case MapOp::name:                  \
    return map_ternary(n, d, a, registers[i.b], registers[i.c], [](F32 x, F32 y, F32 z) __attribute__((always_inline)) { return expression; });
  switch (i.op) {
    LW_BINARY(add, add(x, y))
    LW_BINARY(sub, sub(x, y))
    LW_BINARY(mul, mul(x, y))
    LW_BINARY(div, div(x, y))
    LW_BINARY(maximum, maximum(x, y))
    LW_BINARY(minimum, minimum(x, y))
    LW_TERNARY(fma, fma(x, y, z))
    LW_UNARY(neg, neg(x))
    LW_UNARY(abs, abs(x))
    LW_UNARY(sign, select(less(zero(), abs(x)), copysign(set1(1.0f), x), x))
    LW_UNARY(sqrt, sqrt(x))
    LW_UNARY(square, mul(x, x))
    LW_UNARY(reciprocal, div(set1(1.0f), x))
    LW_UNARY(floor, floor(x))
    LW_UNARY(round, round(x))
    LW_UNARY(exp, exp(x))
    LW_UNARY(expm1, expm1(x))
    LW_UNARY(log, log(x))
    LW_UNARY(log1p, log1p(x))
    LW_UNARY(tanh, tanh(x))
    LW_UNARY(sigmoid, sigmoid(x))
    LW_UNARY(erf, erf(x))
    LW_UNARY(sin, sin(x))
    LW_UNARY(cos, cos(x))
    LW_BINARY(less, one_if(less(x, y)))
    LW_BINARY(less_equal, one_if(less_equal(x, y)))
    LW_BINARY(equal, one_if(equal(x, y)))
    LW_BINARY(not_equal, one_if(not_equal(x, y)))
    LW_TERNARY(select, select(not_equal(x, zero()), y, z))
    LW_UNARY(relu, max_second(zero(), x))
    LW_UNARY(is_finite, one_if(less(abs(x), set1(kInfinity))))
    LW_BINARY(pow, pow(x, y))
    case MapOp::count:
      return;
  }
#undef LW_UNARY
#undef LW_BINARY
#undef LW_TERNARY
}

LW_INLINE int map_arity(MapOp op) {
  switch (op) {
    case MapOp::fma:
    case MapOp::select:
      return 3;
    case MapOp::add: case MapOp::sub: case MapOp::mul: case MapOp::div: case MapOp::maximum: case MapOp::minimum:
    case MapOp::less: case MapOp::less_equal: case MapOp::equal: case MapOp::not_equal: case MapOp::pow:
      return 2;
    default:
      return 1;
  }
}

LW_INLINE float map_scalar(const MapInput& input, int64_t at) {
  switch (input.dtype) {
    case DType::i32:
      return static_cast<float>(static_cast<const int32_t*>(input.data)[at]);
    case DType::u8:
      return static_cast<const uint8_t*>(input.data)[at];
    default:
      return static_cast<const float*>(input.data)[at];
  }
}

// out[i] = input[at + i · stride], i < n
static void map_expand_run(const MapInput& input, int64_t at, int64_t stride, int64_t n, float* out) {
  if (stride == 0) {
    const F32 x = set1(map_scalar(input, at));
    for (; n >= kLanes; n -= kLanes, out += kLanes) store(out, x);
    if (n > 0) store_n(out, x, static_cast<int>(n));
    return;
  }
  if (stride != 1) {
    for (int64_t i = 0; i < n; ++i) out[i] = map_scalar(input, at + i * stride);
    return;
  }
  switch (input.dtype) {
    case DType::i32: {
      const int32_t* p = static_cast<const int32_t*>(input.data) + at;
      for (; n >= kLanes; n -= kLanes, p += kLanes, out += kLanes) store(out, to_float(load_i(p)));
      if (n > 0) store_n(out, to_float(load_i_n(p, static_cast<int>(n))), static_cast<int>(n));
      return;
    }
    case DType::u8: {
      const uint8_t* p = static_cast<const uint8_t*>(input.data) + at;
      for (; n >= kLanes; n -= kLanes, p += kLanes, out += kLanes) store(out, load_u8(p));
      if (n > 0) store_n(out, load_u8_n(p, static_cast<int>(n)), static_cast<int>(n));
      return;
    }
    default: {
      const float* p = static_cast<const float*>(input.data) + at;
      for (; n >= kLanes; n -= kLanes, p += kLanes, out += kLanes) store(out, load(p));
      if (n > 0) store_n(out, load_n(p, static_cast<int>(n)), static_cast<int>(n));
    }
  }
}

// Fills a block from position `first` of the (collapsed) index space on.
static void map_expand(const IndexSpace& space, const MapInput& input, const int64_t* stride, int64_t first, int64_t n, float* out) {
  Cursor cursor = cursor_at(space, stride, first);
  const int last = space.rank - 1;
  while (n > 0) {
    const int64_t left = space.dims[last] - cursor.index[last];
    const int64_t run = left < n ? left : n;
    map_expand_run(input, cursor.offset, stride[last], run, out);
    out += run;
    n -= run;
    if (n > 0) cursor_next_row(space, stride, cursor);
  }
}

static void map_store_output(const MapOutput& output, int64_t at, int64_t n, MapOperand from) {
  switch (output.dtype) {
    case DType::f32:
      return map_unary(n, {output.data + at, kLanes, false}, from, [](F32 x) __attribute__((always_inline)) { return x; });
    case DType::i32: {
      int32_t* p = reinterpret_cast<int32_t*>(output.data) + at;
      for (; n >= kLanes; n -= kLanes, p += kLanes, from.data += from.step) store_i(p, to_int(load(from.data)));
      if (n > 0) store_i_n(p, to_int(load_n(from.data, static_cast<int>(n))), static_cast<int>(n));
      return;
    }
    case DType::u8: {
      uint8_t* p = reinterpret_cast<uint8_t*>(output.data) + at;
      for (; n >= kLanes; n -= kLanes, p += kLanes, from.data += from.step) store_u8_n(p, load(from.data), kLanes);
      if (n > 0) store_u8_n(p, load_n(from.data, static_cast<int>(n)), static_cast<int>(n));
    }
  }
}

// How an input reaches its register.
enum class MapAccess : uint8_t { in_place, repeated, expanded };

// Everything about a map that does not change from block to block.
struct MapPlan {
  IndexSpace space;  // collapsed; only expanded inputs look at it
  int64_t stride[kMaxMapInputs][kMaxRank];
  MapAccess access[kMaxMapInputs];
  bool expands;
  MapOperand registers[kMaxMapRegisters];
  int8_t moving[kMaxMapRegisters];  // the registers whose block lies in the caller's memory and moves on
  int moving_count;
  int8_t stored[kMaxMapOutputs];    // the outputs copied from a register after the last instruction
  int stored_count;
};

// An input that is contiguous in the index space, or one element for all of it; dimensions of size 1 do not matter.
LW_INLINE MapAccess map_access(const MapArgs& args, const MapInput& input) {
  bool contiguous = input.dtype == DType::f32, constant = true;
  int64_t expected = 1;
  for (int d = args.rank - 1; d >= 0; --d) {
    if (args.dims[d] == 1) continue;
    contiguous = contiguous && input.stride[d] == expected;
    constant = constant && input.stride[d] == 0;
    expected *= args.dims[d];
  }
  return constant ? MapAccess::repeated : contiguous ? MapAccess::in_place : MapAccess::expanded;
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

// Places all registers for a run from position `first` on. In a short run the end of a vector weighs more than a copy, so what is read
// again stays in scratch.
static void map_plan(const MapArgs& args, int64_t first, bool short_run, float* scratch, MapPlan& plan) {
  const int temporaries = args.inputs + args.constants;
  const int registers = temporaries + args.instructions;
  plan.moving_count = plan.stored_count = 0;
  plan.expands = false;
  float* free = scratch;
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
      case MapAccess::expanded:
        plan.expands = true;
        break;
    }
  }
  for (int i = 0; i < args.constants; ++i, free += 16) {
    store(free, set1(args.constant[i]));
    plan.registers[args.inputs + i] = {free, 0, true};
  }
  if (plan.expands) {
    map_collapse(args, plan);
    for (int i = 0; i < args.inputs; ++i) {
      if (plan.access[i] != MapAccess::expanded) continue;
      plan.registers[i] = {free, kLanes, true};
      free += kMapPitch;
    }
  }

  // The last instruction that reads each register; outputs are read at the very end.
  int8_t last_read[kMaxMapRegisters];
  for (int r = 0; r < registers; ++r) last_read[r] = -1;
  for (int i = 0; i < args.instructions; ++i) {
    const MapInstruction& in = args.instruction[i];
    const int arity = map_arity(in.op);
    last_read[in.a] = static_cast<int8_t>(i);
    if (arity > 1) last_read[in.b] = static_cast<int8_t>(i);
    if (arity > 2) last_read[in.c] = static_cast<int8_t>(i);
  }

  // Temporaries that are written straight to an output.
  for (int i = temporaries; i < registers; ++i) plan.registers[i].data = nullptr;
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

  // The other temporaries share as few blocks as their lifetimes allow, to stay in L1.
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

int64_t map_elements(const MapArgs& args) {
  int64_t n = 1;
  for (int d = 0; d < args.rank; ++d) n *= args.dims[d];
  return n;
}

int64_t map_tasks(const MapArgs& args) { return (map_elements(args) + kMapTask - 1) / kMapTask; }

int64_t map(const MapArgs& args, int64_t begin, int64_t end, void* scratch) {
  const int64_t elements = map_elements(args);
  int64_t first = begin * kMapTask;
  const int64_t stop = end * kMapTask < elements ? end * kMapTask : elements;
  if (first >= stop) return kOk;
  MapPlan plan;
  map_plan(args, first, stop - first < kMapBlock, static_cast<float*>(scratch), plan);
  const int temporaries = args.inputs + args.constants;
  for (;;) {
    const int64_t n = stop - first < kMapBlock ? stop - first : kMapBlock;
    if (plan.expands) {
      for (int i = 0; i < args.inputs; ++i) {
        if (plan.access[i] == MapAccess::expanded) map_expand(plan.space, args.input[i], plan.stride[i], first, n, plan.registers[i].data);
      }
    }
    for (int i = 0; i < args.instructions; ++i) map_instruction(args.instruction[i], n, plan.registers[temporaries + i], plan.registers);
    for (int s = 0; s < plan.stored_count; ++s) {
      const MapOutput& output = args.output[plan.stored[s]];
      map_store_output(output, first, n, plan.registers[output.reg]);
    }
    first += n;
    if (first >= stop) return kOk;
    for (int m = 0; m < plan.moving_count; ++m) plan.registers[plan.moving[m]].data += n;
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
