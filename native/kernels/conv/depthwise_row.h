// Depthwise, a row of windows: each result is the sum that gemm.h defines over K = taps. Neighbouring windows run side by side, or pass by
// weights in registers, or meet one row of taps after the other.
#pragma once
#include "depthwise_by_rows.h"

namespace lanewise::LW_ISA {
namespace {

// Windows of a row in one task, and weights that stay in the L1 cache (16 KB) while they meet them.
constexpr int64_t kTaskWindows = 64, kDepthwiseWeights = 4096;
static_assert(kDepthwiseWeights * sizeof(float) <= kScratchBytes);

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

// Three taps of a row are taken at once where neighbouring windows see the same pixels in them.
constexpr int64_t kTriple = 3;

// The taps of one depth block for neighbouring windows: what the first one sees, the distance to the next one's, the weight; of one tap, or
// of three whose pixels are as far apart as windows and whose weights are `across` apart.
struct DepthwiseTaps {
  int64_t count, across;
  struct {
    const float* x;
    int64_t step;
    const float* w;
    bool triple;
  } tap[kMaxDepth];
};

// Taps [p, p + count) of row-major order from window `j` on, for channels from `c` on. Where one lies outside it sees `zeros`; unless
// `alone`, that windows see no column outside is known.
LW_INLINE void list_taps(const DepthwiseRow& row, int64_t p, int64_t count, int64_t j, int64_t c, bool alone, const float* zeros,
                         DepthwiseTaps& taps) {
  const Window& v = row.window;
  const DepthwiseWeights& weights = row.weights;
  const int64_t left = v.first_w + j * v.stride_w;
  const bool shared = !alone && v.step_w == v.stride_w;
  taps.count = 0;
  taps.across = weights.across;
  int64_t kh = v.kw == 0 ? 0 : p / v.kw, kw = p - kh * v.kw;
  for (int64_t taken; count > 0; count -= taken) {
    const int64_t y = row.top + kh * v.step_h, x = left + kw * v.step_w;
    const bool inside = y >= 0 && y < v.h && (!alone || (x >= 0 && x < v.w));
    taken = inside && shared && smaller(count, v.kw - kw) >= kTriple ? kTriple : 1;
    taps.tap[taps.count++] = {inside ? row.image + ((y * v.w + x) * v.pitch + c) : zeros, inside ? v.stride_w * v.pitch : 0,
                              weights.first + (kh * weights.down + kw * weights.across + c), taken == kTriple};
    kw += taken;
    if (kw == v.kw) {
      kw = 0;
      ++kh;
    }
  }
}

// What the row below reads first and where it writes, fetched while this one is computed: for a window and the distance to the next one's.
// With strides it reads a row and a pixel more.
struct DepthwiseAhead {
  const float* x;  // null: nothing is fetched
  int64_t step, out;
  bool strided;
  int64_t row, pixel;
};

// What happens to a block's sum: it is added to `out`, biased, cut at 0.
struct DepthwiseOut {
  float* out;
  int64_t step;
  bool add, relu;
  const float* bias;  // or null
};

// kWindows windows from the j-th of the list's on, kVectors vectors of channels from `c` on.
template <int kWindows, int kVectors, bool kWhole>
LW_INLINE void sum_taps(const DepthwiseTaps& taps, int64_t j, int64_t c, int lanes, const DepthwiseOut& to, const DepthwiseAhead& ahead) {
  F32 sum[kWindows][kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kWindows; ++i)
#pragma GCC unroll 8
    for (int n = 0; n < kVectors; ++n) sum[i][n] = zero();
  float* const out = to.out + (j * to.step + c);
  if (ahead.x != nullptr) {
    const float* const x = ahead.x + (j * ahead.step + c);
#pragma GCC unroll 8
    for (int i = 0; i < kWindows; ++i)
#pragma GCC unroll 8
      for (int n = 0; n < kVectors; ++n) {
        const float* const at = x + i * ahead.step + n * kLanes;
        prefetch_l2(at);
        prefetch_l2(out + ahead.out + i * to.step + n * kLanes);
        if (ahead.strided) {
          prefetch_l2(at + ahead.pixel);
          prefetch_l2(at + ahead.row);
          prefetch_l2(at + ahead.row + ahead.pixel);
        }
      }
  }
  for (int64_t t = 0; t < taps.count; ++t) {
    const int64_t step = taps.tap[t].step;
    const float *const x = taps.tap[t].x + (j * step + c), *const w = taps.tap[t].w + c;
    if (taps.tap[t].triple) {
#pragma GCC unroll 8
      for (int n = 0; n < kVectors; ++n) {
        F32 weight[kTriple], pixel[kTriple];
#pragma GCC unroll 3
        for (int q = 0; q < kTriple; ++q) weight[q] = load_lanes<kWhole>(w + q * taps.across + n * kLanes, lanes);
#pragma GCC unroll 2
        for (int q = 1; q < kTriple; ++q) pixel[q] = load_lanes<kWhole>(x + (q - 1) * step + n * kLanes, lanes);
#pragma GCC unroll 8
        for (int i = 0; i < kWindows; ++i) {
          pixel[0] = pixel[1], pixel[1] = pixel[2];
          pixel[2] = load_lanes<kWhole>(x + (i + kTriple - 1) * step + n * kLanes, lanes);
#pragma GCC unroll 3
          for (int q = 0; q < kTriple; ++q) sum[i][n] = fma(pixel[q], weight[q], sum[i][n]);
        }
      }
      continue;
    }
#pragma GCC unroll 8
    for (int n = 0; n < kVectors; ++n) {
      const F32 weight = load_lanes<kWhole>(w + n * kLanes, lanes);
#pragma GCC unroll 8
      for (int i = 0; i < kWindows; ++i) sum[i][n] = fma(load_lanes<kWhole>(x + i * step + n * kLanes, lanes), weight, sum[i][n]);
    }
  }
#pragma GCC unroll 8
  for (int n = 0; n < kVectors; ++n) {
    const F32 bias = to.bias != nullptr ? load_lanes<kWhole>(to.bias + c + n * kLanes, lanes) : zero();
#pragma GCC unroll 8
    for (int i = 0; i < kWindows; ++i) {
      float* const p = out + i * to.step + n * kLanes;
      if (to.add) sum[i][n] = add(load_lanes<kWhole>(p, lanes), sum[i][n]);
      if (to.bias != nullptr) sum[i][n] = add(sum[i][n], bias);
      if (to.relu) sum[i][n] = max_second(zero(), sum[i][n]);
      store_lanes<kWhole>(p, sum[i][n], lanes);
    }
  }
}

template <int kWindows, int kVectors>
LW_INLINE int64_t sum_whole_vectors(const DepthwiseTaps& taps, int64_t j, int64_t c, int64_t channels, const DepthwiseOut& to,
                                    const DepthwiseAhead& ahead) {
  for (; c + kVectors * kLanes <= channels; c += kVectors * kLanes) sum_taps<kWindows, kVectors, true>(taps, j, c, kLanes, to, ahead);
  return c;
}

// Few windows take several vectors, so that 4 to 8 independent chains hide the latency of two FMA pipes.
template <int kWindows>
void sum_windows(const DepthwiseTaps& taps, int64_t j, int64_t channels, const DepthwiseOut& to, const DepthwiseAhead& ahead) {
  int64_t c = 0;
  if constexpr (kWindows <= 2) c = sum_whole_vectors<kWindows, 4>(taps, j, c, channels, to, ahead);
  c = sum_whole_vectors<kWindows, 2>(taps, j, c, channels, to, ahead);
  c = sum_whole_vectors<kWindows, 1>(taps, j, c, channels, to, ahead);
  if (c < channels) sum_taps<kWindows, 1, false>(taps, j, c, static_cast<int>(channels - c), to, ahead);
}

// From window `j` on, whose columns lie inside, channels from `c` on.
LW_INLINE DepthwiseAhead fetch_below(const DepthwiseRow& row, int64_t j, int64_t c) {
  const Window& v = row.window;
  const int64_t y = row.top + (v.kh - 1) * v.step_h + 1;
  if (!row.far || v.kw == 0 || y < 0 || y >= v.h) return {};
  const int64_t step = v.stride_w * v.pitch, column = v.first_w + j * v.stride_w + (v.kw - 1) * v.step_w;
  const float* const x = row.image + ((y * v.w + column) * v.pitch + c);
  const bool another = v.stride_h > 1 && y + 1 < v.h;
  return {x, step, row.out_below, v.stride_h > 1 || v.stride_w > 1, another ? v.w * v.pitch : 0, v.stride_w > 1 ? v.pitch : 0};
}

// Vectors of channels taken at a time with `taps` registers for each: neighbouring lines of the cache, so that the loads of images beyond
// the L2 cache overlap.
constexpr int vectors_beside(int taps) { return 4 * (taps + 1) < kVectorRegisters ? 4 : 2 * (taps + 1) < kVectorRegisters ? 2 : 1; }

// Windows [begin, end) of a row whose kRows × kColumns taps lie inside the image but for columns, for kVectors vectors of channels from `c`
// on: the weights stay in registers while the windows pass by.
template <int kRows, int kColumns, int kVectors>
LW_INLINE void pass_windows(const DepthwiseRow& row, int64_t begin, const Between& inside, int64_t end, int64_t c) {
  const Window& v = row.window;
  F32 weight[kRows][kColumns][kVectors], bias[kVectors];
#pragma GCC unroll 4
  for (int n = 0; n < kVectors; ++n) {
    bias[n] = row.bias != nullptr ? load(row.bias + c + n * kLanes) : zero();
#pragma GCC unroll 3
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 3
      for (int t = 0; t < kColumns; ++t)
        weight[r][t][n] = load(row.weights.first + r * row.weights.down + t * row.weights.across + c + n * kLanes);
  }
  const int64_t down = v.step_h * v.w * v.pitch, across = v.step_w * v.pitch, next = v.stride_w * v.pitch, out_next = row.out_step;
  const int64_t left = v.first_w + begin * v.stride_w;
  const bool has_bias = row.bias != nullptr, relu = row.relu;
  const float* const rows = row.image + row.top * v.w * v.pitch + c;
  float* out = row.out + begin * row.out_step + c;
  F32 sum[kVectors];
  const auto clear = [&]() __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) sum[n] = zero();
  };
  const auto add_tap = [&](const float* tap, int r, int t) __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) sum[n] = fma(load(tap + n * kLanes), weight[r][t][n], sum[n]);
  };
  const auto finish = [&]() __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) {
      if (has_bias) sum[n] = add(sum[n], bias[n]);
      if (relu) sum[n] = max_second(zero(), sum[n]);
      store(out + n * kLanes, sum[n]);
    }
    out += out_next;
  };
  const auto window_at_edge = [&](int64_t j) __attribute__((always_inline)) {
    const int64_t column = left + (j - begin) * v.stride_w;
    clear();
#pragma GCC unroll 3
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 3
      for (int t = 0; t < kColumns; ++t) {
        const int64_t at = column + t * v.step_w;
        add_tap(at >= 0 && at < v.w ? rows + (r * down + at * v.pitch) : kOutside, r, t);
      }
    finish();
  };
  for (int64_t j = begin; j < inside.begin; ++j) window_at_edge(j);
  const bool fetches = row.far && v.stride_h == 1 && v.stride_w == 1 && out_next == v.pitch;
  const int64_t below = (kRows - 1) * down + (kColumns - 1) * across + v.w * v.pitch, out_below = row.out_below;
  const float* x = inside.begin < inside.end ? rows + (left + (inside.begin - begin) * v.stride_w) * v.pitch : rows;
  for (int64_t j = inside.begin; j < inside.end; ++j, x += next) {
    if (fetches) {
#pragma GCC unroll 4
      for (int n = 0; n < kVectors; ++n) {
        prefetch_l2(x + below + n * kLanes);
        prefetch_l2(out + out_below + n * kLanes);
      }
    }
    clear();
    const float* seen = x;
#pragma GCC unroll 3
    for (int r = 0; r < kRows; ++r, seen += down) {
      asm("" : "+r"(seen));  // a pointer for each row: the compiler would keep an offset for each tap, more than there are registers
#pragma GCC unroll 3
      for (int t = 0; t < kColumns; ++t) add_tap(seen + t * across, r, t);
    }
    finish();
  }
  for (int64_t j = inside.end; j < end; ++j) window_at_edge(j);
}

