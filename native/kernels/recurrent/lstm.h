// i, f, o = sigmoid, k = tanh of the sums; c' = f·c + i·k; h' = o·tanh(c').
#pragma once
#include "range.h"

namespace lanewise::LW_ISA {
namespace {

void lstm_forward(const ForwardStep& s, const Range& r) {
  for (int64_t m = r.m0; m < r.m1; ++m) {
    float* const gates = s.gates + m * 4 * s.h;
    if (!is_running(s.lengths, m, s.t)) {
      copy_units(r.u0, r.u1, s.state + m * s.h, s.next_state + m * s.h);
      copy_units(r.u0, r.u1, s.cell + m * s.h, s.next_cell + m * s.h);
      clear_units(r, 4, s.h, gates);
      continue;
    }
    const float* const sums = s.sums + (m - r.m0) * s.row - r.u0;
    for_units(r.u0, r.u1, [&](int64_t j, auto v) {
      const int64_t at = m * s.h + j;
      const F32 i = sigmoid(v.load(sums + j)), f = sigmoid(v.load(sums + s.gate + j));
      const F32 k = tanh(v.load(sums + 2 * s.gate + j)), o = sigmoid(v.load(sums + 3 * s.gate + j));
      const F32 c = fma(f, v.load(s.cell + at), mul(i, k));
      v.store(gates + j, i);
      v.store(gates + s.h + j, f);
      v.store(gates + 2 * s.h + j, k);
      v.store(gates + 3 * s.h + j, o);
      v.store(s.next_cell + at, c);
      v.store(s.next_state + at, mul(o, tanh(c)));
    });
  }
}

// tanh(c') is computed again: keeping it would take T·N·H floats more.
void lstm_backward(const BackwardStep& s, const Range& r) {
  for (int64_t m = r.m0; m < r.m1; ++m) {
    if (!is_running(s.lengths, m, s.t)) {
      carry_back(s, r, m, 4);
      continue;
    }
    const float* const gates = s.gates + m * 4 * s.h;
    float* const dgates = s.dgates + m * 4 * s.h;
    for_units(r.u0, r.u1, [&](int64_t j, auto v) {
      const int64_t at = m * s.h + j;
      const F32 i = v.load(gates + j), f = v.load(gates + s.h + j), k = v.load(gates + 2 * s.h + j), o = v.load(gates + 3 * s.h + j);
      const F32 tanh_c = tanh(v.load(s.next_cell + at));
      const F32 dh = with_dy(s, at, v, v.load(s.dh + at));
      const F32 dc = fma(mul(dh, o), tanh_slope(tanh_c), v.load(s.dc + at));
      v.store(dgates + j, mul(mul(dc, k), sigmoid_slope(i)));
      v.store(dgates + s.h + j, mul(mul(dc, v.load(s.cell + at)), sigmoid_slope(f)));
      v.store(dgates + 2 * s.h + j, mul(mul(dc, i), tanh_slope(k)));
      v.store(dgates + 3 * s.h + j, mul(mul(dh, tanh_c), sigmoid_slope(o)));
      v.store(s.dc + at, mul(dc, f));
      v.store(s.dh + at, zero());
    });
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
