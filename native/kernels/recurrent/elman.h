// h' = tanh(g + h·U), or relu.
#pragma once
#include "range.h"

namespace lanewise::LW_ISA {
namespace {

struct ElmanTanh {
  static LW_MEMBER F32 value(F32 x) { return tanh(x); }
  static LW_MEMBER F32 slope(F32 y) { return tanh_slope(y); }
};
struct ElmanRelu {
  static LW_MEMBER F32 value(F32 x) { return max_second(zero(), x); }
  static LW_MEMBER F32 slope(F32 y) { return select(less(zero(), y), set1(1.0f), zero()); }
};

template <class Activation>
void elman_forward(const ForwardStep& s, const Range& r) {
  for (int64_t m = r.m0; m < r.m1; ++m) {
    if (!is_running(s.lengths, m, s.t)) {
      copy_units(r.u0, r.u1, s.state + m * s.h, s.next_state + m * s.h);
      continue;
    }
    const float* const sums = s.sums + (m - r.m0) * s.row - r.u0;
    for_units(r.u0, r.u1, [&](int64_t j, auto v) { v.store(s.next_state + m * s.h + j, Activation::value(v.load(sums + j))); });
  }
}

template <class Activation>
void elman_backward(const BackwardStep& s, const Range& r) {
  for (int64_t m = r.m0; m < r.m1; ++m) {
    if (!is_running(s.lengths, m, s.t)) {
      carry_back(s, r, m, 1);
      continue;
    }
    for_units(r.u0, r.u1, [&](int64_t j, auto v) {
      const int64_t at = m * s.h + j;
      const F32 dh = with_dy(s, at, v, v.load(s.dh + at));
      v.store(s.dgates + at, mul(dh, Activation::slope(v.load(s.next_state + at))));
      v.store(s.dh + at, zero());
    });
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
