// Softmax cross-entropy against class ids, from logits [rows, columns].
//
// forward:  loss[r] = log(Σ e^(x − max)) − (x[id] − max)            0 where ids[r] = ignore_index or is bad
// backward: dlogits[r] = dloss[r] · (softmax(x) − onehot(id))       zeros there; overwritten, may equal logits
// Returns the first bad row of the range. Sums by lanes.h; error of the loss as that of log-softmax.
#pragma once

#include "args.h"
#include "lanes.h"
#include "softmax.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int kLossGroup = 64;  // rows whose logarithms are taken together

int64_t cross_entropy_tasks(const CrossEntropyArgs& args) { return ceil_div(args.rows, softmax_rows_per_task(args.columns)); }

int64_t cross_entropy(const CrossEntropyArgs& args, int64_t begin, int64_t end, void*) {
  const int64_t per_task = softmax_rows_per_task(args.columns);
  const int64_t stop = min_size(end * per_task, args.rows);
  int64_t bad = kOk;
  for (int64_t group = begin * per_task; group < stop; group += kLossGroup) {
    const int count = static_cast<int>(min_size(stop - group, kLossGroup));
    alignas(64) float sum[kLossGroup], gap[kLossGroup];
    for (int k = 0; k < count; ++k) {
      const int64_t r = group + k;
      const float* x = args.logits + r * args.columns;
      const int32_t id = args.ids[r];
      const bool inside = id >= 0 && id < args.columns;
      if (id == args.ignore_index || !inside) {
        if (id != args.ignore_index && bad == kOk) bad = r;
        sum[k] = 1.0f;  // log 1 − 0 = 0
        gap[k] = 0.0f;
        continue;
      }
      const float max = row_max(x, args.columns);
      sum[k] = fold_row<SumFold>(args.columns, ReadExp{x, set1(max)});
      gap[k] = x[id] - max;
    }
    for (int k = 0; k < count; k += kLanes) {
      const int n = static_cast<int>(min_size(count - k, kLanes));
      store_n(args.loss + group + k, sub(log(load_n(sum + k, n)), load_n(gap + k, n)), n);
    }
  }
  return bad;
}

int64_t cross_entropy_backward_tasks(const CrossEntropyBackwardArgs& args) { return ceil_div(args.rows, softmax_rows_per_task(args.columns)); }

int64_t cross_entropy_backward(const CrossEntropyBackwardArgs& args, int64_t begin, int64_t end, void*) {
  const int64_t per_task = softmax_rows_per_task(args.columns);
  const int64_t stop = min_size(end * per_task, args.rows);
  int64_t bad = kOk;
  for (int64_t r = begin * per_task; r < stop; ++r) {
    const float* x = args.logits + r * args.columns;
    float* dx = args.dlogits + r * args.columns;
    const int32_t id = args.ids[r];
    const bool inside = id >= 0 && id < args.columns;
    if (id == args.ignore_index || !inside) {
      if (id != args.ignore_index && bad == kOk) bad = r;
      map_row(x, args.columns, dx, [](F32) __attribute__((always_inline)) { return zero(); });
      continue;
    }
    const F32 max = set1(row_max(x, args.columns));
    const float inverse = 1.0f / fold_row<SumFold>(args.columns, ReadExpStored{x, max, dx});
    const float target = dx[id] * inverse - 1.0f;
    const F32 scale = set1(inverse), dloss = set1(args.dloss[r]);
    map_row(dx, args.columns, dx, [&](F32 e) __attribute__((always_inline)) { return mul(mul(e, scale), dloss); });
    dx[id] = target * args.dloss[r];
  }
  return bad;
}

}  // namespace
}  // namespace lanewise::LW_ISA
