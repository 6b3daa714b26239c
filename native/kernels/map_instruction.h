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

// d = op(a, b, c) on n elements.
static __attribute__((noinline)) void map_instruction(const MapInstruction& i, int64_t n, MapOperand d, const MapOperand* registers) {
  const MapOperand a = registers[i.a];
#define LW_UNARY(name, expression) \
  case MapOp::name:                \
    return map_vectors(            \
        n, d, [](F32 x) __attribute__((always_inline)) { return expression; }, a);
#define LW_BINARY(name, expression) \
  case MapOp::name:                 \
    return map_vectors(             \
        n, d, [](F32 x, F32 y) __attribute__((always_inline)) { return expression; }, a, registers[i.b]);
#define LW_TERNARY(name, expression) \
  case MapOp::name:                  \
    return map_vectors(              \
        n, d, [](F32 x, F32 y, F32 z) __attribute__((always_inline)) { return expression; }, a, registers[i.b], registers[i.c]);
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
    LW_TERNARY(mul_add, add(mul(x, y), z))
    LW_TERNARY(mul_sub, sub(mul(x, y), z))
    LW_TERNARY(sub_mul, sub(z, mul(x, y)))
    case MapOp::count: return;
  }
#undef LW_UNARY
#undef LW_BINARY
#undef LW_TERNARY
}

}  // namespace
}  // namespace lanewise::LW_ISA
