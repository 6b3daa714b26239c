// Gradients of row softmax and log-softmax of [rows, columns] to what they were made of, from the result y and its gradient dy; dx may
// equal either.
//
// softmax: dx = y · (dy − Σ y·dy), log-softmax: dx = dy − e^y · Σ dy, every operation rounded. Sums by lanes.h.
#pragma once

#include "args.h"
#include "lanes.h"
#include "short_rows.h"
#include "softmax.h"

namespace lanewise::LW_ISA {
namespace {

struct SoftmaxGradient {
  LW_INLINE F32 term(F32 y, F32 dy) { return mul(dy, y); }
  LW_INLINE F32 result(F32 y, F32 dy, F32 sum) { return mul(y, sub(dy, sum)); }
};
struct LogSoftmaxGradient {
  LW_INLINE F32 term(F32, F32 dy) { return dy; }
  LW_INLINE F32 result(F32 y, F32 dy, F32 sum) { return sub(dy, mul(exp(y), sum)); }
};

template <class Gradient>
struct ReadTerms {
  const float *y, *dy;
  LW_MEMBER F32 operator()(int64_t i) const { return Gradient::term(load(y + i), load(dy + i)); }
  LW_MEMBER F32 operator()(int64_t i, int n) const { return keep_lanes<SumFold>(Gradient::term(load_n(y + i, n), load_n(dy + i, n)), n); }
};

template <class Gradient>
static void softmax_backward_row(const float* y, const float* dy, int64_t columns, float* dx) {
  const F32 sum = set1(fold_row<SumFold>(columns, ReadTerms<Gradient>{y, dy}));
  int64_t i = 0;
  for (; i + kLanes <= columns; i += kLanes) store(dx + i, Gradient::result(load(y + i), load(dy + i), sum));
  const int left = static_cast<int>(columns - i);
  if (left > 0) store_n(dx + i, Gradient::result(load_n(y + i, left), load_n(dy + i, left), sum), left);
}

// `rows` ≤ kLanes rows of `columns` ≤ kLanes.
template <class Gradient>
static void softmax_backward_short(const float* y, const float* dy, int rows, int columns, float* dx) {
  F32 a[kLanes], b[kLanes], terms[kLanes];
  load_columns(y, rows, columns, a);
  load_columns(dy, rows, columns, b);
  for (int c = 0; c < columns; ++c) terms[c] = SumFold::step(zero(), Gradient::term(a[c], b[c]));  // as in lanes.h: no sum is −0
  const F32 sum = fold_columns<SumFold>(terms, columns);
  for (int c = 0; c < columns; ++c) a[c] = Gradient::result(a[c], b[c], sum);
  store_columns(a, rows, columns, dx);
}

template <class Gradient>
static void softmax_backward_rows(const SoftmaxBackwardArgs& args, int64_t r, int64_t stop) {
  const int64_t columns = args.columns, step = columns <= kLanes ? kLanes : 1;
  for (; r < stop; r += step) {
    const int64_t at = r * columns;
    if (columns <= kLanes) {
      const int rows = static_cast<int>(smaller(stop - r, kLanes));
      softmax_backward_short<Gradient>(args.y + at, args.dy + at, rows, static_cast<int>(columns), args.dx + at);
    } else {
      softmax_backward_row<Gradient>(args.y + at, args.dy + at, columns, args.dx + at);
    }
  }
}

int64_t softmax_backward_tasks(const SoftmaxBackwardArgs& args) {
  return args.columns == 0 ? 0 : divide_up(args.rows, softmax_rows_per_task(args.columns));
}

int64_t softmax_backward(const SoftmaxBackwardArgs& args, int64_t begin, int64_t end, void*) {
  const int64_t per_task = softmax_rows_per_task(args.columns), stop = smaller(end * per_task, args.rows);
  if (args.logarithmic) {
    softmax_backward_rows<LogSoftmaxGradient>(args, begin * per_task, stop);
  } else {
    softmax_backward_rows<SoftmaxGradient>(args, begin * per_task, stop);
  }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
