// CTC losses and their gradients against sums over all alignments, and against the recursion in double precision.
#include <array>
#include <cmath>
#include <limits>

#include "kernel_harness.h"

using namespace lanewise;
using namespace lanewise::test;

namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

double log_add(double a, double b) {
  const double m = std::max(a, b);
  return m == kNever ? kNever : m + std::log(std::exp(a - m) + std::exp(b - m));
}

// A loss, and the probability of each class in each frame given the labels.
struct CtcExpected {
  double loss;
  std::vector<double> occupied;
};

struct CtcCase {
  CtcShape shape;
  Guarded<float> logp;
  Guarded<int32_t> ids, frames;
};

std::vector<int32_t> labels_of(const CtcCase& c, int64_t n) {
  std::vector<int32_t> labels;
  for (int64_t i = 0; i < c.shape.labels && c.ids[n * c.shape.labels + i] >= 0; ++i) labels.push_back(c.ids[n * c.shape.labels + i]);
  return labels;
}

// Every path of classes that becomes the labels when repetitions and then blanks are left out.
CtcExpected by_paths(const CtcCase& c, int64_t n) {
  const auto [rows, t, classes, labels, blank] = c.shape;
  const std::vector<int32_t> wanted = labels_of(c, n);
  const int64_t frames = c.frames[n];
  CtcExpected result{0, std::vector<double>(static_cast<size_t>(t * classes))};
  std::vector<int32_t> path(static_cast<size_t>(frames));
  double total = 0;
  for (;;) {
    std::vector<int32_t> read;
    double p = 1;
    for (int64_t f = 0; f < frames; ++f) {
      if (path[f] != blank && (f == 0 || path[f] != path[f - 1])) read.push_back(path[f]);
      p *= std::exp(static_cast<double>(c.logp[(n * t + f) * classes + path[f]]));
    }
    if (read == wanted) {
      total += p;
      for (int64_t f = 0; f < frames; ++f) result.occupied[f * classes + path[f]] += p;
    }
    int64_t f = 0;
    while (f < frames && ++path[f] == classes) path[f++] = 0;
    if (f == frames) break;
  }
  for (double& p : result.occupied) p /= total;
  result.loss = -std::log(total);
  return result;
}

CtcExpected by_recursion(const CtcCase& c, int64_t n) {
  const auto [rows, t, classes, labels, blank] = c.shape;
  const std::vector<int32_t> wanted = labels_of(c, n);
  const int64_t frames = c.frames[n], states = 2 * static_cast<int64_t>(wanted.size()) + 1;
  std::vector<int32_t> state(static_cast<size_t>(states), blank);
  for (size_t i = 0; i < wanted.size(); ++i) state[2 * i + 1] = wanted[i];
  const auto emit = [&](int64_t f, int64_t s) { return static_cast<double>(c.logp[(n * t + f) * classes + state[s]]); };
  const auto may_skip = [&](int64_t s) { return s >= 2 && state[s] != blank && state[s] != state[s - 2]; };
  std::vector<double> a(static_cast<size_t>(frames * states), kNever), b = a;
  for (int64_t f = 0; f < frames; ++f) {
    for (int64_t s = 0; s < states; ++s) {
      double sum = f == 0 && s < 2 ? 0 : kNever;
      for (int64_t back = 0; f > 0 && back <= (may_skip(s) ? 2 : 1) && back <= s; ++back)
        sum = log_add(sum, a[(f - 1) * states + s - back]);
      a[f * states + s] = sum + emit(f, s);
    }
  }
  for (int64_t f = frames - 1; f >= 0; --f) {
    for (int64_t s = 0; s < states; ++s) {
      double sum = f == frames - 1 && s >= states - 2 ? 0 : kNever;
      for (int64_t on = 0; f < frames - 1 && on <= 2 && s + on < states; ++on) {
        if (on < 2 || may_skip(s + 2)) sum = log_add(sum, b[(f + 1) * states + s + on] + emit(f + 1, s + on));
      }
      b[f * states + s] = sum;
    }
  }
  double total = kNever;
  for (int64_t s = std::max<int64_t>(states - 2, 0); s < states; ++s) total = log_add(total, a[(frames - 1) * states + s]);
  CtcExpected result{-total, std::vector<double>(static_cast<size_t>(t * classes))};
  for (int64_t f = 0; f < frames; ++f) {
    for (int64_t s = 0; s < states; ++s) result.occupied[f * classes + state[s]] += std::exp(a[f * states + s] + b[f * states + s] - total);
  }
  return result;
}

