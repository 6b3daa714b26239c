// Row softmax, log-softmax and log-sum-exp of [rows, columns]; out may equal in.
//
// softmax = e^(x − max) · (1 / sum), log-softmax = (x − max) − log(sum), log-sum-exp = max + log(sum). Sums by lanes.h.
// Error: e^(x − max) has the rounding of x − max, so softmax is good to (4 + |x − max|) · 2^-24 relative; the logarithmic forms to
// 4 · 2^-24 of the largest of |x − max|, |max|, log(sum) and 1. A NaN, or a +inf under softmax and log-softmax, makes its whole row NaN.
// columns = 0 gives a log-sum-exp of −inf.
#pragma once

#include "args.h"
#include "lanes.h"
#include "short_rows.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kSoftmaxTask = 4096;  // elements

// Maximum of a row without NaN; with one, anything: the exponentials bring the NaN back.
struct OrderedMaxFold {
  static constexpr float kNeutral = -kInfinity;
  LW_INLINE F32 step(F32 a, F32 b) { return max_second(a, b); }
  LW_INLINE float step(float a, float b) { return a > b ? a : b; }
};

struct ReadRow {
  const float* in;
  LW_MEMBER F32 operator()(int64_t i) const { return load(in + i); }
  LW_MEMBER F32 operator()(int64_t i, int n) const { return keep_lanes<OrderedMaxFold>(load_n(in + i, n), n); }
};

// e^(x − shift), kept in `out`. The shift is the row's maximum, so the argument is never positive.
struct ReadExpStored {
  const float* in;
  F32 shift;
  float* out;
  LW_MEMBER F32 operator()(int64_t i) const {
    const F32 e = exp_nonpositive(sub(load(in + i), shift));
    store(out + i, e);
    return e;
  }
  LW_MEMBER F32 operator()(int64_t i, int n) const {
    const F32 e = exp_nonpositive(sub(load_n(in + i, n), shift));
    store_n(out + i, e, n);
    return keep_lanes<SumFold>(e, n);
  }
};

struct ReadExp {
  const float* in;
  F32 shift;
  LW_MEMBER F32 operator()(int64_t i) const { return exp(sub(load(in + i), shift)); }
  LW_MEMBER F32 operator()(int64_t i, int n) const { return keep_lanes<SumFold>(exp(sub(load_n(in + i, n), shift)), n); }
};

LW_INLINE float row_max(const float* in, int64_t columns) { return fold_row<OrderedMaxFold>(columns, ReadRow{in}); }

// out[i] = f(in[i])
template <class Function>
LW_INLINE void map_row(const float* in, int64_t n, float* out, const Function& f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, f(load(in + i)));
  if (i < n) store_n(out + i, f(load_n(in + i, static_cast<int>(n - i))), static_cast<int>(n - i));
}

LW_INLINE float log_of(float x) {
  alignas(64) float lane[kLanes];
  store(lane, log(set1(x)));
  return lane[0];
}

static void softmax_row(const float* in, int64_t columns, float* out) {
  const F32 max = set1(row_max(in, columns));
  const float sum = fold_row<SumFold>(columns, ReadExpStored{in, max, out});
  const F32 scale = set1(1.0f / sum);
  map_row(
      out, columns, out, [&](F32 e) __attribute__((always_inline)) { return mul(e, scale); });
}

static void log_softmax_row(const float* in, int64_t columns, float* out) {
  const F32 max = set1(row_max(in, columns));
  const F32 log_sum = set1(log_of(fold_row<SumFold>(columns, ReadExp{in, max})));
  map_row(
      in, columns, out, [&](F32 x) __attribute__((always_inline)) { return sub(sub(x, max), log_sum); });
}

static float log_sum_exp_row(const float* in, int64_t columns) {
  const float max = row_max(in, columns);
  const float shift = max - max == 0.0f ? max : 0.0f;  // an infinite maximum would make inf − inf
  return shift + log_of(fold_row<SumFold>(columns, ReadExp{in, set1(shift)}));
}

// `rows` ≤ kLanes rows of `columns` ≤ kLanes.
static void softmax_short(SoftmaxKind kind, const float* in, int rows, int columns, float* out) {
  F32 x[kLanes], e[kLanes];
  load_columns(in, rows, columns, x);
  const F32 max = fold_columns<OrderedMaxFold>(x, columns);
  if (kind == SoftmaxKind::log_sum_exp) {
    const F32 shift = select(equal(sub(max, max), zero()), max, zero());
    for (int c = 0; c < columns; ++c) e[c] = exp(sub(x[c], shift));
    store_n(out, add(shift, log(fold_columns<SumFold>(e, columns))), rows);
    return;
  }
  for (int c = 0; c < columns; ++c) {
    x[c] = sub(x[c], max);
    e[c] = exp_nonpositive(x[c]);
  }
  const F32 sum = fold_columns<SumFold>(e, columns);
  if (kind == SoftmaxKind::softmax) {
    const F32 scale = div(set1(1.0f), sum);
    for (int c = 0; c < columns; ++c) x[c] = mul(e[c], scale);
  } else {
    const F32 log_sum = log(sum);
    for (int c = 0; c < columns; ++c) x[c] = sub(x[c], log_sum);
  }
  store_columns(x, rows, columns, out);
}

LW_INLINE int64_t softmax_rows_per_task(int64_t columns) { return larger(1, kSoftmaxTask / (columns + 1)); }

int64_t softmax_tasks(const SoftmaxArgs& args) { return divide_up(args.rows, softmax_rows_per_task(args.columns)); }

int64_t softmax(const SoftmaxArgs& args, int64_t begin, int64_t end, void*) {
  const int64_t per_task = softmax_rows_per_task(args.columns);
  const int64_t stop = smaller(end * per_task, args.rows);
  const int64_t pitch = args.kind == SoftmaxKind::log_sum_exp ? 1 : args.columns;
  int64_t r = begin * per_task;
  if (args.columns > 0 && args.columns <= kLanes) {
    for (; r < stop; r += kLanes) {
      const int rows = static_cast<int>(smaller(stop - r, kLanes));
      softmax_short(args.kind, args.in + r * args.columns, rows, static_cast<int>(args.columns), args.out + r * pitch);
    }
    return kOk;
  }
  for (; r < stop; ++r) {
    const float* in = args.in + r * args.columns;
    switch (args.kind) {
      case SoftmaxKind::softmax: softmax_row(in, args.columns, args.out + r * pitch); break;
      case SoftmaxKind::log_softmax: log_softmax_row(in, args.columns, args.out + r * pitch); break;
      case SoftmaxKind::log_sum_exp: args.out[r] = log_sum_exp_row(in, args.columns); break;
      case SoftmaxKind::count: break;
    }
  }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
