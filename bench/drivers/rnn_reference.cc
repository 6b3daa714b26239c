// One layer over a whole sequence, its inputs and, in float64, its outputs and gradients: `rnn_reference CELL T N I H` writes a file beside
// itself, unless it is there, and prints its path. It has for each array a line, `input NAME SHAPE` or `result NAME BOUND SHAPE`, and its
// float32 values. Every driver reads it, so all compute the same.
//
// G = x·W + b and u belong to the gates side by side, H columns each; x [T, N, I], W [I, GH], u [H, GH], b [GH]:
//   rnn         h = tanh(G + h·u)
//   lstm        i, f, g, o: c = σ(f)·c + σ(i)·tanh(g), h = σ(o)·tanh(c)
//   gru         r, z, n: n = tanh(Gₙ + r·(h·uₙ + br)), h = (1−z)·n + z·h
//   gru-before  n = tanh(Gₙ + (r·h)·uₙ)
// The gradients are those of Σ dy·y. A batch repeats three sequences, which the reference computes once each.
//
// BOUND is what a right float32 result stays within: 8 times the largest error of a rehearsal in float32 whose activations are wrong by
// 4 units in the last place; times √(N/3) for sums over the batch, which has that many more terms than the rehearsal.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "matrix.h"

namespace {

struct Size {
  std::string cell;
  int64_t t, n, i, h;

  int64_t gates() const { return cell == "rnn" ? 1 : cell == "lstm" ? 4 : 3; }
  int64_t columns() const { return gates() * h; }
  int64_t sequences() const { return n < 3 ? n : 3; }
};

// c [rows, m] += a [rows, k] · b [k, columns m of pitch]
template <class Real>
void multiply(int64_t rows, int64_t k, int64_t m, const Real* a, const Real* b, int64_t pitch, Real* c, int64_t c_pitch) {
  for (int64_t p = 0; p < k; ++p)
    for (int64_t row = 0; row < rows; ++row) {
      const Real factor = a[row * k + p];
#pragma omp simd
      for (int64_t j = 0; j < m; ++j) c[row * c_pitch + j] += factor * b[p * pitch + j];
    }
}

// c [rows, k] += a [rows, m of pitch] · bᵀ
template <class Real>
void multiply_transposed(int64_t rows, int64_t k, int64_t m, const Real* a, const Real* b, int64_t pitch, Real* c) {
  for (int64_t p = 0; p < k; ++p)
    for (int64_t row = 0; row < rows; ++row) {
      Real sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t j = 0; j < m; ++j) sum += a[row * pitch + j] * b[p * pitch + j];
      c[row * k + p] += sum;
    }
}

// In the rehearsal wrong by 4 units in the last place, up or down.
template <class Real>
Real inexact(Real value) {
  if constexpr (sizeof(Real) == sizeof(double)) return value;
  static uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return value * (state >> 31 ? 1 + 0x1p-21f : 1 - 0x1p-21f);
}

template <class Real>
Real sigmoid(Real x) {
  return inexact<Real>(1 / (1 + std::exp(-x)));
}

template <class Real>
Real tanh_of(Real x) {
  return inexact<Real>(std::tanh(x));
}

struct Inputs {
  std::vector<float> x, w, u, b, br, h0, c0, dy;  // x, h0, c0 and dy of the sequences alone
};

template <class Real>
class Layer {
 public:
  using Values = std::vector<Real>;

  Layer(const Size& size, const Inputs& in)
      : s_(size), x_(copy(in.x)), w_(copy(in.w)), u_(copy(in.u)), b_(copy(in.b)), br_(copy(in.br)), dy_(copy(in.dy)) {
    h_ = copy(in.h0);
    h_.resize((s_.t + 1) * state());
    c_ = copy(in.c0);
    if (!c_.empty()) c_.resize((s_.t + 1) * state());
    gates_.resize(s_.t * wide());
    recurrent_.resize(s_.t * state());
    for (int64_t t = 0; t < s_.t; ++t) forward(t);
    dx.resize(x_.size());
    dw.resize(w_.size());
    du.resize(u_.size());
    db.resize(b_.size());
    dbr.resize(br_.size());
    dh0.resize(state());
    dc0.resize(in.c0.size());
    for (int64_t t = s_.t; t-- > 0;) backward(t);
    y.assign(h_.begin() + state(), h_.end());
  }