// Logarithms of probabilities, labels of all lengths with repetitions, and frames enough for most.
CtcCase random_case(Source& source, const CtcShape& shape) {
  CtcCase c{shape, source.floats(shape.n * shape.t * shape.classes), source.ids(shape.n * shape.labels, shape.classes),
            Guarded<int32_t>(shape.n)};
  for (int64_t row = 0; row < shape.n * shape.t; ++row) {
    double sum = 0;
    for (int64_t k = 0; k < shape.classes; ++k) sum += std::exp(3.0 * c.logp[row * shape.classes + k]);
    for (int64_t k = 0; k < shape.classes; ++k) {
      float& x = c.logp[row * shape.classes + k];
      x = static_cast<float>(3.0 * x - std::log(sum));
    }
  }
  for (int64_t n = 0; n < shape.n; ++n) {
    const int64_t count = n == 0 || shape.classes == 1 ? 0 : n == 1 ? shape.labels : source.below(shape.labels + 1);
    for (int64_t i = 0; i < shape.labels; ++i) {
      int32_t& label = c.ids[n * shape.labels + i];
      if (label == shape.blank) label = (shape.blank + 1) % static_cast<int32_t>(shape.classes);
      if (i > 0 && source.below(3) == 0) label = c.ids[n * shape.labels + i - 1];
      if (i >= count) label = -1;
    }
    c.frames[n] = static_cast<int32_t>(n < 2 ? shape.t : 1 + source.below(shape.t));
  }
  return c;
}

struct CtcResult {
  Guarded<float> loss, alpha, dlogp;
  int64_t bad;
};

CtcResult compute(const KernelTable& table, const CtcCase& c, const Guarded<float>& dloss, uint64_t split = 0) {
  const CtcShape& s = c.shape;
  CtcResult r{Guarded<float>(s.n, 1), Guarded<float>(s.n * s.t * (2 * s.labels + 1), 2), Guarded<float>(s.n * s.t * s.classes, 3), kOk};
  r.bad = run(table.ctc_tasks, table.ctc, CtcArgs{s, c.logp.data(), c.ids.data(), c.frames.data(), r.loss.data(), r.alpha.data()}, split);
  const CtcBackwardArgs args{s, c.logp.data(), c.ids.data(), c.frames.data(), r.loss.data(), r.alpha.data(), dloss.data(), r.dlogp.data()};
  const int64_t bad = run(table.ctc_backward_tasks, table.ctc_backward, args, split);
  CHECK(bad == r.bad && r.loss.intact() && r.alpha.intact() && r.dlogp.intact());
  return r;
}

// Each frame rounds a sum of three and what is emitted, values of the size of the largest |logp| that any path needs, some eight times; a
// share of a path has the errors of all frames before and behind it.
void check_case(const KernelTable& table, const CtcCase& c, CtcExpected (*expect)(const CtcCase&, int64_t), const char* what) {
  const CtcShape& s = c.shape;
  Source source(5);
  const Guarded<float> dloss = source.floats(s.n);
  const CtcResult r = compute(table, c, dloss), split = compute(table, c, dloss, 3);
  bool right = same_bits(r.loss, split.loss) && same_bits(r.dlogp, split.dlogp) && r.bad == kOk;
  double most = 1;
  for (int64_t i = 0; i < c.logp.size(); ++i) most = std::max(most, std::abs(static_cast<double>(c.logp[i])));
  for (int64_t n = 0; n < s.n; ++n) {
    const CtcExpected expected = expect(c, n);
    const double error = 8 * 0x1p-24 * most * static_cast<double>(c.frames[n]);
    if (std::isinf(expected.loss)) {
      right = right && r.loss[n] == std::numeric_limits<float>::infinity();
    } else {
      right = right && std::abs(r.loss[n] - expected.loss) <= error + 0x1p-24 * std::abs(expected.loss);
    }
    for (int64_t i = 0; i < s.t * s.classes; ++i) {
      const double d = std::isinf(expected.loss) ? 0 : -expected.occupied[static_cast<size_t>(i)] * static_cast<double>(dloss[n]);
      right = right &&
              std::abs(static_cast<double>(r.dlogp[n * s.t * s.classes + i]) - d) <= 2 * error * std::abs(static_cast<double>(dloss[n]));
    }
  }
  CHECK_TEXT(right, text(table, what, {s.n, s.t, s.classes, s.labels, s.blank}));
}

}  // namespace

