// What the two passes of a recurrence share: which part of the work a call does, the order of steps, walking over hidden units.
#pragma once
#include "../../gemm/gemm.h"
#include "../lanes.h"

namespace lanewise::LW_ISA {
namespace {

// Units of a panel and of a task: two vectors of AVX-512, as its tiles.
constexpr int64_t kPanelColumns = kLanes == 16 ? 32 : 16;
static_assert(kPanelUnits % kPanelColumns == 0);

// Rows [m0, m1) and hidden units [u0, u1).
struct Range {
  int64_t m0, m1, u0, u1;
};

LW_INLINE int64_t recurrent_tasks(const RecurrentShape& s) { return s.split ? divide_up(s.h, kPanelColumns) : s.n; }
LW_INLINE Range recurrent_range(const RecurrentShape& s, int64_t begin, int64_t end) {
  if (s.split) return {0, s.n, begin * kPanelColumns, smaller(s.h, end * kPanelColumns)};
  return {begin, end, 0, s.h};
}

// The time of a step, and of the states it reads and writes.
LW_INLINE int64_t time_of(const RecurrentShape& s, int64_t step) { return s.reverse ? s.t - 1 - step : step; }
LW_INLINE int64_t read_at(const RecurrentShape& s, int64_t t) { return s.reverse ? t + 1 : t; }
LW_INLINE int64_t written_at(const RecurrentShape& s, int64_t t) { return s.reverse ? t : t + 1; }

LW_INLINE bool is_running(const int32_t* lengths, int64_t n, int64_t t) { return lengths == nullptr || t < lengths[n]; }

// The first row of a range whose length is not 1 … T.
LW_INLINE int64_t first_bad_length(const RecurrentShape& s, const int32_t* lengths, const Range& r) {
  if (lengths == nullptr) return kOk;
  for (int64_t n = r.m0; n < r.m1; ++n)
    if (lengths[n] < 1 || lengths[n] > s.t) return n;
  return kOk;
}

// A whole vector or the first lanes of one, with one expression for both.
struct WholeVector {
  LW_MEMBER F32 load(const float* p) const { return LW_ISA::load(p); }
  LW_MEMBER void store(float* p, F32 x) const { LW_ISA::store(p, x); }
};
struct PartOfVector {
  int lanes;
  LW_MEMBER F32 load(const float* p) const { return load_n(p, lanes); }
  LW_MEMBER void store(float* p, F32 x) const { store_n(p, x, lanes); }
};
// visit(unit, vector) for each vector of units [begin, end).
template <class Visit>
LW_INLINE void for_units(int64_t begin, int64_t end, const Visit& visit) {
  int64_t j = begin;
  for (; j + kLanes <= end; j += kLanes) visit(j, WholeVector{});
  if (j < end) visit(j, PartOfVector{static_cast<int>(end - j)});
}

LW_INLINE void copy_units(int64_t begin, int64_t end, const float* from, float* to) {
  for_units(begin, end, [&](int64_t j, auto v) { v.store(to + j, v.load(from + j)); });
}
// Zeros where `from` is null.
LW_INLINE void copy_range(const Range& r, int64_t pitch, const float* from, float* to) {
  for (int64_t m = r.m0; m < r.m1; ++m)
    for_units(r.u0, r.u1, [&](int64_t j, auto v) { v.store(to + m * pitch + j, from != nullptr ? v.load(from + m * pitch + j) : zero()); });
}
LW_INLINE void clear_units(const Range& r, int64_t gates, int64_t h, float* row) {
  for (int64_t k = 0; k < gates; ++k) for_units(r.u0, r.u1, [&](int64_t j, auto v) { v.store(row + k * h + j, zero()); });
}

// y·(1 − y) and 1 − y²: the slopes of sigmoid and tanh where they have the value y.
LW_INLINE F32 sigmoid_slope(F32 y) { return fnma(y, y, y); }
LW_INLINE F32 tanh_slope(F32 y) { return fnma(y, y, set1(1.0f)); }

// What a cell's forward pass over one range of one step reads and writes. Arrays are those of the step, [N, …].
struct ForwardStep {
  int64_t t, h;  // time, hidden units
  const int32_t* lengths;
  const float* state;
  const float* cell;
  float* next_state;
  float* next_cell;
  float* gates;
  float* q;
  const float* bias;
  // g + h·U of row m, gate k and unit j: sums[(m − m0)·row + k·gate + j − u0]; for gru h·U_n likewise in q_sums.
  const float* sums;
  int64_t row, gate;
  const float* q_sums;
  int64_t q_row;
};

struct BackwardStep {
  int64_t t, h;
  const int32_t* lengths;
  const float* state;
  const float* next_state;
  const float* cell;
  const float* next_cell;
  const float* gates;
  const float* q;
  const float* dy;  // or null
  float* dgates;
  float* dq;
  float* dh;  // of the state written before the call, of the state read behind it but for the products
  float* dc;
};

template <class Vector>
LW_INLINE F32 with_dy(const BackwardStep& s, int64_t at, const Vector& v, F32 dh) {
  return s.dy != nullptr ? add(v.load(s.dy + at), dh) : dh;
}

// A row that carries its state: what its gates get is nothing.
LW_INLINE void carry_back(const BackwardStep& s, const Range& r, int64_t m, int64_t gates) {
  clear_units(r, gates, s.h, s.dgates + m * gates * s.h);
  if (s.dq != nullptr) clear_units(r, 1, s.h, s.dq + m * s.h);
  if (s.dy == nullptr) return;
  for_units(r.u0, r.u1, [&](int64_t j, auto v) {
    const int64_t at = m * s.h + j;
    v.store(s.dh + at, with_dy(s, at, v, v.load(s.dh + at)));
  });
}

}  // namespace
}  // namespace lanewise::LW_ISA
