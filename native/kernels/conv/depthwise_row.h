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
static_assert(kDepthwiseWeights * sizeof(float) <= kScratchBytes);

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

// The taps of one depth block for neighbouring windows: what the first one sees, the distance to the next one's, the weight.
struct DepthwiseTaps {
  int64_t count;
  struct {
    const float* x;
    int64_t step;
    const float* w;
  } tap[kMaxDepth];
};

// Taps [p, p + count) of row-major order from window `j` on, for channels from `c` on. Where one lies outside it sees `zeros`; unless
// `alone`, that windows see no column outside is known.
LW_INLINE void list_taps(const DepthwiseRow& row, int64_t p, int64_t count, int64_t j, int64_t c, bool alone, const float* zeros,
                         DepthwiseTaps& taps) {
  const Window& v = row.window;
  const DepthwiseWeights& weights = row.weights;
  const int64_t left = v.first_w + j * v.stride_w;
  taps.count = count;
  int64_t kh = v.kw == 0 ? 0 : p / v.kw, kw = p - kh * v.kw;
  for (int64_t t = 0; t < count; ++t) {
    const int64_t y = row.top + kh * v.step_h, x = left + kw * v.step_w;
    const bool inside = y >= 0 && y < v.h && (!alone || (x >= 0 && x < v.w));
    taps.tap[t].x = inside ? row.image + ((y * v.w + x) * v.pitch + c) : zeros;
    taps.tap[t].step = inside ? v.stride_w * v.pitch : 0;
    taps.tap[t].w = weights.first + (kh * weights.down + kw * weights.across + c);
    if (++kw == v.kw) {
      kw = 0;
      ++kh;
    }
  }
}

// What happens to a block's sum: it is added to `out`, biased, cut at 0.
struct DepthwiseOut {
  float* out;
  int64_t step;
  bool add, relu;
  const float* bias;  // or null
};

// kWindows windows from the j-th of the list's on, a vector of channels at `c`.
template <int kWindows, bool kWhole>
LW_INLINE void sum_taps(const DepthwiseTaps& taps, int64_t j, int64_t c, int lanes, const DepthwiseOut& to) {
  F32 sum[kWindows];
#pragma GCC unroll 8
  for (int i = 0; i < kWindows; ++i) sum[i] = zero();
  for (int64_t t = 0; t < taps.count; ++t) {
    const int64_t step = taps.tap[t].step;
    const float* const x = taps.tap[t].x + (j * step + c);
    const F32 weight = read_channels<kWhole>(taps.tap[t].w + c, lanes);
#pragma GCC unroll 8
    for (int i = 0; i < kWindows; ++i) sum[i] = fma(read_channels<kWhole>(x + i * step, lanes), weight, sum[i]);
  }
  float* const out = to.out + (j * to.step + c);
  if (to.add) {
#pragma GCC unroll 8
    for (int i = 0; i < kWindows; ++i) sum[i] = add(read_channels<kWhole>(out + i * to.step, lanes), sum[i]);
  }
  if (to.bias != nullptr) {
    const F32 bias = read_channels<kWhole>(to.bias + c, lanes);
#pragma GCC unroll 8
    for (int i = 0; i < kWindows; ++i) sum[i] = add(sum[i], bias);
  }
  if (to.relu) {
#pragma GCC unroll 8
    for (int i = 0; i < kWindows; ++i) sum[i] = max_second(zero(), sum[i]);
  }
#pragma GCC unroll 8
  for (int i = 0; i < kWindows; ++i) {
    if (kWhole) {
      store(out + i * to.step, sum[i]);
    } else {
      store_n(out + i * to.step, sum[i], lanes);
    }
  }
}

template <int kWindows>
void sum_windows_beside(const DepthwiseTaps& taps, int64_t j, int64_t channels, const DepthwiseOut& to) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) sum_taps<kWindows, true>(taps, j, c, kLanes, to);
  if (c < channels) sum_taps<kWindows, false>(taps, j, c, static_cast<int>(channels - c), to);
}

// Windows [begin, end) of all channels.
void depthwise_row(const DepthwiseRow& row, int64_t begin, int64_t end, float* scratch) {
  const Window& v = row.window;
  const Between between = between_edges(v, 0, v.kw);
  const int64_t first = larger(begin, smaller(end, between.begin)), last = larger(first, smaller(end, between.end));
  const int64_t k = v.kh * v.kw, step = larger(depth_block(k), 1);
  const int64_t most = smaller(larger(kDepthwiseWeights / larger(k, 1) / kLine, 1) * kLine, v.pitch);
  for (int64_t c = 0; c < most; c += kLanes) store(scratch + c, zero());
  DepthwiseTaps taps;
  for (int64_t c = 0; c < v.pitch; c += most)
    for (int64_t p = 0; p == 0 || p < k; p += step) {
      const int64_t channels = smaller(most, v.pitch - c), count = smaller(step, k - p);
      const bool is_last = p + step >= k;
      const auto out = [&](int64_t j) {
        return DepthwiseOut{row.out + (j * row.out_step + c), row.out_step, p > 0, is_last && row.relu,
                            is_last && row.bias != nullptr ? row.bias + c : nullptr};
      };
      const auto alone = [&](int64_t j) {
        list_taps(row, p, count, j, c, true, scratch, taps);
        sum_windows_beside<1>(taps, 0, channels, out(j));
      };
      for (int64_t j = begin; j < first; ++j) alone(j);
      if (first < last) {
        list_taps(row, p, count, first, c, false, scratch, taps);
        const DepthwiseOut to = out(first);
        const int64_t windows = last - first;
        int64_t j = 0;
        for (; j + 8 <= windows; j += 8) sum_windows_beside<8>(taps, j, channels, to);
        if (j + 4 <= windows) sum_windows_beside<4>(taps, j, channels, to), j += 4;
        if (j + 2 <= windows) sum_windows_beside<2>(taps, j, channels, to), j += 2;
        if (j < windows) sum_windows_beside<1>(taps, j, channels, to);
      }
      for (int64_t j = last; j < end; ++j) alone(j);
    }
}

}  // namespace
}  // namespace lanewise::LW_ISA
