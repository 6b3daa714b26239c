// dw where every channel has a kernel of its own: the same sums over pixels as those of the product, its depth blocks included.
//
// Pixels are taken a row at a time, and channels of that row a vector at a time: the sums of up to 3×3 taps stay in registers, and in
// scratch from row to row. A task is kTaskChannels channels of one part; neighbours are merged.
#pragma once
#include "depthwise_row.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kTaskChannels = 16;
static_assert(kTaskChannels % kLanes == 0);

// Taps side by side in registers; at most so many taps, and sums, of one rectangle wait in scratch.
constexpr int kMostTaps = 3;
constexpr int64_t kRectangleTaps = 1024, kRectangleSums = 32 * 1024;
static_assert(kRectangleTaps * kTaskChannels <= kRectangleSums && kRectangleSums * sizeof(float) <= kScratchBytes);

// What a row of taps outside the image reads.
alignas(64) constexpr float kOutside[kLanes] = {};

// Windows [begin, end) of one row of windows.
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

// Adds a piece to the sums of kRows × kColumns taps from (kh, kw) on, for a vector of channels from `c` on.
template <int kRows, int kColumns, bool kWhole>
LW_INLINE void add_piece(const RowPiece& piece, int64_t kh, int64_t kw, int64_t c, int lanes, const Sums& sums) {
  const Window& v = piece.window;
  F32 sum[kRows][kColumns];
  const float* row[kRows];
  int64_t pixel[kRows];
  const Between between = between_edges(v, kw, kColumns);
  const int64_t first = larger(piece.begin, smaller(piece.end, between.begin)), last = larger(first, smaller(piece.end, between.end));
  const int64_t left = v.first_w + kw * v.step_w;
#pragma GCC unroll 3
  for (int r = 0; r < kRows; ++r) {
    const int64_t y = piece.top + (kh + r) * v.step_h;
    const bool inside = y >= 0 && y < v.h;
    row[r] = inside ? piece.image + (y * v.w * v.pitch + c) : kOutside;
    pixel[r] = inside ? v.pitch : 0;
#pragma GCC unroll 3
    for (int t = 0; t < kColumns; ++t) sum[r][t] = load(sums.first + r * sums.down + t * sums.across);
  }
  const float* dy = piece.dy + c;
  const auto add_window_at_edge = [&](int64_t j) __attribute__((always_inline)) {
    const F32 slope = load_lanes<kWhole>(dy, lanes);
#pragma GCC unroll 3
    for (int t = 0; t < kColumns; ++t) {
      const int64_t column = left + j * v.stride_w + t * v.step_w;
      const bool inside = column >= 0 && column < v.w;
#pragma GCC unroll 3
      for (int r = 0; r < kRows; ++r) {
        const F32 x = inside ? load_lanes<kWhole>(row[r] + column * pixel[r], lanes) : zero();
        sum[r][t] = fma(x, slope, sum[r][t]);
      }
    }
    dy += v.pitch;
  };
  for (int64_t j = piece.begin; j < first; ++j) add_window_at_edge(j);
  if (first < last) {
    const float* x[kRows];
    // What the row below adds, with strides another row and another pixel.
    const int64_t ahead = (smaller(v.stride_h, v.h) * v.w + (kColumns - 1) * v.step_w) * pixel[kRows - 1];
    const bool strided = v.stride_h > 1 || v.stride_w > 1;
    const int64_t another_row = v.stride_h > 1 ? v.w * pixel[kRows - 1] : 0, another = v.stride_w > 1 ? pixel[kRows - 1] : 0;
#pragma GCC unroll 3
    for (int r = 0; r < kRows; ++r) x[r] = row[r] + (left + first * v.stride_w) * pixel[r];
    for (int64_t j = first; j < last; ++j, dy += v.pitch) {
      const F32 slope = load_lanes<kWhole>(dy, lanes);
      prefetch_l2(dy + v.ow * v.pitch);
      prefetch_l2(x[kRows - 1] + ahead);
      if (strided) {
        prefetch_l2(x[kRows - 1] + ahead - another);
        prefetch_l2(x[kRows - 1] + ahead - another_row);
        prefetch_l2(x[kRows - 1] + ahead - another_row - another);
      }
#pragma GCC unroll 3
      for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
        for (int t = 0; t < kColumns; ++t) sum[r][t] = fma(load_lanes<kWhole>(x[r] + t * v.step_w * pixel[r], lanes), slope, sum[r][t]);
        x[r] += v.stride_w * pixel[r];
      }
    }
  }
  for (int64_t j = last; j < piece.end; ++j) add_window_at_edge(j);
#pragma GCC unroll 3
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 3
    for (int t = 0; t < kColumns; ++t) store(sums.first + r * sums.down + t * sums.across, sum[r][t]);
}

template <int kRows, int kColumns>
void add_piece(const RowPiece& piece, int64_t kh, int64_t kw, int64_t c, int lanes, const Sums& sums) {
  if (lanes == kLanes) {
    add_piece<kRows, kColumns, true>(piece, kh, kw, c, lanes, sums);
  } else {
    add_piece<kRows, kColumns, false>(piece, kh, kw, c, lanes, sums);
  }
}

using AddPiece = void (*)(const RowPiece&, int64_t kh, int64_t kw, int64_t c, int lanes, const Sums&);
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
      const RowPiece piece = {window,        a.x + at.n * s.h * s.w * s.c, a.dy + (first + done) * s.c, at.i * s.stride_h - s.pad_top, at.j,
                              at.j + windows};
      for (int64_t c = 0; c < taps.channels; c += kLanes) {
        const int lanes = static_cast<int>(smaller(kLanes, taps.channels - c));
        for (int64_t i = 0, rows; i < taps.rows; i += rows) {
          rows = tile_taps(taps.rows - i);
          for (int64_t j = 0, columns; j < taps.columns; j += columns) {
            columns = tile_taps(taps.columns - j);
            const Sums sums = {scratch + (i * taps.columns + j) * width + c, taps.columns * width, width};
            kAddPiece[rows - 1][columns - 1](piece, taps.kh + i, taps.kw + j, taps.c + c, lanes, sums);
          }
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
