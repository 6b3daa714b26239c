// out[r] = index of the first maximum (minimum) of row r of [rows, columns]; a NaN beats everything, the first one wins.
// columns = 0 gives 0. Exact.
#pragma once

#include "args.h"
#include "lanes.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kArgReduceTask = 16384;  // elements

template <bool kMinimum>
LW_INLINE Mask beats(F32 x, F32 best) {
  const Mask better = kMinimum ? less(x, best) : less(best, x);
  return mask_or(better, mask_and(unordered(x, x), equal(best, best)));
}
template <bool kMinimum>
LW_INLINE bool beats(float x, float best) {
  return (kMinimum ? x < best : best < x) || (x != x && best == best);
}

template <bool kMinimum>
static int32_t arg_reduce_row(const float* in, int64_t columns) {
  if (columns == 0) return 0;
  F32 best = set1(kMinimum ? kInfinity : -kInfinity);
  I32 at = set1_i(0), now = iota_i();
  // Lane l holds the best of columns l, l + kLanes, …; whole vectors only.
  int64_t i = 0;
  if (columns >= kLanes) {
    best = load(in);
    at = now;
    for (i = kLanes; i + kLanes <= columns; i += kLanes) {
      now = add_i(now, set1_i(kLanes));
      const F32 x = load(in + i);
      const Mask m = beats<kMinimum>(x, best);
      best = select(m, x, best);
      at = float_to_bits(select(m, bits_to_float(now), bits_to_float(at)));
    }
  }
  alignas(64) float value[kLanes];
  alignas(64) int32_t index[kLanes];
  store(value, best);
  store_i(index, at);
  float winner = in[0];
  int32_t result = 0;
  for (int l = 0; i > 0 && l < kLanes; ++l) {
    const bool tied = value[l] == winner || (value[l] != value[l] && winner != winner);
    if (beats<kMinimum>(value[l], winner) || (tied && index[l] < result)) {
      winner = value[l];
      result = index[l];
    }
  }
  for (; i < columns; ++i) {
    if (!beats<kMinimum>(in[i], winner)) continue;
    winner = in[i];
    result = static_cast<int32_t>(i);
  }
  return result;
}

LW_INLINE int64_t arg_reduce_rows_per_task(const ArgReduceArgs& args) { return larger(1, kArgReduceTask / (args.columns + 1)); }

int64_t arg_reduce_tasks(const ArgReduceArgs& args) { return divide_up(args.rows, arg_reduce_rows_per_task(args)); }

int64_t arg_reduce(const ArgReduceArgs& args, int64_t begin, int64_t end, void*) {
  const int64_t per_task = arg_reduce_rows_per_task(args);
  const int64_t stop = smaller(end * per_task, args.rows);
  for (int64_t r = begin * per_task; r < stop; ++r) {
    const float* in = args.in + r * args.columns;
    args.out[r] = args.minimum ? arg_reduce_row<true>(in, args.columns) : arg_reduce_row<false>(in, args.columns);
  }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
