// The forward pass of a recurrence. With panels the gates of kPanelColumns units are computed together and activated while they are in the
// L1 cache. Which rows, units or panels are taken together never shows in the bits. NaN passes.
#pragma once
#include "elman.h"
#include "gru.h"
#include "lstm.h"
#include "product.h"

namespace lanewise::LW_ISA {
namespace {

// Sums of all gates of a panel's units, for the rows taken at once.
constexpr int64_t kForwardRows = 192;
static_assert(kForwardRows * 4 * kPanelColumns * sizeof(float) <= kScratchBytes);

LW_INLINE void activate_gates(Cell cell, const ForwardStep& f, const Range& r) {
  switch (cell) {
    case Cell::elman_tanh: return elman_forward<ElmanTanh>(f, r);
    case Cell::elman_relu: return elman_forward<ElmanRelu>(f, r);
    case Cell::lstm: return lstm_forward(f, r);
    case Cell::gru: return gru_forward(f, r);
    default: return gru_before_state(f, r);
  }
}

// The sums are made where the gates will be; those of elman where the states will be.
void forward_plain(const RecurrentForwardArgs& a, const float* g, ForwardStep f, const Range& r, float* scratch) {
  const RecurrentShape& s = a.shape;
  const int64_t h = s.h, gates = cell_gates(s.cell);
  float* const sums = gates == 1 ? f.next_state : f.gates;
  if (sums != g)
    for (int64_t m = r.m0; m < r.m1; ++m)
      for (int64_t k = 0; k < gates; ++k) copy_units(r.u0, r.u1, g + (m * gates + k) * h, sums + (m * gates + k) * h);
  const auto product = [&](const float* x, int64_t first, int64_t count, float* c, int64_t c_row, bool add_c) {
    if (r.u1 - r.u0 == h)
      return plain_product(s, r, h, x, h, a.u + first * h, gates * h, 1, count * h, 0, count * h, c, c_row, add_c, scratch);
    for (int64_t k = 0; k < count; ++k)
      plain_product(s, r, h, x, h, a.u + first * h, gates * h, 1, count * h, k * h + r.u0, k * h + r.u1, c, c_row, add_c, scratch);
  };
  f.sums = sums + r.m0 * gates * h + r.u0, f.row = gates * h, f.gate = h;
  f.q_sums = f.q + r.m0 * h + r.u0, f.q_row = h;
  const bool is_after = s.cell == Cell::gru, is_before = s.cell == Cell::gru_before;
  product(f.state, 0, is_gru(s.cell) ? 2 : gates, sums, gates * h, true);
  if (is_after) product(f.state, 2, 1, f.q, h, false);
  if (is_before) {
    gru_before_reset(f, r);
    product(f.q, 2, 1, sums + 2 * h, gates * h, true);
  }
  activate_gates(s.cell, f, r);
}

// `g_ahead`: the rows of g that the next step reads.
void forward_panels(const RecurrentForwardArgs& a, const float* g, const float* g_ahead, ForwardStep f, const Range& r, float* sums) {
  const RecurrentShape& s = a.shape;
  const int64_t h = s.h, gates = cell_gates(s.cell), rows = r.m1 - r.m0, step = depth_block(h);
  const bool is_after = s.cell == Cell::gru, is_far = gates * h * h > kFarPanels;
  f.row = (is_after ? 4 : gates) * kPanelColumns, f.gate = kPanelColumns;
  f.sums = sums, f.q_sums = sums + 3 * kPanelColumns, f.q_row = f.row;
  // The sums of gates [first, beyond) of one panel: g + x·U, and x·U alone in the place of q.
  const auto sum_gates = [&](const Range& panel, const float* x, int64_t first, int64_t beyond) {
    const int64_t u = panel.u0, columns = panel.u1 - u;
    const float* const ahead = panel.u1 < r.u1 ? g + panel.u1 : g_ahead + r.u0;
    for (int64_t m = r.m0; m < r.m1; ++m)
      for (int64_t k = first; k < beyond; ++k) {
        prefetch_l2(ahead + (m * gates + k) * h);
        copy_units(0, columns, g + (m * gates + k) * h + u, sums + (m - r.m0) * f.row + k * kPanelColumns);
      }
    for (int64_t k = first; k < beyond; ++k) {
      const bool is_q = is_after && k == 2;
      const float* const weights = a.u + (u / kPanelColumns * gates + k) * h * kPanelColumns;
      for (int64_t p = 0; p < h; p += step) {
        const int64_t depth = smaller(step, h - p);
        const float* const b = weights + p * kPanelColumns;
        panel_block(rows, columns, depth, x + r.m0 * h + p, h, b, sums + (is_q ? 3 : k) * kPanelColumns, f.row, p > 0 || !is_q,
                    is_far ? b + depth * kPanelColumns : nullptr);
      }
    }
  };
  const auto for_panels = [&](const auto& run) {
    for (int64_t u = r.u0; u < r.u1; u += kPanelColumns) run(Range{r.m0, r.m1, u, smaller(h, u + kPanelColumns)});
  };
  if (s.cell == Cell::gru_before) {
    for_panels([&](const Range& panel) {
      sum_gates(panel, f.state, 0, 2);
      gru_before_reset(f, panel);
    });
    for_panels([&](const Range& panel) {
      sum_gates(panel, f.q, 2, 3);
      gru_before_state(f, panel);
    });
    return;
  }
  for_panels([&](const Range& panel) {
    sum_gates(panel, f.state, 0, gates);
    activate_gates(s.cell, f, panel);
  });
}

void forward_step(const RecurrentForwardArgs& a, int64_t step, const Range& r, float* scratch) {
  const RecurrentShape& s = a.shape;
  const int64_t t = time_of(s, step), gates = cell_gates(s.cell), size = s.n * s.h;
  const bool first = step == 0, is_lstm = s.cell == Cell::lstm;
  ForwardStep f = {};
  f.t = t, f.h = s.h;
  f.lengths = a.lengths, f.bias = a.bias;
  f.state = first ? a.h0 : a.states + read_at(s, t) * size;
  f.next_state = a.states + written_at(s, t) * size;
  if (is_lstm) {
    f.cell = first ? a.c0 : a.cells + read_at(s, t) * size;
    f.next_cell = a.cells + written_at(s, t) * size;
  }
  if (!is_elman(s.cell)) f.gates = a.gates + t * gates * size;
  if (is_gru(s.cell)) f.q = a.q + t * size;
  const float* const g = a.g + t * gates * size;
  const int64_t next = step + 1 < s.t ? time_of(s, step + 1) : t;
  s.panels ? forward_panels(a, g, a.g + next * gates * size, f, r, scratch) : forward_plain(a, g, f, r, scratch);
}

void copy_initial(const RecurrentForwardArgs& a, const Range& r) {
  const RecurrentShape& s = a.shape;
  const int64_t at = (s.reverse ? s.t : 0) * s.n * s.h;
  copy_range(r, s.h, a.h0, a.states + at);
  if (s.cell == Cell::lstm) copy_range(r, s.h, a.c0, a.cells + at);
}

int64_t recurrent_forward_tasks(const RecurrentForwardArgs& a) { return recurrent_tasks(a.shape); }

int64_t recurrent_forward(const RecurrentForwardArgs& a, int64_t begin, int64_t end, void* scratch) {
  const RecurrentShape& s = a.shape;
  float* const floats = static_cast<float*>(scratch);
  const Range all = recurrent_range(s, begin, end);
  for_row_blocks(all, s.panels ? rows_per_block(s.h) : all.m1 - all.m0, [&](const Range& r) {
    if (!s.split || a.round == 0) copy_initial(a, r);
    const int64_t first = s.split ? a.round : 0, beyond = s.split ? smaller(a.round + 1, s.t) : s.t;
    for (int64_t step = first; step < beyond; ++step) forward_step(a, step, r, floats);
  });
  return first_bad_length(s, a.lengths, all);
}

}  // namespace
}  // namespace lanewise::LW_ISA
