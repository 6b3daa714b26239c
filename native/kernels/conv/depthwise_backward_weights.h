// dw where every channel has a kernel of its own: the same sums over pixels as those of the product, its depth blocks included.
//
// Pixels are taken a row at a time, and channels of that row a few vectors at a time: the sums of up to 3 taps of a row stay in registers
// with the pixels that neighbouring windows share, and in scratch from row to row. A task is kTaskChannels channels of one part; neighbours
// are merged.
//
// Where windows move by one row and images lie beyond the L2 cache, the last row of taps goes first: it alone meets pixels and dy that are
// both new, whose loads overlap. Vectors that fill no more than a line of the cache at a time have the next ones fetched.
#pragma once
#include "depthwise_taps.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kTaskChannels = 16;
static_assert(kTaskChannels % kLanes == 0);

// At most so many taps, and sums, of one rectangle wait in scratch.
constexpr int64_t kRectangleTaps = 1024, kRectangleSums = 32 * 1024;
static_assert(kRectangleTaps * kTaskChannels <= kRectangleSums && kRectangleSums * sizeof(float) <= kScratchBytes);

// Windows [begin, end) of one row of windows, for some channels.
struct RowPiece {
  const Window& window;
  const float* image;  // [H, W, C] of these windows
  const float* dy;     // of window `begin`, [C]
  int64_t top, begin, end, channels;
};

// Sums of neighbouring taps, [taps, channels].
struct TapSums {
  float* first;
  int64_t across;
};

// For kVectors vectors of channels from `c` on.
template <int kColumns, int kShift, int kVectors, bool kWhole>
LW_INLINE void add_piece(const RowPiece& piece, const TapRow& taps, const TapSums& sums, int64_t c, int lanes) {
  F32 sum[kColumns][kVectors];
#pragma GCC unroll 3
  for (int t = 0; t < kColumns; ++t)
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) sum[t][n] = load(sums.first + t * sums.across + c + n * kLanes);
  const float* dy = piece.dy + c;
  const int64_t pitch = piece.window.pitch, below = piece.window.ow * pitch;
  const auto add = [&](int n, const F32(&pixel)[kColumns]) __attribute__((always_inline)) {
    const F32 slope = load_lanes<kWhole>(dy + n * kLanes, lanes);
#pragma GCC unroll 3
    for (int t = 0; t < kColumns; ++t) sum[t][n] = fma(pixel[t], slope, sum[t][n]);
  };
  visit_windows<kColumns, kShift, kVectors, kWhole>(
      taps, c, lanes, add, [&](int n) __attribute__((always_inline)) { prefetch_l2(dy + below + n * kLanes); },
      [&]() __attribute__((always_inline)) { dy += pitch; });
#pragma GCC unroll 3
  for (int t = 0; t < kColumns; ++t)
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) store(sums.first + t * sums.across + c + n * kLanes, sum[t][n]);
}

template <int kColumns, int kShift>
void add_piece(const RowPiece& piece, const TapRow& taps, const TapSums& sums) {
  each_group<vectors_at_once(kColumns)>(
      0, piece.channels, [&](int64_t c, int lanes, auto group) __attribute__((always_inline)) {
        add_piece<kColumns, kShift, group.kVectors, group.kWhole>(piece, taps, sums, c, lanes);
      });
}

using AddPieceOf = void (*)(const RowPiece&, const TapRow&, const TapSums&);
// By taps and by the columns between windows.
constexpr AddPieceOf kAddPiece[kMostTaps][kMostTaps] = {{add_piece<1, 1>, add_piece<1, 1>, add_piece<1, 1>},
                                                        {add_piece<2, 1>, add_piece<2, 2>, add_piece<2, 2>},
                                                        {add_piece<3, 1>, add_piece<3, 2>, add_piece<3, 3>}};

// Taps and channels whose sums fit into scratch.
struct TapRectangle {
  int64_t kh, kw, rows, columns, c, channels;
};

