// Convolution by F(4×4, 3×3) and its gradients: bit for bit against the same transforms in scalars on every ISA that fuses, and within a
// bound derived from the magnitudes of the transformed values against the plain sum in double on all.
#include <array>
#include <memory>

#include "kernel_harness.h"

using namespace lanewise;
using namespace lanewise::test;

namespace {

constexpr double kEpsilon = 0x1p-24;

// A float computed as the kernels do, the exact value, and the sum of the magnitudes that went into it.
struct Value {
  float f = 0;
  double exact = 0, magnitude = 0;
};
Value of(float f) { return {f, f, std::fabs(double(f))}; }
Value operator+(const Value& a, const Value& b) { return {a.f + b.f, a.exact + b.exact, a.magnitude + b.magnitude}; }
Value operator-(const Value& a, const Value& b) { return {a.f - b.f, a.exact - b.exact, a.magnitude + b.magnitude}; }
Value fma(const Value& a, const Value& b, const Value& c) {
  return {std::fma(a.f, b.f, c.f), a.exact * b.exact + c.exact, a.magnitude * b.magnitude + c.magnitude};
}
Value operator*(const Value& a, const Value& b) { return {a.f * b.f, a.exact * b.exact, a.magnitude * b.magnitude}; }

// A factor of the transforms.
Value factor(double x) { return {float(x), x, std::fabs(x)}; }
const double kRoot = std::sqrt(2.0);

using Line = std::array<Value, 6>;
using Square = std::array<Value, 36>;
using Outputs = std::array<Value, 16>;

// plus and minus = even ± root · odd
void pair(const Value& even, const Value& odd, double root, Value& plus, Value& minus) {
  plus = fma(factor(root), odd, even), minus = fma(factor(-root), odd, even);
}

Line input_line(const Line& d) {
  Line out;
  out[0] = fma(factor(-2.5), d[2], d[0] + d[4]);
  pair(fma(factor(-2), d[2], d[4]), fma(factor(-2), d[1], d[3]), kRoot / 2, out[1], out[2]);
  pair(fma(factor(-0.5), d[2], d[4]), fma(factor(-0.5), d[1], d[3]), kRoot, out[3], out[4]);
  out[5] = fma(factor(-2.5), d[3], d[1] + d[5]);
  return out;
}
Line weight_line(const Value& a, const Value& b, const Value& c) {
  const Value even1 = factor(-2.0 / 3) * fma(factor(0.5), c, a), odd1 = factor(-2.0 / 3 * (kRoot / 2)) * b;
  const Value even2 = factor(1.0 / 6) * fma(factor(2), c, a), odd2 = factor(kRoot / 6) * b;
  return {a, even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, c};
}
std::array<Value, 4> output_line(const Line& m) {
  const Value sum1 = m[1] + m[2], difference1 = m[1] - m[2], sum2 = m[3] + m[4], difference2 = m[3] - m[4];
  return {(m[0] + sum1) + sum2, fma(factor(kRoot), difference2, factor(kRoot / 2) * difference1), fma(factor(2), sum2, factor(0.5) * sum1),
          fma(factor(2 * kRoot), difference2, fma(factor(kRoot / 4), difference1, m[5]))};
}
Line gradient_line(const std::array<Value, 4>& y) {
  Line d;
  d[0] = y[0], d[5] = y[3];
  pair(fma(factor(0.5), y[2], y[0]), fma(factor(0.5), y[3], y[1]), kRoot / 2, d[1], d[2]);
  pair(fma(factor(2), y[2], y[0]), fma(factor(2), y[3], y[1]), kRoot, d[3], d[4]);
  return d;
}
std::array<Value, 3> weight_gradient_line(const Line& m) {
  const Value sum1 = m[1] + m[2], difference1 = m[1] - m[2], sum2 = m[3] + m[4], difference2 = m[3] - m[4];
  return {fma(factor(1.0 / 6), sum2, fma(factor(-2.0 / 3), sum1, m[0])),
          fma(factor(kRoot / 6), difference2, factor(-2.0 / 3 * (kRoot / 2)) * difference1),
          fma(factor(1.0 / 3), sum2, fma(factor(-1.0 / 3), sum1, m[5]))};
}

// line(columns), then line(rows), of `in` [n, n]: [m, m].
template <size_t n, size_t m, class Transform>
std::array<Value, m * m> around(const std::array<Value, n * n>& in, const Transform& line) {
  std::array<std::array<Value, n>, m> half;
  for (size_t j = 0; j < n; ++j) {
    std::array<Value, n> column;
    for (size_t i = 0; i < n; ++i) column[i] = in[n * i + j];
    const std::array<Value, m> out = line(column);
    for (size_t i = 0; i < m; ++i) half[i][j] = out[i];
  }
  std::array<Value, m * m> out;
  for (size_t i = 0; i < m; ++i) {
    const std::array<Value, m> row = line(half[i]);
    for (size_t j = 0; j < m; ++j) out[m * i + j] = row[j];
  }
  return out;
}
Square input_transform(const Square& d) { return around<6, 6>(d, input_line); }
Square weight_transform(const std::array<Value, 9>& w) {
  return around<3, 6>(w, [](const std::array<Value, 3>& line) { return weight_line(line[0], line[1], line[2]); });
}
Outputs output_transform(const Square& m) { return around<6, 4>(m, output_line); }
Square gradient_transform(const Outputs& y) { return around<4, 6>(y, gradient_line); }
std::array<Value, 9> weight_gradient(const Square& sums) { return around<6, 3>(sums, weight_gradient_line); }

std::string describe(const KernelTable& table, const char* pass, const WinogradShape& s, int64_t parts = 1) {
  return text(table, pass, {s.n, s.h, s.w, s.c, s.oh, s.ow, s.oc, s.pad_top, s.pad_left, parts});
}

// Every rounding adds at most 2^-24 of the magnitudes: so many of them lie between the operands and a result of `terms` products.
bool holds(const KernelTable& table, float got, const Value& e, int64_t terms) {
  if (table.fused && !(got == e.f || std::memcmp(&got, &e.f, sizeof got) == 0)) return false;
  return std::fabs(got - e.exact) <= (2 * double(terms) + 32) * kEpsilon * e.magnitude;
}

std::unique_ptr<float[]> exactly(Source& source, int64_t n) {
  std::unique_ptr<float[]> out(new float[static_cast<size_t>(n)]);
  for (int64_t i = 0; i < n; ++i) out[i] = source.uniform(-1, 1);
  return out;
}
Guarded<float> unwritten(int64_t n) { return Guarded<float>(n, std::numeric_limits<float>::quiet_NaN()); }

Value pixel(const float* image, int64_t n, int64_t i, int64_t j, int64_t c, int64_t h, int64_t w, int64_t channels) {
  return of(i < 0 || i >= h || j < 0 || j >= w ? 0.0f : image[((n * h + i) * w + j) * channels + c]);
}
Square input_tile(const WinogradShape& s, const float* x, int64_t n, int64_t i, int64_t j, int64_t c) {
  Square d;
  for (int p = 0; p < 36; ++p) d[p] = pixel(x, n, 4 * i - s.pad_top + p / 6, 4 * j - s.pad_left + p % 6, c, s.h, s.w, s.c);
  return input_transform(d);
}

int64_t depth_block(int64_t k) {
  if (k <= 384) return k;
  const int64_t blocks = (k + 383) / 384;
  return ((k + blocks - 1) / blocks + 7) / 8 * 8;
}

// y of the convolution of x with w [3, 3, C, OC], or turned with w [3, 3, OC, C].
void check_conv(const KernelTable& table, const WinogradShape& s, bool turn, bool bias, Activation activation, uint64_t seed) {
  Source source(seed);
  const auto x = exactly(source, s.n * s.h * s.w * s.c), w = exactly(source, 9 * s.c * s.oc), b = exactly(source, s.oc);
  Guarded<float> u = unwritten(36 * s.c * s.oc), y = unwritten(s.n * s.oh * s.ow * s.oc);
  const WinogradWeightsArgs weights = {turn ? s.oc : s.c, turn ? s.c : s.oc, turn, w.get(), u.data()};
  run(table.winograd_weights_tasks, table.winograd_weights, weights, seed);
  const WinogradConvArgs args = {s, x.get(), u.data(), bias ? b.get() : nullptr, activation, y.data()};
  run(table.winograd_conv_tasks, table.winograd_conv, args, seed);

  std::vector<Square> transformed(static_cast<size_t>(s.c * s.oc)), inputs(static_cast<size_t>(s.c));
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t o = 0; o < s.oc; ++o) {
      std::array<Value, 9> taps;
      for (int t = 0; t < 9; ++t) taps[t] = of(turn ? w[((8 - t) * s.oc + o) * s.c + c] : w[(t * s.c + c) * s.oc + o]);
      transformed[c * s.oc + o] = weight_transform(taps);
    }
  int64_t wrong = 0;
  const int64_t step = depth_block(s.c);
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t i = 0; i < (s.oh + 3) / 4; ++i)
      for (int64_t j = 0; j < (s.ow + 3) / 4; ++j) {
        for (int64_t c = 0; c < s.c; ++c) inputs[c] = input_tile(s, x.get(), n, i, j, c);
        for (int64_t o = 0; o < s.oc; ++o) {
          Square m;
          for (int p = 0; p < 36; ++p) {
            for (int64_t c0 = 0; c0 < s.c; c0 += step) {
              Value block;
              for (int64_t c = c0; c < std::min(s.c, c0 + step); ++c) block = fma(inputs[c][p], transformed[c * s.oc + o][p], block);
              m[p] = c0 == 0 ? block : m[p] + block;
            }
          }
          const Outputs out = output_transform(m);
          for (int q = 0; q < 16; ++q) {
            const int64_t row = 4 * i + q / 4, column = 4 * j + q % 4;
            if (row >= s.oh || column >= s.ow) continue;
            Value e = bias ? out[q] + of(b[o]) : out[q];
            if (activation == Activation::relu) e.f = std::max(e.f, 0.0f), e.exact = std::max(e.exact, 0.0);
            wrong += !holds(table, y[((n * s.oh + row) * s.ow + column) * s.oc + o], e, s.c);
          }
        }
      }
  CHECK_TEXT(wrong == 0 && y.intact() && u.intact(),
             describe(table, turn ? "turned" : "forward", s) + ": " + std::to_string(wrong) + " wrong");
}

