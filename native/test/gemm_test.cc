// GEMM against a scalar reference: bit for bit on every ISA that fuses, within a bound derived from K on the baseline.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "../dispatch.h"
#include "check.h"
#include "side_by_side.h"

using lanewise::Activation;
using lanewise::GemmArgs;
using lanewise::KernelTable;

namespace {

constexpr float kCanary = 12345.0f;
constexpr float kEpsilon = 0x1p-24f;

struct Form {
  const char* name;
  bool a_transposed, b_transposed, strided;  // strided: no unit stride anywhere
};
constexpr Form kForms[] = {{"NN", false, false, false},
                           {"NT", false, true, false},
                           {"TN", true, false, false},
                           {"TT", true, true, false},
                           {"strided", false, false, true}};

struct Problem {
  int64_t m, n, k;
  Form form = kForms[0];
  int64_t batch = 1;
  int64_t pad = 0;  // added to every leading dimension
  bool accumulate = false, bias = false;
  Activation activation = Activation::none;
  std::vector<int> ranges = {1};  // the tasks are split into so many ranges, run in reverse order
  int64_t inner = 0;  // the batch in runs of so many products, whose rows of C lie side by side; 0: all in one, one after another
};

std::string describe(const KernelTable& table, const Problem& p, int ranges) {
  char text[200];
  std::snprintf(text, sizeof text, "%s %s %ldx%ldx%ld batch %ld by %ld pad %ld accumulate %d bias %d activation %d ranges %d", table.isa,
                p.form.name, long(p.m), long(p.n), long(p.k), long(p.batch), long(p.inner), long(p.pad), p.accumulate, p.bias,
                int(p.activation), ranges);
  return text;
}

int64_t depth_block(int64_t k) {
  if (k <= 384) return std::max<int64_t>(k, 1);
  const int64_t blocks = (k + 383) / 384;
  return ((k + blocks - 1) / blocks + 7) / 8 * 8;
}

// The contract of gemm.h in scalars, before sigmoid and tanh; `magnitude` receives Σ|a·b| + |c| + |bias|.
float reference(const GemmArgs& g, const float* a, const float* b, float old, int64_t i, int64_t j, double& magnitude) {
  const int64_t step = depth_block(g.k);
  float sum = g.accumulate ? old : 0.0f;
  magnitude = std::fabs(sum);
  for (int64_t p0 = 0; p0 == 0 || p0 < g.k; p0 += step) {
    float chain[16] = {};
    const bool dots = g.k >= 32 && (g.n == 1 ? g.a_col == 1 : g.m == 1 && g.b_row == 1 && g.b_col != 1);
    const int64_t chains = dots ? 16 : 1, end = std::min(g.k, p0 + step);
    for (int64_t p = p0; p < end; ++p) {
      const float x = a[i * g.a_row + p * g.a_col], y = b[p * g.b_row + j * g.b_col];
      float& sum_of = chain[(p - p0) % chains];
      sum_of = std::fma(x, y, sum_of);
      magnitude += std::fabs(double(x) * y);
    }
    for (int64_t half = chains / 2; half > 0; half /= 2)
      for (int64_t l = 0; l < half; ++l) chain[l] += chain[l + half];
    const float block = chain[0];
    sum = p0 == 0 && !g.accumulate ? block : sum + block;
  }
  if (g.bias != nullptr) {
    sum += g.bias[j];
    magnitude += std::fabs(g.bias[j]);
  }
  return g.activation == Activation::relu && 0.0f > sum ? 0.0f : sum;
}

bool same_bits(float x, float y) { return std::memcmp(&x, &y, sizeof x) == 0 || (std::isnan(x) && std::isnan(y)); }

void run(const KernelTable& table, const GemmArgs& g, int64_t ranges) {
  const int64_t tasks = table.gemm_tasks(g);
  std::vector<int64_t> found(static_cast<size_t>(ranges), lanewise::kOk);
  lanewise::test::side_by_side(found.size(), [&](size_t i, void* scratch) {
    const int64_t r = ranges - 1 - static_cast<int64_t>(i), begin = tasks * r / ranges, end = tasks * (r + 1) / ranges;
    if (begin < end) found[i] = table.gemm(g, begin, end, scratch);
  });
  CHECK(std::all_of(found.begin(), found.end(), [](int64_t index) { return index == lanewise::kOk; }));
}

// On every table, in every number of ranges; the reference is computed once.
void check(const Problem& q, float poison = 0.0f) {
  static std::mt19937 random(7);
  std::uniform_real_distribution<float> value(-1.0f, 1.0f);
  const auto fill = [&](std::vector<float>& data) {
    for (float& x : data) x = value(random);
  };
  GemmArgs g = {};
  g.m = q.m, g.n = q.n, g.k = q.k, g.batch = q.batch, g.inner = q.inner == 0 ? std::max<int64_t>(q.batch, 1) : q.inner;
  const int64_t runs = q.batch / g.inner;
  const int64_t unit = q.form.strided ? 3 : 1;
  g.a_row = q.form.a_transposed ? 1 : q.k * unit + q.pad;
  g.a_col = q.form.a_transposed ? q.m + q.pad : unit;
  g.b_row = q.form.b_transposed ? 1 : q.n * unit + q.pad;
  g.b_col = q.form.b_transposed ? q.k + q.pad : unit;
  g.c_row = (q.inner == 0 ? 1 : q.inner) * (q.n + q.pad);
  // Sizes that end at the last element used: reading further is caught by the memory checker.
  const auto extent = [](int64_t rows, int64_t columns, int64_t row, int64_t column) {
    return rows == 0 || columns == 0 ? 0 : (rows - 1) * row + (columns - 1) * column + 1;
  };
  g.a_batch = extent(q.m, q.k, g.a_row, g.a_col) + q.pad;
  g.b_batch = extent(q.k, q.n, g.b_row, g.b_col) + q.pad;
  g.c_batch = q.inner == 0 ? q.m * g.c_row + q.pad : q.n + q.pad;
  g.a_outer = g.inner * g.a_batch + q.pad, g.b_outer = g.inner * g.b_batch + q.pad;
  g.c_outer = (q.inner == 0 ? g.inner * g.c_batch : q.m * g.c_row) + q.pad;
  g.accumulate = q.accumulate;
  g.activation = q.activation;
  const auto items = [&](int64_t item, int64_t outer, int64_t inner) { return item / g.inner * outer + item % g.inner * inner; };
  const int64_t last = q.batch - 1;
  std::vector<float> a(items(last, g.a_outer, g.a_batch) + extent(q.m, q.k, g.a_row, g.a_col));
  std::vector<float> b(items(last, g.b_outer, g.b_batch) + extent(q.k, q.n, g.b_row, g.b_col));
  std::vector<float> old(runs * g.c_outer), bias(q.n);
  fill(a), fill(b), fill(old), fill(bias);
  if (poison != 0.0f && !a.empty()) a[a.size() / 2] = poison;
  g.a = a.data(), g.b = b.data(), g.bias = q.bias ? bias.data() : nullptr;

  struct Expected {
    int64_t at;
    float value;
    double magnitude;
  };
  std::vector<Expected> all;
  for (int64_t item = 0; item < q.batch; ++item)
    for (int64_t i = 0; i < q.m; ++i)
      for (int64_t j = 0; j < q.n; ++j) {
        Expected e = {items(item, g.c_outer, g.c_batch) + i * g.c_row + j, 0, 0};
        e.value = reference(g, a.data() + items(item, g.a_outer, g.a_batch), b.data() + items(item, g.b_outer, g.b_batch), old[e.at], i, j,
                            e.magnitude);
        all.push_back(e);
      }

  constexpr int64_t kGuard = 32;
  for (const KernelTable* table : lanewise::available_tables())
    for (int ranges : q.ranges) {
      std::vector<float> c(old.size() + 2 * kGuard, kCanary);
      for (const Expected& e : all) c[kGuard + e.at] = old[e.at];
      g.c = c.data() + kGuard;
      run(*table, g, ranges);

      // sigmoid and tanh are checked against their own double value: 4 units in the last place on top of the sum's error.
      const bool curved = q.activation == Activation::sigmoid || q.activation == Activation::tanh;
      double worst = 0;
      int64_t wrong = 0;
      for (const auto& [at, expected, magnitude] : all) {
        const float got = g.c[at];
        if (!curved && (table->fused || !std::isfinite(expected))) {
          wrong += !same_bits(got, expected);
        } else {
          double target = expected;
          if (q.activation == Activation::sigmoid) target = 1 / (1 + std::exp(-target));
          if (q.activation == Activation::tanh) target = std::tanh(target);
          const double bound =
              (table->fused ? 0 : 2 * (q.k + 2) * kEpsilon * magnitude) + (curved ? 4 * 2 * kEpsilon * std::fabs(target) : 0) + 1e-38;
          worst = lanewise::test::larger_error(worst, std::fabs(got - target) / bound);
        }
        g.c[at] = kCanary;
      }
      wrong += std::count_if(c.begin(), c.end(), [](float x) { return x != kCanary; });  // whatever else was written
      CHECK_TEXT(wrong == 0 && worst <= 1,
                 describe(*table, q, ranges) + ": " + std::to_string(wrong) + " wrong, error/bound " + std::to_string(worst));
    }
}

}  // namespace