// dw of one rectangle: the sum over pixels [first, first + k).
void tap_rectangle(const ConvBackwardWeightsArgs& a, const TapRectangle& taps, int64_t first, int64_t k, float* dw, float* scratch) {
  const ConvShape& s = a.shape;
  const Window window = input_window(s, a.x, 0);
  const bool far = far_images(s), newest_first = far && s.stride_h == 1;
  const int64_t shift = columns_between(window);
  const int64_t width = divide_up(taps.channels, kLanes) * kLanes, count = taps.rows * taps.columns, step = larger(depth_block(k), 1);
  for (int64_t p = 0; p == 0 || p < k; p += step) {
    for (int64_t i = 0; i < count * width; i += kLanes) store(scratch + i, zero());
    const int64_t end = smaller(k, p + step);
    for (int64_t done = p; done < end;) {
      const Pixel at = pixel_at(first + done, s.oh, s.ow);
      const int64_t windows = smaller(s.ow - at.j, end - done);
      const float* const image = a.x + at.n * s.h * s.w * s.c + taps.c;
      const float* const dy = a.dy + (first + done) * s.c + taps.c;
      const RowPiece piece = {window, image, dy, at.i * s.stride_h - s.pad_top, at.j, at.j + windows, taps.channels};
      for (int64_t n = 0; n < taps.rows; ++n) {
        const int64_t i = newest_first ? taps.rows - 1 - n : n;
        for (int64_t j = 0, columns; j < taps.columns; j += columns) {
          columns = next_taps(taps.columns - j);
          const TapRow tiles = tap_row(window, image, piece.top, piece.begin, piece.end, taps.kh + i, taps.kw + j, far);
          kAddPiece[columns - 1][shift - 1](piece, tiles, {scratch + (i * taps.columns + j) * width, width});
        }
      }
      done += windows;
    }
    for (int64_t i = 0; i < count; ++i) {
      float* const out = dw + ((taps.kh + i / taps.columns) * s.kw + taps.kw + i % taps.columns) * s.c + taps.c;
      for (int64_t c = 0; c < taps.channels; c += kLanes) {
        const int lanes = static_cast<int>(smaller(kLanes, taps.channels - c));
        const F32 sum = load(scratch + i * width + c);
        store_n(out + c, p == 0 ? sum : add(load_n(out + c, lanes), sum), lanes);
      }
    }
  }
}

int64_t depthwise_backward_weights_tasks(const ConvBackwardWeightsArgs& a) { return a.parts * divide_up(a.shape.c, kTaskChannels); }

int64_t depthwise_backward_weights(const ConvBackwardWeightsArgs& a, int64_t begin, int64_t end, float* scratch) {
  const ConvShape& s = a.shape;
  const int64_t tasks = divide_up(s.c, kTaskChannels), pixels = output_pixels(s), share = divide_up(pixels, a.parts);
  const int64_t columns = smaller(s.kw, kRectangleTaps), rows = smaller(s.kh, kRectangleTaps / columns);
  const int64_t channels = kRectangleSums / (rows * columns) / kTaskChannels * kTaskChannels;
  for (int64_t task = begin; task < end;) {
    const int64_t part = task / tasks, count = smaller(end - task, tasks - task % tasks);
    const int64_t c0 = task % tasks * kTaskChannels, c1 = smaller(s.c, c0 + count * kTaskChannels);
    const int64_t first = smaller(part * share, pixels), k = smaller(share, pixels - first);
    for (int64_t c = c0; c < c1; c += channels)
      for (int64_t kh = 0; kh < s.kh; kh += rows)
        for (int64_t kw = 0; kw < s.kw; kw += columns) {
          const TapRectangle taps = {kh, kw, smaller(rows, s.kh - kh), smaller(columns, s.kw - kw), c, smaller(channels, c1 - c)};
          tap_rectangle(a, taps, first, k, a.dw + part * s.kh * s.kw * s.c, scratch);
        }
    task += count;
  }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