  Values y, dx, dw, du, db, dbr, dh0, dc0;

 private:
  static Values copy(const std::vector<float>& values) { return {values.begin(), values.end()}; }
  int64_t rows() const { return s_.sequences(); }
  int64_t state() const { return rows() * s_.h; }
  int64_t wide() const { return rows() * s_.columns(); }
  bool before() const { return s_.cell == "gru-before"; }
  // Columns of u that multiply h itself.
  int64_t direct() const { return before() ? 2 * s_.h : s_.columns(); }

  void forward(int64_t t) {
    const int64_t hidden = s_.h, columns = s_.columns();
    Real* gates = &gates_[t * wide()];
    const Real* previous = &h_[t * state()];
    Values product(wide());
    for (int64_t e = 0; e < wide(); ++e) gates[e] = b_[e % columns];
    multiply(rows(), s_.i, columns, &x_[t * rows() * s_.i], w_.data(), columns, gates, columns);
    multiply(rows(), hidden, direct(), previous, u_.data(), columns, product.data(), columns);
    if (before()) {
      Values reset(state());
      for (int64_t e = 0; e < state(); ++e) {
        const int64_t at = e / hidden * columns + e % hidden;
        reset[e] = sigmoid<Real>(gates[at] + product[at]) * previous[e];
      }
      multiply(rows(), hidden, hidden, reset.data(), &u_[2 * hidden], columns, &product[2 * hidden], columns);
    }
    for (int64_t e = 0; e < state(); ++e) {
      Real* gate = gates + e / hidden * columns + e % hidden;
      const Real* sum = &product[e / hidden * columns + e % hidden];
      cell(t, e, gate, sum, previous[e]);
    }
  }

  // Leaves in `gate` what the activations gave.
  void cell(int64_t t, int64_t e, Real* gate, const Real* sum, Real previous) {
    const int64_t hidden = s_.h;
    Real& next = h_[(t + 1) * state() + e];
    if (s_.cell == "rnn") {
      next = gate[0] = tanh_of<Real>(gate[0] + sum[0]);
    } else if (s_.cell == "lstm") {
      for (const int64_t g : {0, 1, 3}) gate[g * hidden] = sigmoid<Real>(gate[g * hidden] + sum[g * hidden]);
      gate[2 * hidden] = tanh_of<Real>(gate[2 * hidden] + sum[2 * hidden]);
      Real& c = c_[(t + 1) * state() + e];
      c = gate[hidden] * c_[t * state() + e] + gate[0] * gate[2 * hidden];
      next = gate[3 * hidden] * tanh_of<Real>(c);
    } else {
      for (const int64_t g : {0, 1}) gate[g * hidden] = sigmoid<Real>(gate[g * hidden] + sum[g * hidden]);
      recurrent_[t * state() + e] = sum[2 * hidden] + (before() ? 0 : br_[e % hidden]);
      gate[2 * hidden] = tanh_of<Real>(gate[2 * hidden] + (before() ? 1 : gate[0]) * recurrent_[t * state() + e]);
      next = (1 - gate[hidden]) * gate[2 * hidden] + gate[hidden] * previous;
    }
  }

