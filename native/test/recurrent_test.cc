// Recurrent sequences: bit for bit against the formulas in scalars, step by step, with sums in the order of gemm.h and the exponentials of
// the map kernel; with U as it is and in panels, tasks over rows and over units, whole and in random ranges.
#include <array>

#include "kernel_harness.h"
#include "runtime/operands.h"

using namespace lanewise;
using namespace lanewise::test;

namespace {

using Values = std::vector<float>;

int64_t depth_block(int64_t k) {
  if (k <= 384) return k;
  const int64_t blocks = (k + 383) / 384;
  return ((k + blocks - 1) / blocks + 7) / 8 * 8;
}

// The arithmetic of a row of the table.
struct Scalar {
  const KernelTable& table;
  float fma(float a, float b, float c) const { return table.fused ? std::fma(a, b, c) : a * b + c; }
  float fnma(float a, float b, float c) const { return table.fused ? std::fma(-a, b, c) : c - a * b; }
  float apply(MapOp op, float x) const {
    MapArgs args{};
    args.rank = args.inputs = args.instructions = args.outputs = 1;
    args.dims[0] = 1;
    args.input[0] = {&x, DType::f32, {1}};
    args.instruction[0] = {op, 0, -1, -1};
    float y = 0;
    args.output[0] = {&y, DType::f32, 1};
    run(table.map_tasks, table.map, args);
    return y;
  }
  float sigmoid(float x) const { return apply(MapOp::sigmoid, x); }
  float tanh(float x) const { return apply(MapOp::tanh, x); }
  float sigmoid_slope(float y) const { return fnma(y, y, y); }
  float tanh_slope(float y) const { return fnma(y, y, 1); }
  // start + Σ a(p)·b(p) over p < k, or without the start.
  template <class A, class B>
  float sum(int64_t k, const A& a, const B& b, const float* start) const {
    float total = start != nullptr ? *start : 0;
    const int64_t step = std::max<int64_t>(depth_block(k), 1);
    for (int64_t p = 0; p == 0 || p < k; p += step) {
      float block = 0;
      for (int64_t i = p; i < std::min(k, p + step); ++i) block = fma(a(i), b(i), block);
      total = p == 0 && start == nullptr ? block : total + block;
    }
    return total;
  }
};

// All arrays of one problem; those a cell lacks are empty.
struct Problem {
  RecurrentShape s;
  bool bias, lengths, dy, dh, dc;
  int64_t gates() const { return cell_gates(s.cell); }
  int64_t rows() const { return s.n * s.h; }
};

struct Data {
  Values g, u, bias, h0, c0, dy, dh, dc;
  std::vector<int32_t> lengths;
};

struct Results {
  Values states, cells, gates, q, dgates, dq, dh0, dc0;
};

Values random_values(Source& source, int64_t n, float limit) {
  Values out(static_cast<size_t>(n));
  for (float& x : out) x = source.uniform(-limit, limit);
  return out;
}

Data make_data(const Problem& p, uint64_t seed) {
  Source source(seed);
  const int64_t rows = p.rows(), gates = p.gates();
  Data d;
  d.g = random_values(source, p.s.t * rows * gates, 2);
  d.u = random_values(source, p.s.h * p.s.h * gates, 1 / std::sqrt(float(std::max<int64_t>(p.s.h, 1))));
  d.bias = random_values(source, p.s.h, 1);
  d.h0 = random_values(source, rows, 1);
  d.c0 = random_values(source, rows, 1);
  d.dy = random_values(source, p.s.t * rows, 1);
  d.dh = random_values(source, rows, 1);
  d.dc = random_values(source, rows, 1);
  for (int64_t i = 0; i < p.s.n; ++i) d.lengths.push_back(1 + static_cast<int32_t>(source.below(std::max<int64_t>(p.s.t, 1))));
  return d;
}

Results zeros(const Problem& p) {
  const size_t rows = static_cast<size_t>(p.rows()), t = static_cast<size_t>(p.s.t), gates = static_cast<size_t>(p.gates());
  const bool lstm = p.s.cell == Cell::lstm, gru = gates == 3;
  Results r;
  r.states.resize((t + 1) * rows);
  r.cells.resize(lstm ? (t + 1) * rows : 0);
  r.gates.resize(gates > 1 ? t * rows * gates : 0);
  r.q.resize(gru ? t * rows : 0);
  r.dgates.resize(t * rows * gates);
  r.dq.resize(gru ? t * rows : 0);
  r.dh0.resize(rows);
  r.dc0.resize(lstm ? rows : 0);
  return r;
}

Results expected(const KernelTable& table, const Problem& p, const Data& d) {
  const Scalar f{table};
  const RecurrentShape& s = p.s;
  const int64_t h = s.h, gates = p.gates(), total = gates * h;
  const bool lstm = s.cell == Cell::lstm, gru = s.cell == Cell::gru, before = s.cell == Cell::gru_before;
  Results r = zeros(p);
  const auto in = [&](int64_t row, int64_t t) { return !p.lengths || t < d.lengths[row]; };
  for (int64_t row = 0; row < s.n; ++row) {
    const auto state = [&](int64_t t) { return (t * s.n + row) * h; };
    const auto gate = [&](int64_t t, int64_t k) { return (t * s.n + row) * total + k * h; };
    for (int64_t j = 0; j < h; ++j) {
      r.states[state(s.reverse ? s.t : 0) + j] = d.h0[row * h + j];
      if (lstm) r.cells[state(s.reverse ? s.t : 0) + j] = d.c0[row * h + j];
    }
    for (int64_t step = 0; step < s.t; ++step) {
      const int64_t t = s.reverse ? s.t - 1 - step : step, from = state(s.reverse ? t + 1 : t), to = state(s.reverse ? t : t + 1);
      const float* const x = r.states.data() + from;
      const auto weights = [&](int64_t column) { return [&, column](int64_t i) { return d.u[i * total + column]; }; };
      const auto sum = [&](int64_t k, int64_t j) {
        return f.sum(
            h, [&](int64_t i) { return x[i]; }, weights(k * h + j), &d.g[gate(t, k) + j]);
      };
      Values reset(static_cast<size_t>(h));
      if (before)
        for (int64_t j = 0; j < h; ++j) reset[j] = f.sigmoid(sum(0, j));
      for (int64_t j = 0; j < h; ++j) {
        if (!in(row, t)) {
          r.states[to + j] = x[j];
          if (lstm) r.cells[to + j] = r.cells[from + j];
          continue;
        }
        float* const y = &r.states[to + j];
        float* const saved = r.gates.data();
        if (lstm) {
          const float i = f.sigmoid(sum(0, j)), forget = f.sigmoid(sum(1, j)), k = f.tanh(sum(2, j)), o = f.sigmoid(sum(3, j));
          const float c = f.fma(forget, r.cells[from + j], i * k);
          saved[gate(t, 0) + j] = i, saved[gate(t, 1) + j] = forget, saved[gate(t, 2) + j] = k, saved[gate(t, 3) + j] = o;
          r.cells[to + j] = c;
          *y = o * f.tanh(c);
        } else if (gates == 3) {
          const float z = f.sigmoid(sum(1, j)), open = before ? reset[j] : f.sigmoid(sum(0, j));
          float q, m;
          if (gru) {
            q = f.sum(
                h, [&](int64_t i) { return x[i]; }, weights(2 * h + j), nullptr);
            if (p.bias) q += d.bias[j];
            m = f.tanh(f.fma(open, q, d.g[gate(t, 2) + j]));
          } else {
            q = open * x[j];
            m = f.tanh(f.sum(
                h, [&](int64_t i) { return reset[i] * x[i]; }, weights(2 * h + j), &d.g[gate(t, 2) + j]));
          }
          saved[gate(t, 0) + j] = open, saved[gate(t, 1) + j] = z, saved[gate(t, 2) + j] = m;
          r.q[state(t) + j] = q;
          *y = f.fma(z, x[j] - m, m);
        } else {
          const float v = sum(0, j);
          *y = s.cell == Cell::elman_tanh ? f.tanh(v) : std::max(v, 0.0f);
        }
      }
    }
    Values dh(static_cast<size_t>(h)), dc(static_cast<size_t>(h));
    for (int64_t j = 0; j < h; ++j) dh[j] = p.dh ? d.dh[row * h + j] : 0, dc[j] = p.dc ? d.dc[row * h + j] : 0;
    for (int64_t step = s.t - 1; step >= 0; --step) {
      const int64_t t = s.reverse ? s.t - 1 - step : step, from = state(s.reverse ? t + 1 : t), to = state(s.reverse ? t : t + 1);
      if (p.dy)
        for (int64_t j = 0; j < h; ++j) dh[j] = d.dy[state(t) + j] + dh[j];
      if (!in(row, t)) continue;
      float* const dg = r.dgates.data() + gate(t, 0);
      const float* const a = gates > 1 ? r.gates.data() + gate(t, 0) : nullptr;
      const float* const x = r.states.data() + from;
      for (int64_t j = 0; j < h; ++j) {
        if (lstm) {
          const float i = a[j], forget = a[h + j], k = a[2 * h + j], o = a[3 * h + j], tanh_c = f.tanh(r.cells[to + j]);
          const float all = f.fma(dh[j] * o, f.tanh_slope(tanh_c), dc[j]);
          dg[j] = all * k * f.sigmoid_slope(i);
          dg[h + j] = all * r.cells[from + j] * f.sigmoid_slope(forget);
          dg[2 * h + j] = all * i * f.tanh_slope(k);
          dg[3 * h + j] = dh[j] * tanh_c * f.sigmoid_slope(o);
          dc[j] = all * forget;
          dh[j] = 0;
        } else if (gates == 3) {
          const float open = a[j], z = a[h + j], m = a[2 * h + j];
          const float dm = dh[j] * (1 - z) * f.tanh_slope(m);
          if (gru) dg[j] = dm * r.q[state(t) + j] * f.sigmoid_slope(open), r.dq[state(t) + j] = dm * open;
          dg[h + j] = dh[j] * (x[j] - m) * f.sigmoid_slope(z);
          dg[2 * h + j] = dm;
          dh[j] *= z;
        } else {
          const float y = r.states[to + j];
          dg[j] = dh[j] * (s.cell == Cell::elman_tanh ? f.tanh_slope(y) : y > 0 ? 1.0f : 0.0f);
          dh[j] = 0;
        }
      }
      const auto back = [&](const float* from_here, int64_t first, int64_t k, int64_t j, const float* start) {
        return f.sum(
            k, [&](int64_t i) { return from_here[i]; }, [&](int64_t i) { return d.u[j * total + first + i]; }, start);
      };
      if (before)
        for (int64_t j = 0; j < h; ++j) {
          const float dq = r.dq[state(t) + j] = back(dg + 2 * h, 2 * h, h, j, nullptr);
          dg[j] = dq * x[j] * f.sigmoid_slope(a[j]);
          dh[j] = f.fma(dq, a[j], dh[j]);
        }
      for (int64_t j = 0; j < h; ++j) {
        dh[j] = back(dg, 0, gates == 3 ? 2 * h : total, j, &dh[j]);
        if (gru) dh[j] = back(&r.dq[state(t)], 2 * h, h, j, &dh[j]);
      }
    }
    for (int64_t j = 0; j < h; ++j) {
      r.dh0[row * h + j] = dh[j];
      if (lstm) r.dc0[row * h + j] = dc[j];
    }
  }
  return r;
}

Guarded<float> guarded(const Values& values) {
  Guarded<float> out(static_cast<int64_t>(values.size()));
  std::copy(values.begin(), values.end(), out.data());
  return out;
}
Guarded<float> unwritten(const Values& like) {
  return Guarded<float>(static_cast<int64_t>(like.size()), std::numeric_limits<float>::quiet_NaN());
}

template <class Args, class Tasks, class Kernel>
int64_t run_rounds(Tasks tasks, Kernel kernel, Args args, uint64_t seed) {
  int64_t bad = kOk;
  for (args.round = 0; args.round < rounds(args); ++args.round) {
    const int64_t found = run(tasks, kernel, args, seed == 0 ? 0 : seed + static_cast<uint64_t>(args.round));
    if (bad == kOk) bad = found;
  }
  return bad;
}

Guarded<float> panels_of(const KernelTable& table, const Problem& p, const Data& d, bool turned, uint64_t seed) {
  Guarded<float> out((p.s.h + kPanelUnits - 1) / kPanelUnits * kPanelUnits * p.s.h * p.gates(), std::numeric_limits<float>::quiet_NaN());
  run(table.recurrent_panels_tasks, table.recurrent_panels, RecurrentPanelsArgs{p.s.h, p.gates(), turned, d.u.data(), out.data()}, seed);
  return out;
}

// The whole of both passes with `in_place` gates over g, dgates over gates.
void check(const KernelTable& table, const Problem& p, const Data& d, const Results& e, bool in_place, uint64_t seed) {
  const RecurrentShape& s = p.s;
  const auto name = [&](const char* what) {
    return text(table, what, {int64_t(s.cell), s.t, s.n, s.h, s.reverse, s.panels, s.split, p.bias, p.lengths, p.dy, in_place});
  };
  Guarded<float> g = guarded(d.g), states = unwritten(e.states), cells = unwritten(e.cells), q = unwritten(e.q), dq = unwritten(e.dq);
  Guarded<float> other_gates = unwritten(e.gates), other_dgates = unwritten(e.dgates), dh0 = unwritten(e.dh0), dc0 = unwritten(e.dc0);
  in_place = in_place && p.gates() > 1;
  Guarded<float>& gates = in_place ? g : other_gates;
  const Guarded<float> u = s.panels ? panels_of(table, p, d, false, seed) : guarded(d.u);
  const Guarded<float> turned = s.panels ? panels_of(table, p, d, true, seed) : guarded(d.u);
  const int32_t* const lengths = p.lengths ? d.lengths.data() : nullptr;
  const RecurrentForwardArgs forward = {s,
                                        0,
                                        g.data(),
                                        u.data(),
                                        p.bias ? d.bias.data() : nullptr,
                                        d.h0.data(),
                                        d.c0.data(),
                                        lengths,
                                        states.data(),
                                        cells.data(),
                                        gates.data(),
                                        q.data()};
  const int64_t bad = run_rounds(table.recurrent_forward_tasks, table.recurrent_forward, forward, seed);
  CHECK_TEXT(bad == kOk, name("lengths"));
  CHECK_TEXT(same_bits(states.data(), e.states.data(), states.size()), name("states"));
  CHECK_TEXT(same_bits(cells.data(), e.cells.data(), cells.size()), name("cells"));
  if (p.gates() > 1) CHECK_TEXT(same_bits(gates.data(), e.gates.data(), gates.size()), name("gates"));
  CHECK_TEXT(same_bits(q.data(), e.q.data(), q.size()), name("q"));

  Guarded<float>& dgates = in_place ? gates : other_dgates;
  RecurrentBackwardArgs backward = {};
  backward.shape = s;
  backward.u = turned.data(), backward.states = states.data(), backward.cells = cells.data(), backward.gates = gates.data();
  backward.q = q.data(), backward.lengths = lengths;
  backward.dy = p.dy ? d.dy.data() : nullptr, backward.dh = p.dh ? d.dh.data() : nullptr, backward.dc = p.dc ? d.dc.data() : nullptr;
  backward.dgates = dgates.data(), backward.dq = p.gates() == 3 ? dq.data() : nullptr, backward.dh0 = dh0.data(), backward.dc0 = dc0.data();
  run_rounds(table.recurrent_backward_tasks, table.recurrent_backward, backward, seed);
  CHECK_TEXT(same_bits(dgates.data(), e.dgates.data(), dgates.size()), name("dgates"));
  CHECK_TEXT(same_bits(dq.data(), e.dq.data(), dq.size()), name("dq"));
  CHECK_TEXT(same_bits(dh0, guarded(e.dh0)), name("dh0"));
  CHECK_TEXT(same_bits(dc0, guarded(e.dc0)), name("dc0"));
  CHECK_TEXT(g.intact() && states.intact() && cells.intact() && q.intact() && dq.intact() && gates.intact() && dgates.intact() &&
                 dh0.intact() && dc0.intact() && u.intact() && turned.intact(),
             name("guards"));
}

void check_all(const KernelTable& table, Problem p, uint64_t seed) {
  const Data data = make_data(p, seed);
  const Results e = expected(table, p, data);
  for (bool panels : {false, true})
    for (bool split : {false, true}) {
      if (split && p.s.cell == Cell::gru_before) continue;
      p.s.panels = panels, p.s.split = split;
      check(table, p, data, e, false, 0);
      check(table, p, data, e, true, seed);
    }
}

constexpr Cell kCells[] = {Cell::elman_tanh, Cell::elman_relu, Cell::lstm, Cell::gru, Cell::gru_before};

}  // namespace