void check_backward_weights(const KernelTable& table, const WinogradShape& s, int64_t parts, uint64_t seed) {
  Source source(seed);
  const auto x = exactly(source, s.n * s.h * s.w * s.c), dy = exactly(source, s.n * s.oh * s.ow * s.oc);
  Guarded<float> sums = unwritten(parts * 36 * s.c * s.oc), dw = unwritten(9 * s.c * s.oc);
  const WinogradBackwardWeightsArgs args = {s, parts, x.get(), dy.get(), sums.data()};
  run(table.winograd_backward_weights_tasks, table.winograd_backward_weights, args, seed);
  const WinogradGradientArgs last = {s.c, s.oc, parts, sums.data(), dw.data()};
  run(table.winograd_gradient_tasks, table.winograd_gradient, last, seed);

  const int64_t down = (s.oh + 3) / 4, across = (s.ow + 3) / 4, tiles = s.n * down * across, share = (tiles + parts - 1) / parts;
  std::vector<Square> inputs(static_cast<size_t>(tiles * s.c)), outputs(static_cast<size_t>(tiles * s.oc));
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t n = t / (down * across), i = t / across % down, j = t % across;
    for (int64_t c = 0; c < s.c; ++c) inputs[t * s.c + c] = input_tile(s, x.get(), n, i, j, c);
    for (int64_t o = 0; o < s.oc; ++o) {
      Outputs y;
      for (int q = 0; q < 16; ++q) y[q] = pixel(dy.get(), n, 4 * i + q / 4, 4 * j + q % 4, o, s.oh, s.ow, s.oc);
      outputs[t * s.oc + o] = gradient_transform(y);
    }
  }
  int64_t wrong = 0;
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t o = 0; o < s.oc; ++o) {
      Square total;
      for (int p = 0; p < 36; ++p)
        for (int64_t part = 0; part < parts; ++part) {
          Value sum;
          for (int64_t t = part * share; t < std::min(tiles, (part + 1) * share); t += 32) {
            Value block;
            for (int64_t k = t; k < std::min({tiles, (part + 1) * share, t + 32}); ++k)
              block = fma(inputs[k * s.c + c][p], outputs[k * s.oc + o][p], block);
            sum = t == part * share ? block : sum + block;
          }
          total[p] = part == 0 ? sum : total[p] + sum;
        }
      const std::array<Value, 9> gradient = weight_gradient(total);
      for (int q = 0; q < 9; ++q) wrong += !holds(table, dw[(q * s.c + c) * s.oc + o], gradient[q], tiles);
    }
  CHECK_TEXT(wrong == 0 && sums.intact() && dw.intact(),
             describe(table, "backward weights", s, parts) + ": " + std::to_string(wrong) + " wrong");
}