  // dh0 and dc0 hold the gradients of the state after step t, then those of the state before it.
  void backward(int64_t t) {
    const int64_t hidden = s_.h, columns = s_.columns();
    const Real* previous = &h_[t * state()];
    Values dg(wide()), dsum(wide()), dh(state()), reset(state());
    for (int64_t e = 0; e < state(); ++e) {
      const int64_t at = e / hidden * columns + e % hidden;
      dh[e] = cell_gradient(t, e, &gates_[t * wide() + at], previous[e], dh0[e] + dy_[t * state() + e], &dg[at], &dsum[at]);
    }
    if (before()) {
      Values dreset(state());
      multiply_transposed(rows(), hidden, hidden, &dsum[2 * hidden], &u_[2 * hidden], columns, dreset.data());
      for (int64_t e = 0; e < state(); ++e) {
        const int64_t at = e / hidden * columns + e % hidden;
        const Real r = gates_[t * wide() + at];
        reset[e] = r * previous[e];
        dh[e] += dreset[e] * r;
        dg[at] = dsum[at] = dreset[e] * previous[e] * r * (1 - r);
      }
    }
    multiply_transposed(rows(), hidden, direct(), dsum.data(), u_.data(), columns, dh.data());
    multiply_transposed(rows(), s_.i, columns, dg.data(), w_.data(), columns, &dx[t * rows() * s_.i]);
    for (int64_t row = 0; row < rows(); ++row) {
      const Real copies = static_cast<Real>((s_.n - row + rows() - 1) / rows());
      const Real *d = &dg[row * columns], *ds = &dsum[row * columns];
      for (int64_t j = 0; j < columns; ++j) db[j] += copies * d[j];
      for (int64_t j = 0; j < static_cast<int64_t>(dbr.size()); ++j) dbr[j] += copies * ds[2 * hidden + j];
      outer(s_.i, columns, copies, &x_[(t * rows() + row) * s_.i], d, dw.data());
      outer(hidden, direct(), copies, previous + row * hidden, ds, du.data());
      if (before()) outer(hidden, hidden, copies, &reset[row * hidden], ds + 2 * hidden, &du[2 * hidden]);
    }
    dh0 = dh;
  }

  // c [k, m of u's pitch] += copies · aᵀ · b
  void outer(int64_t k, int64_t m, Real copies, const Real* a, const Real* b, Real* c) const {
    for (int64_t p = 0; p < k; ++p)
#pragma omp simd
      for (int64_t j = 0; j < m; ++j) c[p * s_.columns() + j] += copies * a[p] * b[j];
  }

  // Sets the gradients of G and of h·u; returns what reaches the previous h beside its product. Reset-before is completed by the caller.
  Real cell_gradient(int64_t t, int64_t e, const Real* gate, Real previous, Real dh, Real* dg, Real* dsum) {
    const int64_t hidden = s_.h;
    if (s_.cell == "rnn") {
      dg[0] = dsum[0] = dh * (1 - gate[0] * gate[0]);
      return 0;
    }
    if (s_.cell == "lstm") {
      const Real i = gate[0], f = gate[hidden], g = gate[2 * hidden], o = gate[3 * hidden];
      const Real tanh_c = tanh_of<Real>(c_[(t + 1) * state() + e]), dc = dc0[e] + dh * o * (1 - tanh_c * tanh_c);
      dg[0] = dc * g * i * (1 - i);
      dg[hidden] = dc * c_[t * state() + e] * f * (1 - f);
      dg[2 * hidden] = dc * i * (1 - g * g);
      dg[3 * hidden] = dh * tanh_c * o * (1 - o);
      for (int64_t k = 0; k < 4; ++k) dsum[k * hidden] = dg[k * hidden];
      dc0[e] = dc * f;
      return 0;
    }
    const Real r = gate[0], z = gate[hidden], n = gate[2 * hidden];
    dg[2 * hidden] = dh * (1 - z) * (1 - n * n);
    dg[hidden] = dsum[hidden] = dh * (previous - n) * z * (1 - z);
    dg[0] = dsum[0] = dg[2 * hidden] * recurrent_[t * state() + e] * r * (1 - r);
    dsum[2 * hidden] = dg[2 * hidden] * (before() ? 1 : r);
    return dh * z;
  }

  const Size s_;
  Values x_, w_, u_, b_, br_, dy_, h_, c_, gates_;
  Values recurrent_;  // of a GRU: what r multiplies
};

std::vector<float> random(int64_t size, float scale) {
  static uint32_t seed = 0;
  bench::Matrix matrix(size, 0, ++seed);
  std::vector<float> values(matrix.data(), matrix.data() + size);
  for (float& value : values) value *= scale;
  return values;
}

std::string text(double value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.3g", value);
  return digits;
}

void write(std::ostream& file, const std::string& head, const std::vector<int64_t>& shape, const std::vector<float>& values) {
  file << head;
  for (const int64_t size : shape) file << ' ' << size;
  file << '\n';
  file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
}