LW_TEST(small_sizes) {
  for (const Form& form : kForms)
    for (int64_t m : {0, 1, 2, 3, 5, 13})
      for (int64_t n : {0, 1, 2, 3, 7, 10, 16, 17})
        for (int64_t k : {0, 1, 2, 5, 16, 19}) check({m, n, k, form});
}

LW_TEST(lane_and_tile_edges) {
  for (const Form& form : kForms) {
    for (const KernelTable* table : lanewise::available_tables())
      for (int64_t lanes = table->lanes; int64_t n : {lanes - 1, lanes, lanes + 1, 2 * lanes - 1, 2 * lanes, 2 * lanes + 1, 3 * lanes,
                                                      4 * lanes + 1, 8 * lanes, 15 * lanes + 3})
        for (int64_t m : {1, 2, 3, 4, 6, 8, 11, 12, 14, 25, 49, 60}) check({m, n, 21, form});
    for (int64_t m = 1; m <= 26; ++m) check({m, 37, 33, form});
  }
}

LW_TEST(depth_blocks) {
  for (const Form& form : kForms)
    for (int64_t k : {383, 384, 385, 400, 767, 768, 769, 1153})
      for (bool accumulate : {false, true}) {
        check({13, 35, k, form, 1, 0, accumulate});
        check({1, 70, k, form, 1, 3, accumulate});
        check({70, 1, k, form, 1, 1, accumulate});
        check({50, 6, k, form, 1, 1, accumulate});
      }
}