// The exact values of the transforms are those of the convolution: the plain sum in double says so.
void check_definition(const KernelTable& table, const WinogradShape& s, uint64_t seed) {
  Source source(seed);
  const auto x = exactly(source, s.n * s.h * s.w * s.c), w = exactly(source, 9 * s.c * s.oc),
             dy = exactly(source, s.n * s.oh * s.ow * s.oc);
  Guarded<float> u = unwritten(36 * s.c * s.oc), y = unwritten(s.n * s.oh * s.ow * s.oc), dw = unwritten(9 * s.c * s.oc);
  Guarded<float> sums = unwritten(36 * s.c * s.oc);
  run(table.winograd_weights_tasks, table.winograd_weights, WinogradWeightsArgs{s.c, s.oc, false, w.get(), u.data()}, seed);
  run(table.winograd_conv_tasks, table.winograd_conv, WinogradConvArgs{s, x.get(), u.data(), nullptr, Activation::none, y.data()}, seed);
  run(table.winograd_backward_weights_tasks, table.winograd_backward_weights,
      WinogradBackwardWeightsArgs{s, 1, x.get(), dy.get(), sums.data()}, seed);
  run(table.winograd_gradient_tasks, table.winograd_gradient, WinogradGradientArgs{s.c, s.oc, 1, sums.data(), dw.data()}, seed);
  std::vector<double> gradient(static_cast<size_t>(9 * s.c * s.oc));
  double worst = 0, worst_gradient = 0;
  for (int64_t p = 0; p < s.n * s.oh * s.ow; ++p)
    for (int64_t o = 0; o < s.oc; ++o) {
      double sum = 0;
      for (int64_t t = 0; t < 9; ++t)
        for (int64_t c = 0; c < s.c; ++c) {
          const double value =
              pixel(x.get(), p / (s.oh * s.ow), p / s.ow % s.oh - s.pad_top + t / 3, p % s.ow - s.pad_left + t % 3, c, s.h, s.w, s.c).exact;
          sum += value * w[(t * s.c + c) * s.oc + o];
          gradient[(t * s.c + c) * s.oc + o] += value * dy[p * s.oc + o];
        }
      worst = larger_error(worst, std::fabs(sum - y[p * s.oc + o]));
    }
  for (size_t e = 0; e < gradient.size(); ++e) worst_gradient = larger_error(worst_gradient, std::fabs(gradient[e] - dw[e]));
  // Values are at most 1. Rows of |Bᵀ| sum to at most 5.2, of |G| to 1.5, of |Aᵀ| to 7.4, of |A| to 7.3 and of |Gᵀ| to 2.7: each twice.
  const double tiles = double(s.n * ((s.oh + 3) / 4) * ((s.ow + 3) / 4));
  const double y_bound = std::pow(5.2 * 1.5 * 7.4, 2), dw_bound = std::pow(5.2 * 7.3 * 2.7, 2);
  CHECK_TEXT(worst <= (2 * s.c + 32) * kEpsilon * y_bound * s.c, describe(table, "y", s) + ": off by " + std::to_string(worst));
  CHECK_TEXT(worst_gradient <= (2 * tiles + 32) * kEpsilon * dw_bound * tiles,
             describe(table, "dw", s) + ": off by " + std::to_string(worst_gradient));
}

