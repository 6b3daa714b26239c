// One instruction of a map on one block: the loops over vectors and the list of operations.
#pragma once

#include "args.h"
#include "math.h"

namespace lanewise::LW_ISA {
namespace {

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

// Vectors of a block that are computed side by side.
constexpr int kMapUnroll = 2;

// d = op(operands...) on n elements.
template <class Op, class... Operands>
LW_INLINE void map_vectors(int64_t n, MapOperand d, Op op, Operands... from) {
  for (; n >= kMapUnroll * kLanes; n -= kMapUnroll * kLanes) {
    F32 x[kMapUnroll];
#pragma GCC unroll 4
    for (int v = 0; v < kMapUnroll; ++v) x[v] = op(load(from.data + v * from.step)...);
#pragma GCC unroll 4
    for (int v = 0; v < kMapUnroll; ++v) store(d.data + v * kLanes, x[v]);
    d.data += kMapUnroll * kLanes;
    ((from.data += kMapUnroll * from.step), ...);
  }
  for (; n >= kLanes; n -= kLanes) {
    store(d.data, op(load(from.data)...));
    d.data += kLanes;
    ((from.data += from.step), ...);
  }
  const int rest = static_cast<int>(n);
  if (rest > 0) map_store_rest(d, op(load_n(from.data, rest)...), rest);
}
LW_INLINE F32 one_if(Mask m) { return select(m, set1(1.0f), zero()); }

// op(a, b, c); what an operation does not read may be anything.
LW_INLINE F32 map_apply(MapOp op, F32 x, F32 y, F32 z) {
  switch (op) {
    case MapOp::add: return add(x, y);
    case MapOp::sub: return sub(x, y);
    case MapOp::mul: return mul(x, y);
    case MapOp::div: return div(x, y);
    case MapOp::maximum: return maximum(x, y);
    case MapOp::minimum: return minimum(x, y);
    case MapOp::fma: return fma(x, y, z);
    case MapOp::neg: return neg(x);
    case MapOp::abs: return abs(x);
    case MapOp::sign: return select(less(zero(), abs(x)), copysign(set1(1.0f), x), mul(x, zero()));
    case MapOp::sqrt: return sqrt(x);
    case MapOp::square: return mul(x, x);
    case MapOp::reciprocal: return div(set1(1.0f), x);
    case MapOp::floor: return floor(x);
    case MapOp::round: return round(x);
    case MapOp::exp: return exp(x);
    case MapOp::expm1: return expm1(x);
    case MapOp::log: return log(x);
    case MapOp::log1p: return log1p(x);
    case MapOp::tanh: return tanh(x);
    case MapOp::sigmoid: return sigmoid(x);
    case MapOp::erf: return erf(x);
    case MapOp::sin: return sin(x);
    case MapOp::cos: return cos(x);
    case MapOp::less: return one_if(less(x, y));
    case MapOp::less_equal: return one_if(less_equal(x, y));
    case MapOp::equal: return one_if(equal(x, y));
    case MapOp::not_equal: return one_if(not_equal(x, y));
    case MapOp::select: return select(not_equal(x, zero()), y, z);
    case MapOp::relu: return max_second(zero(), x);
    case MapOp::is_finite: return one_if(less(abs(x), set1(kInfinity)));
    case MapOp::pow: return pow(x, y);
    case MapOp::mul_add: return add(mul(x, y), z);
    case MapOp::mul_sub: return sub(mul(x, y), z);
    case MapOp::sub_mul: return sub(z, mul(x, y));
    case MapOp::count: break;
  }
  return x;
}

template <MapOp kOp>
LW_INLINE void map_operation(const MapInstruction& i, int64_t n, MapOperand d, const MapOperand* registers) {
  constexpr int arity = map_arity(kOp);
  const MapOperand a = registers[i.a];
  if constexpr (arity == 1) {
    map_vectors(
        n, d, [](F32 x) __attribute__((always_inline)) { return map_apply(kOp, x, x, x); }, a);
  } else if constexpr (arity == 2) {
    map_vectors(
        n, d, [](F32 x, F32 y) __attribute__((always_inline)) { return map_apply(kOp, x, y, y); }, a, registers[i.b]);
  } else {
    map_vectors(
        n, d, [](F32 x, F32 y, F32 z) __attribute__((always_inline)) { return map_apply(kOp, x, y, z); }, a, registers[i.b],
        registers[i.c]);
  }
}

// One instruction on n elements.
static __attribute__((noinline)) void map_instruction(const MapInstruction& i, int64_t n, MapOperand d, const MapOperand* registers) {
#define LW_MAP_OP(name) \
  case MapOp::name: return map_operation<MapOp::name>(i, n, d, registers);
  switch (i.op) {
    LW_MAP_OPS(LW_MAP_OP)
    case MapOp::count: return;
  }
#undef LW_MAP_OP
}

}  // namespace
}  // namespace lanewise::LW_ISA
