// The backward pass of a recurrence, step by step from the last one, and the panels of U.
//
// dh0 and dc0 carry the adjoint of the state and the cells from step to step. A step's pointwise part leaves in dh0 what reaches the state
// it read directly; the product of its dgates with Uᵀ, added a round later, is the rest.
#pragma once
#include "elman.h"
#include "gru.h"
#include "lstm.h"
#include "product.h"

namespace lanewise::LW_ISA {
namespace {

// c [rows of r, units of r] += x [N, k] · rows [first, first + k) of Uᵀ.
void turned_product(const RecurrentBackwardArgs& a, const Range& r, const float* x, int64_t x_row, int64_t first, int64_t k, float* c,
                    bool add_c, float* scratch) {
  const RecurrentShape& s = a.shape;
  const int64_t h = s.h, total = cell_gates(s.cell) * h;
  if (!s.panels) return plain_product(s, r, k, x, x_row, a.u + first, 1, total, h, r.u0, r.u1, c, h, add_c, scratch);
  const int64_t step = depth_block(k);
  const bool is_far = total * h > kFarPanels;
  for (int64_t p = 0; p < k; p += step) {
    const int64_t depth = smaller(step, k - p);
    const auto panel = [&](int64_t u) { return a.u + (u / kPanelColumns * total + first + p) * kPanelColumns; };
    int64_t u = r.u0;
    for (constexpr int64_t kUnits = kPanelsAtOnce * kPanelColumns; r.m1 - r.m0 == 1 && u + kUnits <= r.u1; u += kUnits)
      row_of_panels(depth, x + r.m0 * x_row + p, panel(u), total * kPanelColumns, c + r.m0 * h + u, p > 0 || add_c);
    for (; u < r.u1; u += kPanelColumns) {
      const float* const b = panel(u);
      panel_block(r.m1 - r.m0, smaller(kPanelColumns, h - u), depth, x + r.m0 * x_row + p, x_row, b, c + r.m0 * h + u, h, p > 0 || add_c,
                  is_far ? b + total * kPanelColumns : nullptr);
    }
  }
}

// What the step at time t sends to the state it read through U.
void pass_back(const RecurrentBackwardArgs& a, int64_t t, const Range& r, float* scratch) {
  const RecurrentShape& s = a.shape;
  const int64_t gates = cell_gates(s.cell), h = s.h;
  const float* const dgates = a.dgates + t * s.n * gates * h;
  turned_product(a, r, dgates, gates * h, 0, (is_gru(s.cell) ? 2 : gates) * h, a.dh0, true, scratch);
  if (s.cell == Cell::gru) turned_product(a, r, a.dq + t * s.n * h, h, 2 * h, h, a.dh0, true, scratch);
}

void backward_step(const RecurrentBackwardArgs& a, int64_t t, const Range& r, float* scratch) {
  const RecurrentShape& s = a.shape;
  const int64_t gates = cell_gates(s.cell), size = s.n * s.h, read = read_at(s, t) * size, written = written_at(s, t) * size;
  BackwardStep b = {};
  b.t = t, b.h = s.h;
  b.lengths = a.lengths;
  b.state = a.states + read, b.next_state = a.states + written;
  if (s.cell == Cell::lstm) b.cell = a.cells + read, b.next_cell = a.cells + written, b.dc = a.dc0;
  if (!is_elman(s.cell)) b.gates = a.gates + t * gates * size;
  if (is_gru(s.cell)) b.q = a.q + t * size, b.dq = a.dq + t * size;
  if (a.dy != nullptr) b.dy = a.dy + t * size;
  b.dgates = a.dgates + t * gates * size;
  b.dh = a.dh0;
  switch (s.cell) {
    case Cell::elman_tanh: return elman_backward<ElmanTanh>(b, r);
    case Cell::elman_relu: return elman_backward<ElmanRelu>(b, r);
    case Cell::lstm: return lstm_backward(b, r);
    case Cell::gru: return gru_backward(b, r);
    default:
      gru_before_state_back(b, r);
      turned_product(a, r, b.dgates + 2 * s.h, gates * s.h, 2 * s.h, s.h, b.dq, false, scratch);
      gru_before_reset_back(b, r);
  }
}

int64_t recurrent_backward_tasks(const RecurrentBackwardArgs& a) { return recurrent_tasks(a.shape); }

// One round more than there are steps: the last one adds the products of the first step.
int64_t recurrent_backward(const RecurrentBackwardArgs& a, int64_t begin, int64_t end, void* scratch) {
  const RecurrentShape& s = a.shape;
  float* const floats = static_cast<float*>(scratch);
  const Range all = recurrent_range(s, begin, end);
  for_row_blocks(all, s.panels ? rows_per_block(depth_block(cell_gates(s.cell) * s.h)) : all.m1 - all.m0, [&](const Range& r) {
    const int64_t first = s.split ? a.round : 0, beyond = s.split ? a.round + 1 : s.t + 1;
    for (int64_t round = first; round < beyond; ++round) {
      if (round > 0) {
        pass_back(a, time_of(s, s.t - round), r, floats);
      } else {
        copy_range(r, s.h, a.dh, a.dh0);
        if (s.cell == Cell::lstm) copy_range(r, s.h, a.dc, a.dc0);
      }
      if (round < s.t) backward_step(a, time_of(s, s.t - 1 - round), r, floats);
    }
  });
  return kOk;
}

int64_t recurrent_panels_tasks(const RecurrentPanelsArgs& a) { return divide_up(a.h, kPanelColumns); }

int64_t recurrent_panels(const RecurrentPanelsArgs& a, int64_t begin, int64_t end, void*) {
  const int64_t h = a.h, total = a.gates * h;
  for (int64_t block = begin; block < end; ++block) {
    const int64_t u = block * kPanelColumns, columns = smaller(kPanelColumns, h - u);
    float* const out = a.panels + block * total * kPanelColumns;
    if (a.turned) {
      pack_panel(total, columns, kPanelColumns, a.u + u * total, 1, total, out);
      continue;
    }
    for (int64_t k = 0; k < a.gates; ++k)
      for (int64_t p = 0; p < h; ++p) {
        float* const row = out + (k * h + p) * kPanelColumns;
        for_units(columns, kPanelColumns, [&](int64_t j, auto v) { v.store(row + j, zero()); });
        copy_units(0, columns, a.u + p * total + k * h + u, row);
      }
  }
  if (const int64_t units = end * kPanelColumns; units >= h)
    for_units(units * total, divide_up(h, kPanelUnits) * kPanelUnits * total, [&](int64_t j, auto v) { v.store(a.panels + j, zero()); });
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
