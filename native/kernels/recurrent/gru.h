// r, z = sigmoid of the sums; m = tanh(g_n + r·q) with q = h·U_n + bias; h' = m + z·(h − m).
// Reset before the product: q = r·h, m = tanh(g_n + q·U_n); the sums of m are then known only behind those of r, so there are two calls.
#pragma once
#include "range.h"

namespace lanewise::LW_ISA {
namespace {

// A row that carries its state.
LW_INLINE void gru_carry(const ForwardStep& s, const Range& r, int64_t m) {
  copy_units(r.u0, r.u1, s.state + m * s.h, s.next_state + m * s.h);
  clear_units(r, 3, s.h, s.gates + m * 3 * s.h);
  clear_units(r, 1, s.h, s.q + m * s.h);
}

void gru_forward(const ForwardStep& s, const Range& r) {
  for (int64_t m = r.m0; m < r.m1; ++m) {
    if (!is_running(s.lengths, m, s.t)) {
      gru_carry(s, r, m);
      continue;
    }
    const float* const sums = s.sums + (m - r.m0) * s.row - r.u0;
    const float* const q_sums = s.q_sums + (m - r.m0) * s.q_row - r.u0;
    float* const gates = s.gates + m * 3 * s.h;
    for_units(r.u0, r.u1, [&](int64_t j, auto v) {
      const int64_t at = m * s.h + j;
      const F32 reset = sigmoid(v.load(sums + j)), z = sigmoid(v.load(sums + s.gate + j));
      const F32 q = s.bias != nullptr ? add(v.load(q_sums + j), v.load(s.bias + j)) : v.load(q_sums + j);
      const F32 n = tanh(fma(reset, q, v.load(sums + 2 * s.gate + j)));
      v.store(gates + j, reset);
      v.store(gates + s.h + j, z);
      v.store(gates + 2 * s.h + j, n);
      v.store(s.q + at, q);
      v.store(s.next_state + at, fma(z, sub(v.load(s.state + at), n), n));
    });
  }
}

void gru_backward(const BackwardStep& s, const Range& r) {
  for (int64_t m = r.m0; m < r.m1; ++m) {
    if (!is_running(s.lengths, m, s.t)) {
      carry_back(s, r, m, 3);
      continue;
    }
    const float* const gates = s.gates + m * 3 * s.h;
    float* const dgates = s.dgates + m * 3 * s.h;
    for_units(r.u0, r.u1, [&](int64_t j, auto v) {
      const int64_t at = m * s.h + j;
      const F32 reset = v.load(gates + j), z = v.load(gates + s.h + j), n = v.load(gates + 2 * s.h + j);
      const F32 dh = with_dy(s, at, v, v.load(s.dh + at));
      const F32 dn = mul(mul(dh, sub(set1(1.0f), z)), tanh_slope(n));
      v.store(dgates + j, mul(mul(dn, v.load(s.q + at)), sigmoid_slope(reset)));
      v.store(dgates + s.h + j, mul(mul(dh, sub(v.load(s.state + at), n)), sigmoid_slope(z)));
      v.store(dgates + 2 * s.h + j, dn);
      v.store(s.dq + at, mul(dn, reset));
      v.store(s.dh + at, mul(dh, z));
    });
  }
}

// r, z and q = r·h.
void gru_before_reset(const ForwardStep& s, const Range& r) {
  for (int64_t m = r.m0; m < r.m1; ++m) {
    const float* const sums = s.sums + (m - r.m0) * s.row - r.u0;
    float* const gates = s.gates + m * 3 * s.h;
    for_units(r.u0, r.u1, [&](int64_t j, auto v) {
      const int64_t at = m * s.h + j;
      const F32 reset = sigmoid(v.load(sums + j));
      v.store(gates + j, reset);
      v.store(gates + s.h + j, sigmoid(v.load(sums + s.gate + j)));
      v.store(s.q + at, mul(reset, v.load(s.state + at)));
    });
  }
}

void gru_before_state(const ForwardStep& s, const Range& r) {
  for (int64_t m = r.m0; m < r.m1; ++m) {
    if (!is_running(s.lengths, m, s.t)) {
      gru_carry(s, r, m);
      continue;
    }
    const float* const sums = s.sums + (m - r.m0) * s.row - r.u0;
    float* const gates = s.gates + m * 3 * s.h;
    for_units(r.u0, r.u1, [&](int64_t j, auto v) {
      const int64_t at = m * s.h + j;
      const F32 z = v.load(gates + s.h + j), n = tanh(v.load(sums + 2 * s.gate + j));
      v.store(gates + 2 * s.h + j, n);
      v.store(s.next_state + at, fma(z, sub(v.load(s.state + at), n), n));
    });
  }
}

// The gradients of m and z. That of r waits for dq = dm·U_nᵀ.
void gru_before_state_back(const BackwardStep& s, const Range& r) {
  for (int64_t m = r.m0; m < r.m1; ++m) {
    if (!is_running(s.lengths, m, s.t)) {
      carry_back(s, r, m, 3);
      continue;
    }
    const float* const gates = s.gates + m * 3 * s.h;
    float* const dgates = s.dgates + m * 3 * s.h;
    for_units(r.u0, r.u1, [&](int64_t j, auto v) {
      const int64_t at = m * s.h + j;
      const F32 reset = v.load(gates + j), z = v.load(gates + s.h + j), n = v.load(gates + 2 * s.h + j);
      const F32 dh = with_dy(s, at, v, v.load(s.dh + at));
      v.store(dgates + j, reset);  // dgates may lie elsewhere than gates
      v.store(dgates + s.h + j, mul(mul(dh, sub(v.load(s.state + at), n)), sigmoid_slope(z)));
      v.store(dgates + 2 * s.h + j, mul(mul(dh, sub(set1(1.0f), z)), tanh_slope(n)));
      v.store(s.dh + at, mul(dh, z));
    });
  }
}

void gru_before_reset_back(const BackwardStep& s, const Range& r) {
  for (int64_t m = r.m0; m < r.m1; ++m) {
    if (!is_running(s.lengths, m, s.t)) continue;
    float* const dgates = s.dgates + m * 3 * s.h;
    for_units(r.u0, r.u1, [&](int64_t j, auto v) {
      const int64_t at = m * s.h + j;
      const F32 reset = v.load(dgates + j), dq = v.load(s.dq + at);
      v.store(dgates + j, mul(mul(dq, v.load(s.state + at)), sigmoid_slope(reset)));
      v.store(s.dh + at, fma(dq, reset, v.load(s.dh + at)));
    });
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