WinogradShape square(int64_t n, int64_t size, int64_t c, int64_t oc, int64_t pad = 1) {
  return {n, size, size, c, size + 2 * pad - 2, size + 2 * pad - 2, oc, pad, pad};
}

}  // namespace

LW_TEST(channels_and_edges) {
  for_each_table([](const KernelTable& t) {
    uint64_t seed = 1;
    for (int64_t c : {1, 15, 16, 17, 33})
      for (int64_t oc : {1, 16, 31, 40})
        for (int64_t pad : {0, 1, 2})
          for (bool turn : {false, true}) {
            ++seed;
            check_conv(t, square(2, 4 + seed % 3, c, oc, pad), turn, seed % 2 == 0, seed % 3 == 0 ? Activation::relu : Activation::none,
                       seed);
          }
  });
}

LW_TEST(many_tiles_and_depths) {
  for_each_table([](const KernelTable& t) {
    check_conv(t, {1, 5, 9, 512, 5, 9, 20, 1, 1}, false, true, Activation::none, 7);
    check_conv(t, {1, 5, 9, 20, 5, 9, 512, 1, 1}, true, false, Activation::relu, 8);
    check_conv(t, {2, 30, 17, 24, 29, 18, 20, 0, 2}, false, true, Activation::relu, 9);
    // Outputs that see padding alone.
    check_conv(t, {1, 2, 3, 4, 9, 10, 5, 6, 5}, false, true, Activation::none, 10);
  });
}

