// dw where every channel has a kernel of its own: the same sums over pixels as those of the product, its depth blocks included.
//
// Pixels are taken a row at a time, and channels of that row a few vectors at a time: the sums of up to 3 taps of a row stay in registers
// with the pixels that neighbouring windows share, and in scratch from row to row. A task is kTaskChannels channels of one part; neighbours
// are merged.
//
// Where windows move by one row and images lie beyond the L2 cache, the last row of taps goes first: it alone meets pixels and dy that are
// both new, whose loads overlap. Vectors that fill no more than a line of the cache at a time have the next ones fetched.
#pragma once
#include "depthwise_row.h"

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
  bool far;  // beyond the L2 cache
};

// What a row of taps meets in a piece.
struct TapRow {
  const RowPiece& piece;
  const float* pixels;        // the row of the image, or null where it lies outside
  int64_t left, first, last;  // column of the first tap in window `begin`; windows [first, last) see no column outside
  float* sums;                // of the first tap, [channels]
  int64_t across;             // to those of the next tap
  bool fetches;               // what the windows below meet first
};

// Vectors of channels taken at a time: each has the sums and the pixels of its taps, and dy.
constexpr int vectors_of(int taps) { return 4 * (2 * taps + 1) <= kVectorRegisters ? 4 : 2; }

// Adds a piece to the sums of kColumns taps for kVectors vectors of channels from `c` on. All but the first kShift columns that a window
// sees are those that its neighbour sees first.
template <int kColumns, int kShift, int kVectors>
LW_INLINE void add_vectors(const TapRow& taps, int64_t c) {
  constexpr int kShared = kColumns - kShift;
  const RowPiece& piece = taps.piece;
  const Window& v = piece.window;
  F32 sum[kColumns][kVectors];
#pragma GCC unroll 3
  for (int t = 0; t < kColumns; ++t)
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) sum[t][n] = load(taps.sums + t * taps.across + c + n * kLanes);
  const bool inside = taps.pixels != nullptr;
  const int64_t across = inside ? v.step_w * v.pitch : 0, next = inside ? v.stride_w * v.pitch : 0;
  const float* x = inside ? taps.pixels + taps.left * v.pitch + c : kOutside;
  const float* dy = piece.dy + c;
  const auto add_window_at_edge = [&](int64_t j) __attribute__((always_inline)) {
#pragma GCC unroll 3
    for (int t = 0; t < kColumns; ++t) {
      const int64_t column = taps.left + (j - piece.begin) * v.stride_w + t * v.step_w;
      const float* const pixel = column >= 0 && column < v.w ? x + t * across : kOutside;
#pragma GCC unroll 4
      for (int n = 0; n < kVectors; ++n) sum[t][n] = fma(load(pixel + n * kLanes), load(dy + n * kLanes), sum[t][n]);
    }
    x += next;
    dy += v.pitch;
  };
  for (int64_t j = piece.begin; j < taps.first; ++j) add_window_at_edge(j);
  F32 shared[kShared + 1][kVectors];
#pragma GCC unroll 2
  for (int t = 0; t < kShared; ++t)
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) shared[t][n] = taps.first < taps.last ? load(x + t * across + n * kLanes) : zero();
#pragma GCC unroll 2
  for (int64_t j = taps.first; j < taps.last; ++j, x += next, dy += v.pitch) {
    if (kVectors * kLanes <= kLine && taps.fetches) {
#pragma GCC unroll 4
      for (int n = 0; n < kVectors; ++n) {
        prefetch_l2(dy + v.ow * v.pitch + n * kLanes);
#pragma GCC unroll 3
        for (int t = kShared; t < kColumns; ++t) prefetch_l2(x + v.stride_h * v.w * v.pitch + t * across + n * kLanes);
      }
    }
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) {
      const F32 slope = load(dy + n * kLanes);
      F32 pixel[kColumns];
#pragma GCC unroll 3
      for (int t = 0; t < kColumns; ++t) {
        pixel[t] = t < kShared ? shared[t][n] : load(x + t * across + n * kLanes);
        sum[t][n] = fma(pixel[t], slope, sum[t][n]);
      }
#pragma GCC unroll 2
      for (int t = 0; t < kShared; ++t) shared[t][n] = pixel[t + kShift];
    }
  }
  for (int64_t j = taps.last; j < piece.end; ++j) add_window_at_edge(j);
#pragma GCC unroll 3
  for (int t = 0; t < kColumns; ++t)
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) store(taps.sums + t * taps.across + c + n * kLanes, sum[t][n]);
}