// [..., sequences, columns] → [..., N, columns]
template <class Real>
std::vector<float> repeated(const Size& s, const std::vector<Real>& values, int64_t columns) {
  std::vector<float> all;
  for (size_t first = 0; first < values.size(); first += static_cast<size_t>(s.sequences() * columns))
    for (int64_t n = 0; n < s.n; ++n)
      for (int64_t j = 0; j < columns; ++j)
        all.push_back(static_cast<float>(values[first + static_cast<size_t>(n % s.sequences() * columns + j)]));
  return all;
}

void write_all(std::ostream& file, const Size& s) {
  const float scale = 1 / std::sqrt(static_cast<float>(s.h));
  const int64_t state = s.sequences() * s.h;
  Inputs in;
  in.x = random(s.t * s.sequences() * s.i, 1);
  in.w = random(s.i * s.columns(), scale);
  in.u = random(s.h * s.columns(), scale);
  in.b = random(s.columns(), scale);
  if (s.cell == "gru") in.br = random(s.h, scale);
  in.h0 = random(state, 1);
  if (s.cell == "lstm") in.c0 = random(state, 1);
  in.dy = random(s.t * state, 1);

  write(file, "input x", {s.t, s.n, s.i}, repeated(s, in.x, s.i));
  write(file, "input w", {s.i, s.columns()}, in.w);
  write(file, "input u", {s.h, s.columns()}, in.u);
  write(file, "input b", {s.columns()}, in.b);
  if (!in.br.empty()) write(file, "input br", {s.h}, in.br);
  write(file, "input h0", {s.n, s.h}, repeated(s, in.h0, s.h));
  if (!in.c0.empty()) write(file, "input c0", {s.n, s.h}, repeated(s, in.c0, s.h));
  write(file, "input dy", {s.t, s.n, s.h}, repeated(s, in.dy, s.h));

  const Layer<double> exact(s, in);
  const Layer<float> rehearsal(s, in);
  const auto result = [&](const std::string& name, const std::vector<int64_t>& shape, auto member, bool batched) {
    const std::vector<double>& want = exact.*(member.first);
    const std::vector<float>& rough = rehearsal.*(member.second);
    if (want.empty()) return;
    double error = 0;
    for (size_t e = 0; e < want.size(); ++e) error = std::max(error, std::abs(want[e] - rough[e]));
    const double bound = 8 * error * (batched ? 1 : std::sqrt(static_cast<double>(s.n) / static_cast<double>(s.sequences())));
    const int64_t columns = batched ? shape.back() : static_cast<int64_t>(want.size());
    write(file, "result " + name + ' ' + text(bound), shape,
          batched ? repeated(s, want, columns) : std::vector<float>(want.begin(), want.end()));
  };
  using E = Layer<double>;
  using R = Layer<float>;
  result("y", {s.t, s.n, s.h}, std::pair{&E::y, &R::y}, true);
  result("dx", {s.t, s.n, s.i}, std::pair{&E::dx, &R::dx}, true);
  result("dw", {s.i, s.columns()}, std::pair{&E::dw, &R::dw}, false);
  result("du", {s.h, s.columns()}, std::pair{&E::du, &R::du}, false);
  result("db", {s.columns()}, std::pair{&E::db, &R::db}, false);
  result("dbr", {s.h}, std::pair{&E::dbr, &R::dbr}, false);
  result("dh0", {s.n, s.h}, std::pair{&E::dh0, &R::dh0}, true);
  result("dc0", {s.n, s.h}, std::pair{&E::dc0, &R::dc0}, true);
}

}  // namespace

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  if (argc != 6) {
    std::cerr << "usage: rnn_reference CELL T N I H\n";
    return 1;
  }
  std::string path = argv[0];
  for (int i = 1; i < argc; ++i) path += std::string("-") + argv[i];
  if (!fs::exists(path) || fs::last_write_time(path) < fs::last_write_time(argv[0])) {
    const std::string part = path + ".part" + std::to_string(getpid());
    std::ofstream file(part, std::ios::binary);
    write_all(file, {argv[1], std::stoll(argv[2]), std::stoll(argv[3]), std::stoll(argv[4]), std::stoll(argv[5])});
    file.close();
    if (!file) {
      std::cerr << "cannot write " << part << '\n';
      return 1;
    }
    fs::rename(part, path);
  }
  std::cout << path << '\n';
}
