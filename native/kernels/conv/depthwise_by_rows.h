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

// For kVectors vectors of channels from `c` on. All but the first kShift columns that a window sees are those that its neighbour sees
// first.
template <int kColumns, int kShift, int kVectors>
LW_INLINE void add_taps(const RowPart& part, int64_t c) {
  constexpr int kShared = kColumns - kShift;
  const TapRow& taps = part.taps;
  const Window& v = taps.window;
  F32 weight[kColumns][kVectors], shared[kShared + 1][kVectors];
#pragma GCC unroll 3
  for (int t = 0; t < kColumns; ++t)
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) weight[t][n] = load(part.weights + t * part.across + c + n * kLanes);
  Pixels pixels = pixels_of(taps, c);
#pragma GCC unroll 2
  for (int t = 0; t < kShared; ++t)
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) shared[t][n] = load(seen_through(pixels, t) + n * kLanes);
  float* out = part.out + c;
  const float* before = part.starts ? kOutside : out;
  const int64_t step = part.out_step, step_before = part.starts ? 0 : step;
  const int64_t below = v.stride_h * v.w * v.pitch, out_below = part.out_below;
  const bool fetches = kVectors * kLanes <= kLine && taps.fetches;
#pragma GCC unroll 2
  for (int64_t left = taps.end - taps.begin; left > 0; --left, advance(pixels), out += step, before += step_before) {
    const float* seen[kColumns];
#pragma GCC unroll 3
    for (int t = kShared; t < kColumns; ++t) seen[t] = seen_through(pixels, t);
    // Vectors that fill more than a line of the cache at a time overlap their loads without it.
    if (fetches) {
#pragma GCC unroll 4
      for (int n = 0; n < kVectors; ++n) {
        prefetch_l2(out + out_below + n * kLanes);
#pragma GCC unroll 3
        for (int t = kShared; t < kColumns; ++t) prefetch_l2(seen[t] + below + n * kLanes);
      }
    }
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) {
      F32 pixel[kColumns], sum = load(before + n * kLanes);
#pragma GCC unroll 3
      for (int t = 0; t < kColumns; ++t) {
        pixel[t] = t < kShared ? shared[t][n] : load(seen[t] + n * kLanes);
        sum = fma(pixel[t], weight[t][n], sum);
      }
      store(out + n * kLanes, sum);
#pragma GCC unroll 2
      for (int t = 0; t < kShared; ++t) shared[t][n] = pixel[t + kShift];
    }
  }
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
void add_rows(const DepthwiseRow& row, int64_t begin, int64_t end, int64_t channels) {
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
