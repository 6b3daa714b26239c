// Softmax cross-entropy against class ids, from logits [rows, columns].
//
// forward:  loss[r] = log(Σ e^(x − max)) − (x[id] − max)            0 where ids[r] = ignore_index or is bad
// backward: dlogits[r] = dloss[r] · (softmax(x) − onehot(id))       zeros there; overwritten, may equal logits
// Returns the first bad row of the range. Sums by lanes.h; error of the loss as that of log-softmax.
#pragma once

#include "args.h"
#include "lanes.h"
#include "short_rows.h"
#include "softmax.h"

namespace lanewise::LW_ISA {
namespace {

// The ids of up to kLanes rows: which of them count, and as which class. Each is read once: another thread may change shared memory.
struct LossTargets {
  int32_t index[kLanes];         // −1: ignored or bad
  alignas(64) float id[kLanes];  // the same, rounded beyond 2^24
  int64_t bad;                   // the first bad row, or kOk

  LossTargets(const int32_t* ids, int64_t first, int rows, int64_t columns, int32_t ignore_index) : bad(kOk) {
    for (int k = 0; k < kLanes; ++k) {
      index[k] = -1;
      id[k] = -1.0f;
    }
    const volatile int32_t* shared = ids + first;
    for (int k = 0; k < rows; ++k) {
      const int32_t target = shared[k];
      if (target == ignore_index) continue;
      if (target >= 0 && target < columns) {
        index[k] = target;
        id[k] = static_cast<float>(target);
      } else if (bad == kOk) {
        bad = first + k;
      }
    }
  }
  bool counts(int k) const { return index[k] >= 0; }
};

int64_t cross_entropy_tasks(const CrossEntropyArgs& args) { return divide_up(args.rows, softmax_rows_per_task(args.columns)); }

int64_t cross_entropy(const CrossEntropyArgs& args, int64_t begin, int64_t end, void*) {
  const int64_t per_task = softmax_rows_per_task(args.columns);
  const int64_t stop = smaller(end * per_task, args.rows);
  int64_t bad = kOk;
  for (int64_t first = begin * per_task; first < stop; first += kLanes) {
    const int rows = static_cast<int>(smaller(stop - first, kLanes));
    const LossTargets targets(args.ids, first, rows, args.columns, args.ignore_index);
    if (bad == kOk) bad = targets.bad;
    const float* logits = args.logits + first * args.columns;
    alignas(64) float max[kLanes] = {}, sum[kLanes] = {}, target[kLanes] = {};
    if (args.columns <= kLanes) {
      const int columns = static_cast<int>(args.columns);
      F32 x[kLanes];
      load_columns(logits, rows, columns, x);
      const F32 m = fold_columns<OrderedMaxFold>(x, columns);
      for (int c = 0; c < columns; ++c) x[c] = exp(sub(x[c], m));
      store(max, m);
      store(sum, fold_columns<SumFold>(x, columns));
    }
    for (int k = 0; k < rows; ++k) {
      if (!targets.counts(k)) continue;
      const float* x = logits + k * args.columns;
      target[k] = x[targets.index[k]];
      if (args.columns <= kLanes) continue;
      max[k] = row_max(x, args.columns);
      sum[k] = fold_row<SumFold>(args.columns, ReadExp{x, set1(max[k])});
    }
    const F32 loss = sub(log(load(sum)), sub(load(target), load(max)));
    store_n(args.loss + first, select(less_equal(zero(), load(targets.id)), loss, zero()), rows);
  }
  return bad;
}

static void cross_entropy_backward_row(const float* x, int64_t columns, int32_t id, float dloss, float* dx) {
  const F32 max = set1(row_max(x, columns));
  const float inverse = 1.0f / fold_row<SumFold>(columns, ReadExpStored{x, max, dx});
  const float target = dx[id] * inverse - 1.0f;
  const F32 scale = set1(inverse), scale_loss = set1(dloss);
  map_row(
      dx, columns, dx, [&](F32 e) __attribute__((always_inline)) { return mul(mul(e, scale), scale_loss); });
  dx[id] = target * dloss;
}

static void cross_entropy_backward_short(const float* logits, int rows, int columns, const LossTargets& targets, const float* dloss,
                                         float* dlogits) {
  F32 x[kLanes];
  load_columns(logits, rows, columns, x);
  const F32 max = fold_columns<OrderedMaxFold>(x, columns);
  for (int c = 0; c < columns; ++c) x[c] = exp_nonpositive(sub(x[c], max));
  const F32 scale = div(set1(1.0f), fold_columns<SumFold>(x, columns));
  const F32 ids = load(targets.id), scale_loss = load_n(dloss, rows);
  const Mask counts = less_equal(zero(), ids);
  for (int c = 0; c < columns; ++c) {
    const F32 p = mul(x[c], scale);
    const F32 difference = select(equal(ids, set1(static_cast<float>(c))), sub(p, set1(1.0f)), p);
    x[c] = select(counts, mul(difference, scale_loss), zero());
  }
  store_columns(x, rows, columns, dlogits);
}

int64_t cross_entropy_backward_tasks(const CrossEntropyBackwardArgs& args) {
  return divide_up(args.rows, softmax_rows_per_task(args.columns));
}

int64_t cross_entropy_backward(const CrossEntropyBackwardArgs& args, int64_t begin, int64_t end, void*) {
  const int64_t per_task = softmax_rows_per_task(args.columns);
  const int64_t stop = smaller(end * per_task, args.rows);
  int64_t bad = kOk;
  for (int64_t first = begin * per_task; first < stop; first += kLanes) {
    const int rows = static_cast<int>(smaller(stop - first, kLanes));
    const LossTargets targets(args.ids, first, rows, args.columns, args.ignore_index);
    if (bad == kOk) bad = targets.bad;
    const float* logits = args.logits + first * args.columns;
    float* dlogits = args.dlogits + first * args.columns;
    if (args.columns <= kLanes) {
      cross_entropy_backward_short(logits, rows, static_cast<int>(args.columns), targets, args.dloss + first, dlogits);
      continue;
    }
    for (int k = 0; k < rows; ++k) {
      const int64_t at = k * args.columns;
      if (targets.counts(k)) {
        cross_entropy_backward_row(logits + at, args.columns, targets.index[k], args.dloss[first + k], dlogits + at);
      } else {
        map_row(
            logits + at, args.columns, dlogits + at, [](F32) __attribute__((always_inline)) { return zero(); });
      }
    }
  }
  return bad;
}

}  // namespace
}  // namespace lanewise::LW_ISA
