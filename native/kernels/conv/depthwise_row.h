// Depthwise: every channel has a kernel of its own. Channels fill the vectors, and neighbouring windows of a row run side by side.
//
// Each element is the sum that gemm.h defines over K = taps: those outside the image are multiplied with 0 as well, so -0, infinities and
// NaN come out as those of the product do.
#pragma once
#include "shape.h"

namespace lanewise::LW_ISA {
namespace {

// Below so many channels the product of each is faster, as most of a vector would be empty.
constexpr int64_t kFewChannels = 2;
LW_INLINE bool is_depthwise(const ConvShape& s) { return s.groups == s.c && s.oc == s.c && s.c >= kFewChannels; }

// Windows of a row in one task, and weights that stay in the L1 cache (16 KB) while they meet them.
constexpr int64_t kTaskWindows = 64, kDepthwiseWeights = 4096;

// What a tap outside the image reads.
alignas(64) constexpr float kOutside[kLanes] = {};

// Of tap (kh, kw) of the window: first + kh·down + kw·across, [C].
struct DepthwiseWeights {
  const float* first;
  int64_t down, across;
};

// A row of windows of one image.
struct DepthwiseRow {
  const Window& window;
  const DepthwiseWeights& weights;
  const float* image;
  int64_t top;        // the row of the first tap
  const float* bias;  // or null
  bool relu;
  float* out;  // of window 0, [C]
  int64_t out_step;
};

// The windows that see no column outside the image with `taps` taps from `tap` on.
struct Between {
  int64_t begin, end;
};
LW_INLINE Between between_edges(const Window& v, int64_t tap, int64_t taps) {
  const int64_t left = v.first_w + tap * v.step_w, right = v.w - 1 - (left + (taps - 1) * v.step_w);
  const int64_t begin = left >= 0 ? 0 : smaller(v.ow, v.stride_w == 1 ? -left : divide_up(-left, v.stride_w));
  const int64_t end = right < 0 ? 0 : smaller(v.ow, (v.stride_w == 1 ? right : right / v.stride_w) + 1);
  return {begin, larger(begin, end)};
}

template <bool kWhole>
LW_INLINE F32 read_channels(const float* p, int lanes) {
  return kWhole ? load(p) : load_n(p, lanes);
}

// kWindows windows from `j` on, a vector of channels from `c` on. Unless kInside, columns may lie outside the image.
template <int kWindows, bool kInside, bool kWhole>
LW_INLINE void windows_of_channels(const DepthwiseRow& row, int64_t j, int64_t c, int lanes) {
  const Window& v = row.window;
  const int64_t k = v.kh * v.kw, step = depth_block(k), left = v.first_w + j * v.stride_w;
  F32 total[kWindows];
#pragma GCC unroll 8
  for (int i = 0; i < kWindows; ++i) total[i] = zero();
  int64_t kh = 0, kw = 0;
  for (int64_t p = 0; p < k; p += step) {
    F32 sum[kWindows];
#pragma GCC unroll 8
    for (int i = 0; i < kWindows; ++i) sum[i] = zero();
    for (int64_t rest = smaller(step, k - p); rest > 0;) {
      const int64_t taps = smaller(rest, v.kw - kw), y = row.top + kh * v.step_h;
      const bool inside = y >= 0 && y < v.h;
      const float* w = row.weights.first + (kh * row.weights.down + kw * row.weights.across + c);
      if (kInside) {
        const float* x = inside ? row.image + ((y * v.w + left + kw * v.step_w) * v.pitch + c) : kOutside;
        const int64_t across = inside ? v.stride_w * v.pitch : 0, next = inside ? v.step_w * v.pitch : 0;
        for (int64_t t = 0; t < taps; ++t, x += next, w += row.weights.across) {
          const F32 weight = read_channels<kWhole>(w, lanes);
#pragma GCC unroll 8
          for (int i = 0; i < kWindows; ++i) sum[i] = fma(read_channels<kWhole>(x + i * across, lanes), weight, sum[i]);
        }
      } else {
        const float* const x = inside ? row.image + (y * v.w * v.pitch + c) : kOutside;
        int64_t column = left + kw * v.step_w;
        for (int64_t t = 0; t < taps; ++t, column += v.step_w, w += row.weights.across) {
          const float* const at = inside && column >= 0 && column < v.w ? x + column * v.pitch : kOutside;
          sum[0] = fma(read_channels<kWhole>(at, lanes), read_channels<kWhole>(w, lanes), sum[0]);
        }
      }
      rest -= taps;
      kw += taps;
      if (kw == v.kw) {
        kw = 0;
        ++kh;
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < kWindows; ++i) total[i] = p == 0 ? sum[i] : add(total[i], sum[i]);
  }
  if (row.bias != nullptr) {
    const F32 bias = read_channels<kWhole>(row.bias + c, lanes);
#pragma GCC unroll 8
    for (int i = 0; i < kWindows; ++i) total[i] = add(total[i], bias);
  }
  if (row.relu) {
#pragma GCC unroll 8
    for (int i = 0; i < kWindows; ++i) total[i] = max_second(zero(), total[i]);
  }
  float* const out = row.out + (j * row.out_step + c);
#pragma GCC unroll 8
  for (int i = 0; i < kWindows; ++i) {
    if (kWhole) {
      store(out + i * row.out_step, total[i]);
    } else {
      store_n(out + i * row.out_step, total[i], lanes);
    }
  }
}

// Channels [begin, end).
template <int kWindows, bool kInside>
void windows_beside(const DepthwiseRow& row, int64_t j, int64_t begin, int64_t end) {
  int64_t c = begin;
  for (; c + kLanes <= end; c += kLanes) windows_of_channels<kWindows, kInside, true>(row, j, c, kLanes);
  if (c < end) windows_of_channels<kWindows, kInside, false>(row, j, c, static_cast<int>(end - c));
}

// Windows [begin, end) of all channels.
void depthwise_row(const DepthwiseRow& row, int64_t begin, int64_t end) {
  const Window& v = row.window;
  const Between between = between_edges(v, 0, v.kw);
  const int64_t first = larger(begin, smaller(end, between.begin)), last = larger(first, smaller(end, between.end));
  const int64_t channels = larger(kDepthwiseWeights / larger(v.kh * v.kw, 1) / kLine, 1) * kLine;
  for (int64_t c = 0; c < v.pitch; c += channels) {
    const int64_t beyond = smaller(v.pitch, c + channels);
    for (int64_t j = begin; j < first; ++j) windows_beside<1, false>(row, j, c, beyond);
    int64_t j = first;
    for (; j + 8 <= last; j += 8) windows_beside<8, true>(row, j, c, beyond);
    if (j + 4 <= last) windows_beside<4, true>(row, j, c, beyond), j += 4;
    if (j + 2 <= last) windows_beside<2, true>(row, j, c, beyond), j += 2;
    if (j < last) windows_beside<1, true>(row, j, c, beyond);
    for (j = last; j < end; ++j) windows_beside<1, false>(row, j, c, beyond);
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