LW_TEST(gradients_to_weights) {
  for_each_table([](const KernelTable& t) {
    uint64_t seed = 100;
    for (int64_t c : {1, 17, 130})
      for (int64_t oc : {1, 20, 70})
        for (int64_t parts : {1, 3, 100}) check_backward_weights(t, square(3, 7, c, oc), parts, ++seed);
    check_backward_weights(t, {2, 21, 18, 16, 21, 18, 16, 1, 1}, 2, ++seed);
    check_backward_weights(t, {1, 3, 3, 2, 0, 5, 3, 1, 1}, 2, ++seed);  // no pixels: zeros
  });
}

LW_TEST(is_the_convolution) {
  for_each_table([](const KernelTable& t) {
    check_definition(t, square(2, 8, 32, 24), 1000);
    check_definition(t, square(1, 9, 17, 33, 0), 1001);
    check_definition(t, {1, 6, 7, 20, 7, 6, 16, 2, 1}, 1002);
  });
}

// Errors of the plain sum and of the transforms, rms: 2.7 times as much where there are FMAs.
LW_TEST(the_error_is_near_that_of_the_plain_sum) {
  for_each_table([](const KernelTable& table) {
    const WinogradShape s = square(4, 16, 64, 16);
    Source source(2000);
    const auto x = exactly(source, s.n * s.h * s.w * s.c), w = exactly(source, 9 * s.c * s.oc);
    Guarded<float> u = unwritten(36 * s.c * s.oc), y = unwritten(s.n * s.oh * s.ow * s.oc), plain = unwritten(s.n * s.oh * s.ow * s.oc);
    run(table.winograd_weights_tasks, table.winograd_weights, WinogradWeightsArgs{s.c, s.oc, false, w.get(), u.data()}, 1);
    run(table.winograd_conv_tasks, table.winograd_conv, WinogradConvArgs{s, x.get(), u.data(), nullptr, Activation::none, y.data()}, 1);
    const ConvShape shape = {s.n, s.h, s.w, s.c, s.oh, s.ow, s.oc, 3, 3, 1, 1, 1, 1, 1, 1, 1};
    run(table.conv_forward_tasks, table.conv_forward, ConvForwardArgs{shape, x.get(), w.get(), nullptr, Activation::none, plain.data()}, 1);
    double squares = 0, plain_squares = 0;
    for (int64_t p = 0; p < s.n * s.oh * s.ow; ++p)
      for (int64_t o = 0; o < s.oc; ++o) {
        double sum = 0;
        for (int64_t t = 0; t < 9; ++t)
          for (int64_t c = 0; c < s.c; ++c)
            sum += pixel(x.get(), p / (s.oh * s.ow), p / s.ow % s.oh - 1 + t / 3, p % s.ow - 1 + t % 3, c, s.h, s.w, s.c).exact *
                   w[(t * s.c + c) * s.oc + o];
        squares += std::pow(y[p * s.oc + o] - sum, 2), plain_squares += std::pow(plain[p * s.oc + o] - sum, 2);
      }
    const double ratio = std::sqrt(squares / plain_squares);
    CHECK_TEXT(ratio < 3, text(table, "error against the plain sum", {}) + ": " + std::to_string(ratio));
  });
}
