// Reductions, softmax and cross-entropy against float64, at every size, in random task splits, with the same bits on every fused row.
#include <map>

#include "kernel_harness.h"

using namespace lanewise;
using namespace lanewise::test;

namespace {

constexpr float kInf = HUGE_VALF;
const float kNan = std::nanf("");

struct Extent {
  int64_t outer, count, inner;
};

std::vector<Extent> extents() {
  std::vector<Extent> list;
  for (int64_t n : kSizes) {
    list.push_back({1, n, 1});
    list.push_back({3, n, 1});
    list.push_back({1, 9, n});
    if (n > 1) list.push_back({2, n, 5});
  }
  for (Extent e : {Extent{1, 200000, 1},
                   {700, 10, 1},
                   {0, 4, 1},
                   {0, 4, 3},
                   {2, 0, 3},
                   {128, 0, 1},
                   {1, 128, 512},
                   {2, 1037, 129},
                   {1, 3000, 2},
                   {5, 3, 1000},
                   {40, 40, 17}})
    list.push_back(e);
  return list;
}

double reduced(ReduceKind kind, const float* in, int64_t count, int64_t stride, double& magnitude) {
  double total = kind == ReduceKind::max ? -HUGE_VAL : kind == ReduceKind::min ? HUGE_VAL : 0;
  magnitude = 0;
  for (int64_t r = 0; r < count; ++r) {
    const double x = in[r * stride];
    switch (kind) {
      case ReduceKind::sum:
      case ReduceKind::mean:
        total += x;
        magnitude += std::fabs(x);
        break;
      case ReduceKind::sum_squares:
        total += x * x;
        magnitude += x * x;
        break;
      case ReduceKind::max: total = std::isnan(total) || total > x ? total : x; break;
      case ReduceKind::min: total = std::isnan(total) || total < x ? total : x; break;
      case ReduceKind::count: break;
    }
  }
  if (kind == ReduceKind::mean) {
    total /= static_cast<double>(count);
    magnitude /= static_cast<double>(std::max<int64_t>(count, 1));
  }
  return total;
}

// On the way of one element: 64 in a lane and 6 that fold the lanes, or 128 in a column's partial sum and 2; then one a level of chunks.
double additions_of(const Extent& e) {
  const int64_t chunk = e.inner == 1 ? 4096 : 512;
  const double inside = e.inner == 1 ? 64 + 6 : 128 + 2;
  return std::min(static_cast<double>(e.count), inside) + std::ceil(std::log2(static_cast<double>((e.count + chunk - 1) / chunk + 1)));
}

// The bits of a fused row are a promise across machines: a change of these numbers is a change of everybody's results.
std::map<std::string, Digest> digests;

void check_promised_bits(uint64_t promised) {
  for (const auto& [isa, digest] : digests) CHECK_TEXT(digest.value() == promised, isa + " " + digest.text());
  digests.clear();
}

// Runs a kernel on every row whole and split, checks the bits against one another and calls check(table, out, bad index) once per row.
template <class Args, class Check>
void everywhere(Args args, float* Args::*output, int64_t size, int64_t (*KernelTable::*tasks)(const Args&),
                int64_t (*KernelTable::*kernel)(const Args&, int64_t, int64_t, void*), const Check& check) {
  std::vector<float> fused;
  for_each_table([&](const KernelTable& table) {
    Guarded<float> out(size, 77.0f), split(size, 78.0f);
    args.*output = out.data();
    const int64_t bad = run(table.*tasks, table.*kernel, args);
    args.*output = split.data();
    const int64_t bad_split = run(table.*tasks, table.*kernel, args, 11);
    CHECK_TEXT(bad == bad_split && same_bits(out, split), text(table, "split", {size}));
    CHECK_TEXT(out.intact() && split.intact(), text(table, "canary", {size}));
    if (table.fused) {
      if (fused.empty()) fused.assign(out.data(), out.data() + size);
      CHECK_TEXT(same_bits(fused.data(), out.data(), size), text(table, "same bits", {size}));
      digests[table.isa].add(out.data(), size);
    }
    check(table, out, bad);
  });
}

double log_sum_exp(const float* x, int64_t n, double& max) {
  max = -HUGE_VAL;
  for (int64_t c = 0; c < n; ++c) max = std::max(max, static_cast<double>(x[c]));
  double sum = 0;
  for (int64_t c = 0; c < n; ++c) sum += std::exp(x[c] - max);
  return max + std::log(sum);
}

const Extent kRowShapes[] = {{0, 3, 1},   {1, 1, 1},  {4, 2, 1},  {5, 7, 1},    {128, 10, 1}, {3, 16, 1},    {3, 17, 1},
                             {33, 31, 1}, {2, 64, 1}, {2, 65, 1}, {3, 1000, 1}, {2, 4097, 1}, {1, 10007, 1}, {1000, 3, 1}};

}  // namespace