LW_TEST(units_and_rows) {
  for_each_table([](const KernelTable& table) {
    uint64_t seed = 1;
    for (Cell cell : kCells)
      for (int64_t h : {1, 7, 8, 9, 16, 17, 33})
        for (int64_t n : {1, 2, 5, 13}) {
          const uint64_t bits = seed++ * 2654435761u >> 7;
          check_all(table,
                    {{cell, 3, n, h, bool(bits & 1), false, false},
                     bool(bits & 2),
                     bool(bits & 4),
                     bool(bits & 8),
                     bool(bits & 16),
                     bool(bits & 32)},
                    seed);
        }
  });
}

LW_TEST(every_option) {
  for_each_table([](const KernelTable& table) {
    for (Cell cell : kCells)
      for (uint64_t bits = 0; bits < 64; ++bits)
        check_all(table,
                  {{cell, 4, 3, 18, bool(bits & 1), false, false},
                   bool(bits & 2),
                   bool(bits & 4),
                   bool(bits & 8),
                   bool(bits & 16),
                   bool(bits & 32)},
                  bits + 1);
  });
}

LW_TEST(deep_and_wide) {
  for_each_table([](const KernelTable& table) {
    for (Cell cell : kCells) check_all(table, {{cell, 2, 4, 401, false, false, false}, true, false, true, true, true}, 5);
    for (Cell cell : {Cell::lstm, Cell::gru_before})
      check_all(table, {{cell, 2, 230, 24, true, false, false}, false, true, true, true, true}, 6);
  });
}