LW_TEST(leading_dimensions) {
  for (const Form& form : kForms)
    for (int64_t pad : {1, 3, 16, 192, 448}) check({30, 64, 64, form, 1, pad});
  for (const Form& form : kForms) check({61, 256, 512, form});
}

LW_TEST(epilogues) {
  for (const Form& form : kForms)
    for (Activation activation : {Activation::none, Activation::relu, Activation::sigmoid, Activation::tanh})
      for (bool bias : {false, true})
        for (bool accumulate : {false, true})
          for (int64_t k : {0, 9, 390}) {
            check({14, 41, k, form, 1, 2, accumulate, bias, activation});
            check({33, 3, k, form, 2, 2, accumulate, bias, activation});
            check({1, 3, k, form, 2, 2, accumulate, bias, activation});
            check({60, 1, k, form, 1, 0, accumulate, bias, activation});
          }
}

LW_TEST(batches) {
  for (const Form& form : kForms) check({17, 19, 23, form, 5, 1, false, true, Activation::relu, {1, 2, 5}});
  check({64, 64, 64, kForms[1], 9, 0, false, false, Activation::none, {4}});
  for (const Form& form : kForms) check({17, 19, 23, form, 6, 1, true, true, Activation::relu, {1, 2, 5}, 3});
  check({64, 32, 64, kForms[0], 8, 0, false, false, Activation::none, {1, 3}, 4});
  // Beyond the caches: operands of the next item are fetched ahead.
  for (const Form& form : kForms) check({17, 19, 23, form, 288, 1, true, true, Activation::relu, {1, 2, 5}, 3});
  Problem shared = {64, 64, 64, kForms[0], 0};
  check(shared);
}