LW_TEST(reductions_of_every_shape) {
  Source source(1);
  for (const Extent& e : extents()) {
    Guarded<float> in = source.floats(e.outer * e.count * e.inner, -1, 1.5f);
    for (int k = 0; k < static_cast<int>(ReduceKind::count); ++k) {
      const ReduceArgs args{static_cast<ReduceKind>(k), e.outer, e.count, e.inner, in.data(), nullptr};
      everywhere(args, &ReduceArgs::out, e.outer * e.inner, &KernelTable::reduce_tasks, &KernelTable::reduce,
                 [&](const KernelTable& table, const Guarded<float>& out, int64_t) {
                   bool right = true;
                   for (int64_t o = 0; o < e.outer; ++o) {
                     for (int64_t i = 0; i < e.inner; ++i) {
                       double magnitude;
                       const double exact = reduced(args.kind, in.data() + o * e.count * e.inner + i, e.count, e.inner, magnitude);
                       const double additions = additions_of(e);
                       const float got = out[o * e.inner + i];
                       right = right && (std::isnan(exact) ? std::isnan(got)
                                                           : got == exact || std::fabs(got - exact) <= magnitude * 0x1p-24 * additions +
                                                                                                           std::fabs(exact) * 0x1p-23);
                     }
                   }
                   CHECK_TEXT(right, text(table, "reduce kind, outer, count, inner", {k, e.outer, e.count, e.inner}));
                 });
    }
  }
  check_promised_bits(0xfd788b0040320e32);
}

LW_TEST(sums_of_long_columns_lose_few_digits) {
  for (const Extent& e : {Extent{1, 4000037, 2}, {1, 4000037, 1}, {2, 1000003, 3}}) {
    const Guarded<float> in(e.outer * e.count * e.inner, 0.1f);
    for (const ReduceKind kind : {ReduceKind::sum, ReduceKind::mean, ReduceKind::sum_squares}) {
      double magnitude;
      const double exact = reduced(kind, in.data(), e.count, e.inner, magnitude);
      const ReduceArgs args{kind, e.outer, e.count, e.inner, in.data(), nullptr};
      everywhere(args, &ReduceArgs::out, e.outer * e.inner, &KernelTable::reduce_tasks, &KernelTable::reduce,
                 [&](const KernelTable& table, const Guarded<float>& out, int64_t) {
                   double worst = 0;
                   for (int64_t i = 0; i < out.size(); ++i) worst = larger_error(worst, std::fabs(out[i] - exact));
                   CHECK_TEXT(worst <= magnitude * 0x1p-24 * (additions_of(e) + 2),
                              text(table, "reduce kind, outer, count, inner", {static_cast<int>(kind), e.outer, e.count, e.inner}));
                 });
    }
  }
  digests.clear();
}

// However wide the vectors are: a sum begins at 0.
LW_TEST(sums_of_negative_zeros_are_zero) {
  for_each_table([](const KernelTable& table) {
    for (const ReduceKind kind : {ReduceKind::sum, ReduceKind::mean})
      for (int64_t count = 1; count <= 130; ++count)
        for (int64_t inner : {1, 3}) {
          const Guarded<float> in(count * inner, -0.0f);
          Guarded<float> out(inner, 77.0f);
          run(table.reduce_tasks, table.reduce, ReduceArgs{kind, 1, count, inner, in.data(), out.data()});
          CHECK_TEXT(out[0] == 0 && !std::signbit(out[0]), text(table, "count, inner", {count, inner}));
        }
  });
}

