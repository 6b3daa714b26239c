// dw where every channel has a kernel of its own: the same sums over pixels as those of the product, its depth blocks included.
//
// Pixels are taken a row at a time, and channels of that row a vector or two at a time: the sums of up to 3×3 taps stay in registers, and
// in scratch from row to row. Two vectors take up to 1.7 times fewer cycles than one where images lie beyond the L2 cache. A few windows of
// all channels at a time are no faster than a row of a few channels, and up to twice as slow where the L3 cache is too small. A task is
// kTaskChannels channels of one part; neighbours are merged.
#pragma once
#include "depthwise_row.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kTaskChannels = 16;
static_assert(kTaskChannels % kLanes == 0);

// At most so many taps, and sums, of one rectangle wait in scratch.
constexpr int64_t kRectangleTaps = 1024, kRectangleSums = 32 * 1024;
static_assert(kRectangleTaps * kTaskChannels <= kRectangleSums && kRectangleSums * sizeof(float) <= kScratchBytes);

// Windows [begin, end) of one row of windows, from the first of the channels on.
struct RowPiece {
  const Window& window;
  const float* image;  // [H, W, C] of these windows
  const float* dy;     // of window `begin`, [C]
  int64_t top, begin, end;
};

// Where the sums of a tile of taps wait.
struct Sums {
  float* first;
  int64_t down, across;
};

template <int kRows, int kColumns, int kVectors>
struct TapSums {
  F32 sum[kRows][kColumns][kVectors];
};

template <int kRows, int kColumns, int kVectors>
LW_INLINE TapSums<kRows, kColumns, kVectors> load_sums(const Sums& sums, int64_t c) {
  TapSums<kRows, kColumns, kVectors> at;
#pragma GCC unroll 3
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 3
    for (int t = 0; t < kColumns; ++t)
#pragma GCC unroll 2
      for (int n = 0; n < kVectors; ++n) at.sum[r][t][n] = load(sums.first + r * sums.down + t * sums.across + c + n * kLanes);
  return at;
}

template <int kRows, int kColumns, int kVectors>
LW_INLINE void store_sums(const TapSums<kRows, kColumns, kVectors>& at, const Sums& sums, int64_t c) {
#pragma GCC unroll 3
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 3
    for (int t = 0; t < kColumns; ++t)
#pragma GCC unroll 2
      for (int n = 0; n < kVectors; ++n) store(sums.first + r * sums.down + t * sums.across + c + n * kLanes, at.sum[r][t][n]);
}

// What the tile of taps from (kh, kw) on meets in a piece.
struct TapPiece {
  const RowPiece& piece;
  int64_t kh, kw, first, last;  // windows [first, last) see no column outside
};

// Adds a piece whose rows lie inside the image to the sums of kRows × kColumns taps, for kVectors vectors of channels from `c` on.
template <int kRows, int kColumns, int kVectors>
LW_INLINE void add_inside(const TapPiece& taps, int64_t c, const Sums& sums) {
  const RowPiece& piece = taps.piece;
  const Window& v = piece.window;
  TapSums<kRows, kColumns, kVectors> at = load_sums<kRows, kColumns, kVectors>(sums, c);
  const int64_t down = v.step_h * v.w * v.pitch, across = v.step_w * v.pitch, next = v.stride_w * v.pitch;
  const int64_t top = piece.top + taps.kh * v.step_h, left = v.first_w + piece.begin * v.stride_w + taps.kw * v.step_w;
  const float* x = piece.image + (top * v.w + left) * v.pitch + c;
  const int64_t pitch = v.pitch;
  const bool fetches = v.stride_h == 1 && v.stride_w == 1;
  const float* dy = piece.dy + c;
  const auto add_tap = [&](const float* tap, int r, int t) __attribute__((always_inline)) {
#pragma GCC unroll 2
    for (int n = 0; n < kVectors; ++n) at.sum[r][t][n] = fma(load(tap + n * kLanes), load(dy + n * kLanes), at.sum[r][t][n]);
  };
  const auto add_window_at_edge = [&](int64_t j) __attribute__((always_inline)) {
    const int64_t column = left + (j - piece.begin) * v.stride_w;
#pragma GCC unroll 3
    for (int t = 0; t < kColumns; ++t) {
      const bool inside = column + t * v.step_w >= 0 && column + t * v.step_w < v.w;
      const float* const tap = inside ? x + t * across : kOutside;
      const int64_t below = inside ? down : 0;
#pragma GCC unroll 3
      for (int r = 0; r < kRows; ++r) add_tap(tap + r * below, r, t);
    }
    x += next;
    dy += v.pitch;
  };
  for (int64_t j = piece.begin; j < taps.first; ++j) add_window_at_edge(j);
  const int64_t below = (kRows - 1) * down + (kColumns - 1) * across + v.w * pitch, dy_below = v.ow * pitch;
#pragma GCC unroll 2
  for (int64_t j = taps.first; j < taps.last; ++j, x += next, dy += pitch) {
    if (fetches) {
#pragma GCC unroll 2
      for (int n = 0; n < kVectors; ++n) {
        prefetch_l2(dy + dy_below + n * kLanes);
        prefetch_l2(x + below + n * kLanes);
      }
    }
    // Column by column: a twentieth faster from beyond the L2 cache than row by row.
#pragma GCC unroll 3
    for (int t = 0; t < kColumns; ++t)
#pragma GCC unroll 3
      for (int r = 0; r < kRows; ++r) add_tap(x + r * down + t * across, r, t);
  }
  for (int64_t j = taps.last; j < piece.end; ++j) add_window_at_edge(j);
  store_sums(at, sums, c);
}

