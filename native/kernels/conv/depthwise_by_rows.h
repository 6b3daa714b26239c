// Depthwise, a row of windows by rows of taps: the results wait in the cache from one row of taps to the next.
#pragma once
#include "depthwise_taps.h"

namespace lanewise::LW_ISA {
namespace {

// Neighbouring taps of a row, and the results to which they add.
struct RowPart {
  const TapRow& taps;
  const float* weights;  // [C]
  int64_t across;
  float* out;  // of the first window
  int64_t out_step, out_below;
  bool starts;  // the results are 0 before
};

// For kVectors vectors of channels from `c` on.
template <int kColumns, int kShift, int kVectors>
LW_INLINE void add_taps(const RowPart& part, int64_t c) {
  F32 weight[kColumns][kVectors];
#pragma GCC unroll 3
  for (int t = 0; t < kColumns; ++t)
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) weight[t][n] = load(part.weights + t * part.across + c + n * kLanes);
  float* out = part.out + c;
  const float* before = part.starts ? kOutside : out;
  const int64_t step = part.out_step, step_before = part.starts ? 0 : step, below = part.out_below;
  const auto add = [&](int n, const F32(&pixel)[kColumns]) __attribute__((always_inline)) {
    F32 sum = load(before + n * kLanes);
#pragma GCC unroll 3
    for (int t = 0; t < kColumns; ++t) sum = fma(pixel[t], weight[t][n], sum);
    store(out + n * kLanes, sum);
  };
  visit_windows<kColumns, kShift, kVectors, true>(
      part.taps, c, kLanes, add, [&](int n) __attribute__((always_inline)) { prefetch_l2(out + below + n * kLanes); },
      [&]() __attribute__((always_inline)) { out += step, before += step_before; });
}

template <int kColumns, int kShift>
void add_taps(const RowPart& part, int64_t channels) {
  each_group<vectors_at_once(kColumns)>(
      0, channels, [&](int64_t c, int, auto group) __attribute__((always_inline)) { add_taps<kColumns, kShift, group.kVectors>(part, c); });
}

using AddTaps = void (*)(const RowPart&, int64_t channels);
// By taps and by the columns between windows.
constexpr AddTaps kAddTaps[kMostTaps][kMostTaps] = {{add_taps<1, 1>, add_taps<1, 1>, add_taps<1, 1>},
                                                    {add_taps<2, 1>, add_taps<2, 2>, add_taps<2, 2>},
                                                    {add_taps<3, 1>, add_taps<3, 2>, add_taps<3, 3>}};

// More weights than stay in registers, or windows that share few pixels while vectors fill several lines of the cache.
LW_INLINE bool rows_suit(const DepthwiseRow& row) {
  const Window& v = row.window;
  const int64_t taps = v.kh * v.kw;
  return v.pitch >= kLanes && taps > 0 && depth_block(taps) == taps &&
         (taps > kMostTaps * kMostTaps || (v.stride_w > 1 && vectors_at_once(kMostTaps) * kLanes > kLine));
}

// Windows [begin, end) of whole vectors of channels.
void windows_by_rows(const DepthwiseRow& row, int64_t begin, int64_t end, int64_t channels) {
  const Window& v = row.window;
  const DepthwiseWeights& weights = row.weights;
  float* const out = row.out + begin * row.out_step;
  const int64_t shift = columns_between(v);
  for (int64_t kh = 0; kh < v.kh; ++kh)
    for (int64_t kw = 0, columns; kw < v.kw; kw += columns) {
      columns = next_taps(v.kw - kw);
      const TapRow taps = tap_row(v, row.image, row.top, begin, end, kh, kw, row.far);
      const float* const w = weights.first + (kh * weights.down + kw * weights.across);
      kAddTaps[columns - 1][shift - 1]({taps, w, weights.across, out, row.out_step, row.out_below, kh + kw == 0}, channels);
    }
  if (row.bias == nullptr && !row.relu) return;
  for (int64_t j = begin; j < end; ++j)
    for (int64_t c = 0; c < channels; c += kLanes) {
      float* const at = row.out + j * row.out_step + c;
      F32 sum = load(at);
      if (row.bias != nullptr) sum = add(sum, load(row.bias + c));
      store(at, row.relu ? max_second(zero(), sum) : sum);
    }
}

}  // namespace
}  // namespace lanewise::LW_ISA