LW_TEST(nan_passes_relu) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (const Form& form : kForms)
    for (float poison : {nan, inf, -inf})
      for (int64_t n : {1, 5, 40}) check({20, n, 30, form, 1, 0, false, true, Activation::relu}, poison);
}

LW_TEST(larger_products_in_any_ranges) {
  for (const Form& form : kForms) {
    check({127, 129, 131, form, 1, 0, true, true, Activation::relu, {1, 2, 3, 7, 16}});
    check({97, 450, 401, form, 1, 0, false, true, Activation::none, {1, 2, 3, 7, 16}});
    check({5, 1500, 200, form, 1, 0, false, false, Activation::none, {1, 2, 3, 7, 16}});
    check({1, 2500, 401, form, 1, 0, true, true, Activation::relu, {1, 2, 3, 7, 16}});
    check({1500, 5, 200, form, 1, 0, false, true, Activation::relu, {1, 2, 3, 7, 16}});
  }
  check({255, 257, 511, kForms[0], 1, 0, false, false, Activation::none, {3}});
}

LW_TEST(several_row_blocks) {
  for (int form : {0, 1, 2}) check({430, 530, 390, kForms[form], 1, 0, false, false, Activation::none});
  check({2600, 130, 65, kForms[0], 1, 191});
  // Vectors with a matrix whose k is contiguous.
  for (int64_t k : {31, 32, 40, 48, 400})
    for (int64_t n : {1, 2, 7, 40}) {
      check({1, n, k, kForms[1], 2, 3, true, true, Activation::relu, {3}});
      check({n, 1, k, kForms[0], 2, 3, true, true, Activation::tanh, {3}});
      check({n, 1, k, kForms[1], 1, 3, false, true, Activation::relu});
    }
  // Rows of Aᵀ beyond the L2 cache.
  for (int64_t pad : {0, 5}) check({610, 67, 400, kForms[2], 1, pad});
  // Several blocks of rows, and several groups of panels that they share.
  for (const Form& form : kForms) check({450, 530, 384, form, 1, 3, true, true, Activation::relu, {2}});
}

LW_TEST(rows_of_a_that_share_cache_sets) {
  for (int64_t pad : {0, 1, 128, 911})
    for (int64_t k : {64, 65, 400}) check({128, 530, k, kForms[2], 1, pad, false, true, Activation::relu});
  // Few rows: tiles shorter than half a vector.
  for (int64_t m : {7, 8, 9, 13, 14, 15, 25, 26}) check({m, 300, 70, kForms[2], 1, 128});
}

// Both sides have contiguous rows, C few columns, and A is larger than the L2 cache (the second: than that of any row).
LW_TEST(far_products_of_few_columns) {
  for (int64_t pad : {0, 3}) check({620, 40, 400, kForms[2], 1, pad, true, true, Activation::relu, {1, 3}});
  check({700, 33, 1600, kForms[2], 1, 1, false, false, Activation::none, {2}});
}

// Rows of one to six tiles read a B beyond the L2 cache where it lies, the first of them fetching ahead.
LW_TEST(few_rows_and_a_far_b) {
  for (int64_t m : {5, 6, 7, 8, 13, 16, 17, 30, 72, 73}) check({m, 651, 400, kForms[0], 1, m % 2, true, true, Activation::relu, {1, 2}});
}

// More blocks of depth than are kept at once.
LW_TEST(long_vectors) {
  for (int64_t n : {1, 9, 21}) {
    check({1, n, 3500, kForms[1], 1, 3, true, true, Activation::relu, {2}});
    check({n, 1, 3500, kForms[0], 1, 3, false, true, Activation::none, {2}});
  }
}

LW_TEST(random_problems) {
  std::mt19937 random(11);
  const auto below = [&](int n) { return int64_t(random() % n); };
  for (int round = 0; round < 300; ++round) {
    const int64_t m = below(90), n = below(150), k = below(3) == 0 ? below(900) : below(60);
    check({m, n, k, kForms[below(5)], 1 + below(3), below(4), below(2) == 0, below(2) == 0, Activation(below(4)), {int(1 + below(6))}});
  }
}