// The same wherever the rows lie, for up to a vector of channels.
template <int kRows, int kColumns>
LW_INLINE void add_anywhere(const TapPiece& taps, int64_t c, int lanes, const Sums& sums) {
  const RowPiece& piece = taps.piece;
  const Window& v = piece.window;
  TapSums<kRows, kColumns, 1> at = load_sums<kRows, kColumns, 1>(sums, c);
  const int64_t left = v.first_w + taps.kw * v.step_w;
  const float* row[kRows];
  int64_t pixel[kRows];
#pragma GCC unroll 3
  for (int r = 0; r < kRows; ++r) {
    const int64_t y = piece.top + (taps.kh + r) * v.step_h;
    const bool inside = y >= 0 && y < v.h;
    row[r] = inside ? piece.image + (y * v.w * v.pitch + c) : kOutside;
    pixel[r] = inside ? v.pitch : 0;
  }
  const float* dy = piece.dy + c;
  for (int64_t j = piece.begin; j < piece.end; ++j, dy += v.pitch) {
    const F32 slope = load_n(dy, lanes);
#pragma GCC unroll 3
    for (int t = 0; t < kColumns; ++t) {
      const int64_t column = left + j * v.stride_w + t * v.step_w;
      const bool inside = (j >= taps.first && j < taps.last) || (column >= 0 && column < v.w);
#pragma GCC unroll 3
      for (int r = 0; r < kRows; ++r) {
        const F32 x = inside ? load_n(row[r] + column * pixel[r], lanes) : zero();
        at.sum[r][t][0] = fma(x, slope, at.sum[r][t][0]);
      }
    }
  }
  store_sums(at, sums, c);
}

// Adds a piece to the sums of the taps from (kh, kw) on.
template <int kRows, int kColumns>
void add_piece(const RowPiece& piece, int64_t kh, int64_t kw, int64_t channels, const Sums& sums) {
  constexpr int kVectors = vectors_beside(kRows * kColumns);
  const Window& v = piece.window;
  const Between inside = between_edges(v, kw, kColumns);
  const int64_t top = piece.top + kh * v.step_h, first = larger(piece.begin, smaller(piece.end, inside.begin));
  const TapPiece taps = {piece, kh, kw, first, larger(first, smaller(piece.end, inside.end))};
  int64_t c = 0;
  if (top >= 0 && top + (kRows - 1) * v.step_h < v.h) {
    for (; c + kVectors * kLanes <= channels; c += kVectors * kLanes) add_inside<kRows, kColumns, kVectors>(taps, c, sums);
    if (kVectors > 1 && c + kLanes <= channels) add_inside<kRows, kColumns, 1>(taps, c, sums), c += kLanes;
  }
  for (; c < channels; c += kLanes) add_anywhere<kRows, kColumns>(taps, c, static_cast<int>(smaller(kLanes, channels - c)), sums);
}

using AddPiece = void (*)(const RowPiece&, int64_t kh, int64_t kw, int64_t channels, const Sums&);
constexpr AddPiece kAddPiece[kMostTaps][kMostTaps] = {{add_piece<1, 1>, add_piece<1, 2>, add_piece<1, 3>},
                                                      {add_piece<2, 1>, add_piece<2, 2>, add_piece<2, 3>},
                                                      {add_piece<3, 1>, add_piece<3, 2>, add_piece<3, 3>}};

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
  const int64_t width = divide_up(taps.channels, kLanes) * kLanes, count = taps.rows * taps.columns, step = larger(depth_block(k), 1);
  for (int64_t p = 0; p == 0 || p < k; p += step) {
    for (int64_t i = 0; i < count * width; i += kLanes) store(scratch + i, zero());
    const int64_t end = smaller(k, p + step);
    for (int64_t done = p; done < end;) {
      const Pixel at = pixel_at(first + done, s.oh, s.ow);
      const int64_t windows = smaller(s.ow - at.j, end - done);
      const float* const image = a.x + at.n * s.h * s.w * s.c + taps.c;
      const float* const dy = a.dy + (first + done) * s.c + taps.c;
      const RowPiece piece = {window, image, dy, at.i * s.stride_h - s.pad_top, at.j, at.j + windows};
      for (int64_t i = 0, rows; i < taps.rows; i += rows) {
        rows = tile_taps(taps.rows - i);
        for (int64_t j = 0, columns; j < taps.columns; j += columns) {
          columns = tile_taps(taps.columns - j);
          const Sums sums = {scratch + (i * taps.columns + j) * width, taps.columns * width, width};
          kAddPiece[rows - 1][columns - 1](piece, taps.kh + i, taps.kw + j, taps.channels, sums);
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