LW_TEST(ctc_sums_over_all_alignments) {
  Source source(1);
  for (const auto& [t, classes, labels, blank] :
       {std::array<int32_t, 4>{1, 2, 1, 0}, {4, 3, 2, 0}, {5, 3, 3, 2}, {6, 4, 2, 1}, {3, 1, 0, 0}, {2, 5, 4, 0}}) {
    const CtcCase c = random_case(source, {5, t, classes, labels, blank});
    for (int64_t n = 0; n < 5; ++n) {
      const CtcExpected a = by_paths(c, n), b = by_recursion(c, n);
      CHECK((std::isinf(a.loss) && std::isinf(b.loss)) || std::abs(a.loss - b.loss) < 1e-9);
    }
    for_each_table([&](const KernelTable& table) { check_case(table, c, by_paths, "ctc of paths n, t, classes, labels, blank"); });
  }
}

LW_TEST(ctc_follows_its_recursion) {
  Source source(2);
  for (const auto& [n, t, classes, labels, blank] : {std::array<int32_t, 5>{1, 9, 5, 3, 4},
                                                     {3, 40, 30, 7, 0},
                                                     {4, 41, 3, 8, 0},
                                                     {2, 100, 29, 15, 0},
                                                     {3, 64, 11, 16, 10},
                                                     {2, 300, 6, 31, 0},
                                                     {6, 17, 100, 40, 50},
                                                     {0, 3, 3, 2, 0},
                                                     {2, 500, 20, 70, 0}}) {
    const CtcCase c = random_case(source, {n, t, classes, labels, blank});
    for_each_table([&](const KernelTable& table) { check_case(table, c, by_recursion, "ctc n, t, classes, labels, blank"); });
  }
}

LW_TEST(ctc_takes_what_cannot_be) {
  Source source(3);
  CtcCase c = random_case(source, {3, 6, 4, 3, 0});
  for (int64_t i = 0; i < c.logp.size(); i += 3) c.logp[i] = -std::numeric_limits<float>::infinity();
  const Guarded<float> dloss = source.floats(3);
  for_each_table([&](const KernelTable& table) {
    const CtcResult r = compute(table, c, dloss);
    for (int64_t n = 0; n < 3; ++n) {
      const double expected = by_recursion(c, n).loss;
      CHECK_TEXT(std::isinf(expected) ? r.loss[n] == expected : std::abs(r.loss[n] - expected) < 1e-4, table.isa);
    }
    for (int64_t i = 0; i < r.dlogp.size(); ++i) CHECK_TEXT(std::isfinite(r.dlogp[i]), table.isa);
  });
  c.logp[0] = std::numeric_limits<float>::quiet_NaN();
  c.frames[0] = 6;
  for_each_table([&](const KernelTable& table) { CHECK_TEXT(std::isnan(compute(table, c, dloss).loss[0]), table.isa); });
}

LW_TEST(ctc_reports_bad_labels_and_stays_within_its_rows) {
  Source source(4);
  const Guarded<float> dloss = source.floats(4);
  for (const auto& [at, label] : {std::array<int32_t, 2>{4, 5}, {5, -2}, {3, 0}, {7, INT32_MAX}, {8, INT32_MIN}}) {
    CtcCase c = random_case(source, {4, 7, 5, 3, 0});
    std::fill_n(c.ids.data(), c.ids.size(), 1);
    c.ids[at] = label;
    c.ids[11] = 77;
    for_each_table([&](const KernelTable& table) {
      CHECK_TEXT(compute(table, c, dloss).bad == at, text(table, "ctc label", {at, label}));
    });
  }
  CtcCase c = random_case(source, {4, 7, 5, 3, 0});
  std::fill_n(c.ids.data(), c.ids.size(), 1);
  c.ids[4] = -1;  // and a label behind it
  const int32_t frames[] = {-5, 0, 8, INT32_MAX};
  std::copy_n(frames, 4, c.frames.data());
  for_each_table([&](const KernelTable& table) { CHECK_TEXT(compute(table, c, dloss).bad == 5, table.isa); });
}

LW_TEST(ctc_has_the_promised_bits) {
  for_each_table([&](const KernelTable& table) {
    if (!table.fused) return;
    Source source(6);
    Digest digest;
    for (const auto& [n, t, classes, labels] : {std::array<int32_t, 4>{2, 50, 28, 12}, {3, 33, 7, 16}, {1, 200, 40, 45}}) {
      const CtcCase c = random_case(source, {n, t, classes, labels, 0});
      const CtcResult r = compute(table, c, source.floats(n));
      digest.add(r.loss.data(), r.loss.size());
      digest.add(r.dlogp.data(), r.dlogp.size());
    }
    std::string got = table.isa;
    got += ' ';
    got += digest.text();
    CHECK_TEXT(digest.value() == 0xdba46a3c3db7f148, got);
  });
}