LW_TEST(nothing) {
  for_each_table([](const KernelTable& table) {
    for (Cell cell : kCells)
      for (auto [t, n, h] : {std::array<int64_t, 3>{0, 3, 5}, {3, 0, 5}, {3, 5, 0}, {1, 1, 1}})
        check_all(table, {{cell, t, n, h, false, false, false}, true, t > 0, true, true, true}, 7);
  });
}

LW_TEST(lengths_out_of_range) {
  for_each_table([](const KernelTable& table) {
    for (int32_t wrong : {0, 4, -1}) {
      Problem p = {{Cell::lstm, 3, 6, 9, false, false, false}, false, true, false, false, false};
      Data d = make_data(p, 8);
      d.lengths[2] = d.lengths[4] = wrong;
      Results r = zeros(p);
      const RecurrentForwardArgs args = {p.s,
                                         0,
                                         d.g.data(),
                                         d.u.data(),
                                         nullptr,
                                         d.h0.data(),
                                         d.c0.data(),
                                         d.lengths.data(),
                                         r.states.data(),
                                         r.cells.data(),
                                         r.gates.data(),
                                         r.q.data()};
      CHECK(run(table.recurrent_forward_tasks, table.recurrent_forward, args) == 2);
      CHECK(run(table.recurrent_forward_tasks, table.recurrent_forward, args, 3) == 2);
    }
  });
}