// The same for a part of a vector.
template <int kColumns>
LW_INLINE void add_lanes(const TapRow& taps, int64_t c, int lanes) {
  const RowPiece& piece = taps.piece;
  const Window& v = piece.window;
  F32 sum[kColumns];
#pragma GCC unroll 3
  for (int t = 0; t < kColumns; ++t) sum[t] = load(taps.sums + t * taps.across + c);
  const float* dy = piece.dy + c;
  for (int64_t j = piece.begin; j < piece.end; ++j, dy += v.pitch) {
    const F32 slope = load_n(dy, lanes);
#pragma GCC unroll 3
    for (int t = 0; t < kColumns; ++t) {
      const int64_t column = taps.left + (j - piece.begin) * v.stride_w + t * v.step_w;
      const bool inside = taps.pixels != nullptr && column >= 0 && column < v.w;
      sum[t] = fma(inside ? load_n(taps.pixels + column * v.pitch + c, lanes) : zero(), slope, sum[t]);
    }
  }
#pragma GCC unroll 3
  for (int t = 0; t < kColumns; ++t) store(taps.sums + t * taps.across + c, sum[t]);
}

template <int kColumns, int kShift, int kVectors>
LW_INLINE int64_t add_whole_vectors(const TapRow& taps, int64_t c, int64_t channels) {
  for (; c + kVectors * kLanes <= channels; c += kVectors * kLanes) add_vectors<kColumns, kShift, kVectors>(taps, c);
  if constexpr (kVectors > 1) return add_whole_vectors<kColumns, kShift, kVectors / 2>(taps, c, channels);
  return c;
}

template <int kColumns, int kShift>
void add_row(const TapRow& taps) {
  const int64_t channels = taps.piece.channels;
  const int64_t c = add_whole_vectors<kColumns, kShift, vectors_of(kColumns)>(taps, 0, channels);
  if (c < channels) add_lanes<kColumns>(taps, c, static_cast<int>(channels - c));
}

using AddRow = void (*)(const TapRow&);
// By taps and by the columns between windows.
constexpr AddRow kAddRow[kMostTaps][kMostTaps] = {{add_row<1, 1>, add_row<1, 1>, add_row<1, 1>},
                                                  {add_row<2, 1>, add_row<2, 2>, add_row<2, 2>},
                                                  {add_row<3, 1>, add_row<3, 2>, add_row<3, 3>}};

// Adds a piece to the sums of `columns` taps from (kh, kw) on.
LW_INLINE void add_piece(const RowPiece& piece, int64_t kh, int64_t kw, int64_t columns, float* sums, int64_t across) {
  const Window& v = piece.window;
  const Between inside = between_edges(v, kw, columns);
  const int64_t y = piece.top + kh * v.step_h, left = v.first_w + piece.begin * v.stride_w + kw * v.step_w;
  const float* const pixels = y >= 0 && y < v.h ? piece.image + y * v.w * v.pitch : nullptr;
  const int64_t first = larger(piece.begin, smaller(piece.end, inside.begin)), last = larger(first, smaller(piece.end, inside.end));
  const int64_t shift = v.stride_w % v.step_w == 0 ? smaller(v.stride_w / v.step_w, kMostTaps) : kMostTaps;
  const bool fetches = piece.far && kh >= v.kh - v.stride_h;
  kAddRow[columns - 1][shift - 1]({piece, pixels, left, first, last, sums, across, fetches});
}

// Of `taps` that are left: tiles are as equal as can be.
LW_INLINE int64_t tile_taps(int64_t taps) { return divide_up(taps, divide_up(taps, kMostTaps)); }

// Taps and channels whose sums fit into scratch.
struct TapRectangle {
  int64_t kh, kw, rows, columns, c, channels;
};

// dw of one rectangle: the sum over pixels [first, first + k).
void tap_rectangle(const ConvBackwardWeightsArgs& a, const TapRectangle& taps, int64_t first, int64_t k, float* dw, float* scratch) {
  const ConvShape& s = a.shape;
  const Window window = input_window(s, a.x, 0);
  const bool far = far_images(s), newest_first = far && s.stride_h == 1;
  const int64_t width = divide_up(taps.channels, kLanes) * kLanes, count = taps.rows * taps.columns, step = larger(depth_block(k), 1);
  for (int64_t p = 0; p == 0 || p < k; p += step) {
    for (int64_t i = 0; i < count * width; i += kLanes) store(scratch + i, zero());
    const int64_t end = smaller(k, p + step);
    for (int64_t done = p; done < end;) {
      const Pixel at = pixel_at(first + done, s.oh, s.ow);
      const int64_t windows = smaller(s.ow - at.j, end - done);
      const float* const image = a.x + at.n * s.h * s.w * s.c + taps.c;
      const float* const dy = a.dy + (first + done) * s.c + taps.c;
      const RowPiece piece = {window, image, dy, at.i * s.stride_h - s.pad_top, at.j, at.j + windows, taps.channels, far};
      for (int64_t n = 0; n < taps.rows; ++n) {
        const int64_t i = newest_first ? taps.rows - 1 - n : n;
        for (int64_t j = 0, columns; j < taps.columns; j += columns) {
          columns = tile_taps(taps.columns - j);
          add_piece(piece, taps.kh + i, taps.kw + j, columns, scratch + (i * taps.columns + j) * width, width);
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