template <int kRows, int kColumns>
void pass_windows(const DepthwiseRow& row, int64_t begin, const Between& inside, int64_t end, int64_t channels) {
  constexpr int kVectors = vectors_beside(kRows * kColumns);
  int64_t c = 0;
  for (; c + kVectors * kLanes <= channels; c += kVectors * kLanes) pass_windows<kRows, kColumns, kVectors>(row, begin, inside, end, c);
  if constexpr (kVectors > 2)
    for (; c + 2 * kLanes <= channels; c += 2 * kLanes) pass_windows<kRows, kColumns, 2>(row, begin, inside, end, c);
  for (; c < channels; c += kLanes) pass_windows<kRows, kColumns, 1>(row, begin, inside, end, c);
}

using PassWindows = void (*)(const DepthwiseRow&, int64_t begin, const Between& inside, int64_t end, int64_t channels);
// By rows and columns of taps: those of rows and squares, and of the phases of a gradient with stride 2.
constexpr PassWindows kPassWindows[kMostTaps][kMostTaps] = {{pass_windows<1, 1>, pass_windows<1, 2>, pass_windows<1, 3>},
                                                            {pass_windows<2, 1>, pass_windows<2, 2>, nullptr},
                                                            {nullptr, nullptr, pass_windows<3, 3>}};