LW_TEST(maximum_and_minimum_keep_nan) {
  for (int64_t n : kSizes) {
    if (n == 0) continue;
    for (int64_t at : {int64_t{0}, n / 2, n - 1}) {
      for (int64_t inner : {int64_t{1}, int64_t{3}}) {
        Guarded<float> in(n * inner, 1.0f);
        in[at * inner] = kNan;
        for (ReduceKind kind : {ReduceKind::max, ReduceKind::min, ReduceKind::sum}) {
          for_each_table([&](const KernelTable& table) {
            Guarded<float> out(inner);
            run(table.reduce_tasks, table.reduce, ReduceArgs{kind, 1, n, inner, in.data(), out.data()});
            CHECK_TEXT(std::isnan(out[0]) && (inner == 1 || !std::isnan(out[1])), text(table, "size, position, inner", {n, at, inner}));
          });
        }
      }
    }
  }
}

LW_TEST(arg_reduce_gives_the_first_and_nan_wins) {
  Source source(2);
  for (const Extent& shape : kRowShapes) {
    for (bool minimum : {false, true}) {
      Guarded<float> in(shape.outer * shape.count);
      for (int64_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(source.below(20));  // many ties
      for (int64_t r = 0; r < shape.outer; r += 3) in[r * shape.count + source.below(shape.count)] = kNan;
      for (int64_t r = 1; r < shape.outer; r += 3) std::fill_n(in.data() + r * shape.count, shape.count, minimum ? kInf : -kInf);
      for_each_table([&](const KernelTable& table) {
        Guarded<int32_t> out(shape.outer), split(shape.outer);
        ArgReduceArgs args{minimum, shape.outer, shape.count, in.data(), out.data()};
        run(table.arg_reduce_tasks, table.arg_reduce, args);
        args.out = split.data();
        run(table.arg_reduce_tasks, table.arg_reduce, args, 5);
        bool right = out.intact();
        for (int64_t r = 0; r < shape.outer; ++r) {
          const float* x = in.data() + r * shape.count;
          int32_t best = 0;
          for (int64_t c = 1; c < shape.count; ++c) {
            if (!std::isnan(x[best]) && (std::isnan(x[c]) || (minimum ? x[c] < x[best] : x[c] > x[best]))) best = static_cast<int32_t>(c);
          }
          right = right && out[r] == best && split[r] == best;
        }
        CHECK_TEXT(right, text(table, "arg_reduce rows, columns", {shape.outer, shape.count}));
      });
    }
  }
}

LW_TEST(softmax_of_every_shape) {
  Source source(3);
  for (const Extent& shape : kRowShapes) {
    const int64_t rows = shape.outer, columns = shape.count;
    Guarded<float> in = source.floats(rows * columns, -10, 10);
    for (int64_t r = 0; r < rows; r += 2) in[r * columns] = 300;  // far apart: the others vanish
    for (int k = 0; k < static_cast<int>(SoftmaxKind::count); ++k) {
      const SoftmaxArgs args{static_cast<SoftmaxKind>(k), rows, columns, in.data(), nullptr};
      const bool per_row = args.kind == SoftmaxKind::log_sum_exp;
      everywhere(args, &SoftmaxArgs::out, per_row ? rows : rows * columns, &KernelTable::softmax_tasks, &KernelTable::softmax,
                 [&](const KernelTable& table, const Guarded<float>& out, int64_t) {
                   double worst = 0;
                   for (int64_t r = 0; r < rows; ++r) {
                     const float* x = in.data() + r * columns;
                     double max;
                     const double lse = log_sum_exp(x, columns, max);
                     if (per_row) worst = larger_error(worst, std::fabs(out[r] - lse) / std::max({std::fabs(max), lse - max, 1.0}));
                     for (int64_t c = 0; !per_row && c < columns; ++c) {
                       const double exact = args.kind == SoftmaxKind::softmax ? std::exp(x[c] - lse) : x[c] - lse;
                       const double got = out[r * columns + c];
                       // e^d has the absolute error of d = x − max as its relative one.
                       const double scale = args.kind == SoftmaxKind::softmax ? exact * (1 + std::fabs(x[c] - max)) + 0x1p-120
                                                                              : std::max({std::fabs(x[c] - max), lse - max, 1.0});
                       worst = larger_error(worst, std::fabs(got - exact) / scale);
                     }
                   }
                   CHECK_TEXT(worst <= 8 * 0x1p-24, text(table, "softmax kind, rows, columns, worst in 2^-24",
                                                         {k, rows, columns, static_cast<int64_t>(worst * 0x1p24)}));
                 });
    }
  }
  check_promised_bits(0x6595b1a33151eb84);
}

LW_TEST(softmax_in_place_and_at_infinities) {
  for_each_table([](const KernelTable& table) {
    const float rows[5][3] = {{1, kNan, 2}, {kInf, 0, 1}, {-kInf, 0, -kInf}, {-kInf, -kInf, -kInf}, {kInf, kNan, 0}};
    float out[5][3], lse[5];
    std::memcpy(out, rows, sizeof rows);
    run(table.softmax_tasks, table.softmax, SoftmaxArgs{SoftmaxKind::softmax, 5, 3, out[0], out[0]});
    for (int r : {0, 1, 3, 4}) CHECK_TEXT(std::isnan(out[r][0]) && std::isnan(out[r][1]) && std::isnan(out[r][2]), text(table, "row", {r}));
    CHECK_TEXT(out[2][0] == 0 && out[2][1] == 1 && out[2][2] == 0, table.isa);
    run(table.softmax_tasks, table.softmax, SoftmaxArgs{SoftmaxKind::log_sum_exp, 5, 3, rows[0], lse});
    CHECK_TEXT(std::isnan(lse[0]) && lse[1] == kInf && lse[2] == 0 && lse[3] == -kInf && std::isnan(lse[4]), table.isa);
    run(table.softmax_tasks, table.softmax, SoftmaxArgs{SoftmaxKind::log_sum_exp, 1, 0, rows[0], lse});
    CHECK_TEXT(lse[0] == -kInf, table.isa);
  });
}

LW_TEST(softmax_backward) {
  Source source(9);
  for (const Extent& shape : kRowShapes) {
    const int64_t rows = shape.outer, columns = shape.count;
    for (bool logarithmic : {false, true}) {
      Guarded<float> y = source.floats(rows * columns, 0, 1);
      if (logarithmic)
        for (int64_t i = 0; i < y.size(); ++i) y[i] = 8 * (y[i] - 1);
      const Guarded<float> dy = source.floats(rows * columns);
      const SoftmaxBackwardArgs args{logarithmic, rows, columns, y.data(), dy.data(), nullptr};
      everywhere(args, &SoftmaxBackwardArgs::dx, rows * columns, &KernelTable::softmax_backward_tasks, &KernelTable::softmax_backward,
                 [&](const KernelTable& table, const Guarded<float>& dx, int64_t) {
                   double worst = 0;
                   for (int64_t r = 0; r < rows; ++r) {
                     double sum = 0, size = 0;
                     for (int64_t c = 0; c < columns; ++c) {
                       const double term = double(dy[r * columns + c]) * (logarithmic ? 1 : y[r * columns + c]);
                       sum += term, size += std::fabs(term);
                     }
                     for (int64_t c = 0; c < columns; ++c) {
                       const double at = y[r * columns + c], slope = dy[r * columns + c], p = logarithmic ? std::exp(at) : at;
                       const double exact = logarithmic ? slope - p * sum : p * (slope - sum);
                       const double scale = (logarithmic ? std::fabs(slope) : p * std::fabs(slope)) + p * size + 0x1p-120;
                       worst = larger_error(worst, std::fabs(dx[r * columns + c] - exact) / scale);
                     }
                   }
                   // A term, its sum of up to 64 in a lane and 6 that fold the lanes, e^y, and two more operations.
                   CHECK_TEXT(worst <= 80 * 0x1p-24, text(table, "softmax_backward logarithmic, rows, columns, worst in 2^-24",
                                                          {logarithmic, rows, columns, static_cast<int64_t>(worst * 0x1p24)}));
                   for (bool over_y : {false, true}) {
                     Guarded<float> in_place = over_y ? y : dy;
                     SoftmaxBackwardArgs same = args;
                     (over_y ? same.y : same.dy) = same.dx = in_place.data();
                     run(table.softmax_backward_tasks, table.softmax_backward, same);
                     CHECK_TEXT(same_bits(in_place, dx) && in_place.intact(), text(table, "in place", {over_y, rows, columns}));
                   }
                 });
    }
  }
  check_promised_bits(0x7f6c591be648a98a);
}

LW_TEST(cross_entropy_forward_and_backward) {
  Source source(4);
  constexpr int32_t kIgnore = -100;
  for (const Extent& shape : kRowShapes) {
    const int64_t rows = shape.outer, columns = shape.count;
    for (bool broken : {false, true}) {
      const Guarded<float> logits = source.floats(rows * columns, -8, 8), dloss = source.floats(rows);
      Guarded<int32_t> ids = source.ids(rows, columns);
      for (int64_t r = 3; r < rows; r += 5) ids[r] = kIgnore;
      int64_t first_bad = kOk;
      if (broken && rows > 2) {
        ids[rows - 1] = -1;
        ids[rows / 2] = static_cast<int32_t>(columns);
        first_bad = rows / 2;
      }
      const auto kept = [&](int64_t r) { return ids[r] >= 0 && ids[r] < columns; };
      const CrossEntropyArgs forward{rows, columns, kIgnore, logits.data(), ids.data(), nullptr};
      everywhere(
          forward, &CrossEntropyArgs::loss, rows, &KernelTable::cross_entropy_tasks, &KernelTable::cross_entropy,
          [&](const KernelTable& table, const Guarded<float>& loss, int64_t bad) {
            double worst = 0;
            for (int64_t r = 0; r < rows; ++r) {
              double max;
              const double exact = kept(r) ? log_sum_exp(logits.data() + r * columns, columns, max) - logits[r * columns + ids[r]] : 0;
              worst = larger_error(worst, std::fabs(loss[r] - exact) / std::max(std::fabs(exact), 1.0));
              if (!kept(r)) CHECK(loss[r] == 0);
            }
            CHECK_TEXT(worst <= 8 * 0x1p-24 && bad == first_bad, text(table, "cross_entropy rows, columns, bad", {rows, columns, bad}));
          });
      const CrossEntropyBackwardArgs backward{rows, columns, kIgnore, logits.data(), ids.data(), dloss.data(), nullptr};
      everywhere(backward, &CrossEntropyBackwardArgs::dlogits, rows * columns, &KernelTable::cross_entropy_backward_tasks,
                 &KernelTable::cross_entropy_backward, [&](const KernelTable& table, const Guarded<float>& dlogits, int64_t bad) {
                   double worst = 0;
                   for (int64_t r = 0; r < rows; ++r) {
                     double max;
                     const double lse = log_sum_exp(logits.data() + r * columns, columns, max);
                     for (int64_t c = 0; c < columns; ++c) {
                       const double exact = kept(r) ? dloss[r] * (std::exp(logits[r * columns + c] - lse) - (c == ids[r])) : 0;
                       worst = larger_error(worst, std::fabs(dlogits[r * columns + c] - exact));
                     }
                   }
                   CHECK_TEXT(worst <= 32 * 0x1p-24 && bad == first_bad,
                              text(table, "cross_entropy_backward rows, columns, bad", {rows, columns, bad}));
                   Guarded<float> in_place = logits;
                   run(table.cross_entropy_backward_tasks, table.cross_entropy_backward,
                       CrossEntropyBackwardArgs{rows, columns, kIgnore, in_place.data(), ids.data(), dloss.data(), in_place.data()});
                   CHECK_TEXT(same_bits(in_place, dlogits) && in_place.intact(), text(table, "in place", {rows, columns}));
                 });
    }
  }
  check_promised_bits(0x8e800cb8d24f64e2);
}