// Rows of windows whose taps see no row outside. Many channels are taken in whole lines of the cache or not at all: half a line at a time,
// as AVX2 would with nine taps, takes 1.5 times as long.
LW_INLINE bool pass_suits(const DepthwiseRow& row) {
  const Window& v = row.window;
  const bool fits = v.kh > 0 && v.kh <= kMostTaps && v.kw > 0 && v.kw <= kMostTaps && kPassWindows[v.kh - 1][v.kw - 1] != nullptr;
  const bool lines = vectors_beside(static_cast<int>(v.kh * v.kw)) * kLanes >= kLine || v.pitch <= 2 * kLine;
  return fits && lines && row.top >= 0 && row.top + (v.kh - 1) * v.step_h < v.h;
}

// Windows [begin, end) of all channels.
void depthwise_row(const DepthwiseRow& row, int64_t begin, int64_t end, float* scratch) {
  const Window& v = row.window;
  const Between between = between_edges(v, 0, v.kw);
  const int64_t first = larger(begin, smaller(end, between.begin)), last = larger(first, smaller(end, between.end));
  const bool by_rows = rows_suit(row);
  const int64_t passed = by_rows || pass_suits(row) ? v.pitch / kLanes * kLanes : 0;
  if (by_rows) {
    windows_by_rows(row, begin, end, passed);
  } else if (passed > 0) {
    kPassWindows[v.kh - 1][v.kw - 1](row, begin, {first, last}, end, passed);
  }
  const int64_t k = v.kh * v.kw, step = larger(depth_block(k), 1);
  const int64_t most = smaller(larger(kDepthwiseWeights / larger(k, 1) / kLine, 1) * kLine, v.pitch);
  for (int64_t c = 0; c < most; c += kLanes) store(scratch + c, zero());
  DepthwiseTaps taps;
  for (int64_t c = passed; c < v.pitch; c += most)
    for (int64_t p = 0; p == 0 || p < k; p += step) {
      const int64_t channels = smaller(most, v.pitch - c), count = smaller(step, k - p);
      const bool is_last = p + step >= k;
      const auto out = [&](int64_t j) -> DepthwiseOut {
        const float* const bias = is_last && row.bias != nullptr ? row.bias + c : nullptr;
        return {row.out + (j * row.out_step + c), row.out_step, p > 0, is_last && row.relu, bias};
      };
      const auto alone = [&](int64_t j) {
        list_taps(row, p, count, j, c, true, scratch, taps);
        sum_windows<1>(taps, 0, channels, out(j), {});
      };
      for (int64_t j = begin; j < first; ++j) alone(j);
      if (first < last) {
        list_taps(row, p, count, first, c, false, scratch, taps);
        const DepthwiseOut to = out(first);
        const DepthwiseAhead ahead = is_last ? fetch_below(row, first, c) : DepthwiseAhead{};
        const int64_t windows = last - first;
        int64_t j = 0;
        for (; j + 4 <= windows; j += 4) sum_windows<4>(taps, j, channels, to, ahead);
        if (j + 2 <= windows) sum_windows<2>(taps, j, channels, to, ahead), j += 2;
        if (j < windows) sum_windows<1>(taps, j, channels, to, ahead);
      }
      for (int64_t j = last; j < end; ++j) alone(j);
    }
}

}  // namespace
}  // namespace lanewise::LW_ISA
