// The product of windows with few columns of weights: the image is brought into zero-padded planes, one a channel, where the element
// (pixel, k) of neighbouring pixels is contiguous for every k: vectors of pixels meet broadcast weights, and no window is copied.
// Each element is the same sum in the same order as that of gemm.h.
#pragma once
#include "shape.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kPlaneColumns = 8, kPlaneDepth = 4096;
// Rows of the image are taken so many at a time that the planes stay in the L1 cache, or as few as one if that still fits into L2.
constexpr int64_t kNearPlanes = 8 * 1024, kMostPlanes = 80 * 1024, kPlaneSums = 64 * 1024;
constexpr int kPlaneRows = 6, kPlaneVectors = kVectorRegisters == 32 ? 4 : 2;
constexpr int64_t kPlaneBlock = kPlaneVectors * kLanes;
// Scratch: weights, offsets, planes, sums; each ends with room for a block.
constexpr int64_t kPlaneOffsets = kPlaneDepth * kLine, kPlaneStart = kPlaneOffsets + 2 * kPlaneDepth;
constexpr int64_t kPlaneSumsStart = kPlaneStart + kMostPlanes + kPlaneBlock;
static_assert(kPlaneColumns <= kLine);
static_assert(kPlaneSumsStart + kPlaneSums + kPlaneColumns * kPlaneBlock <= kProductScratch + kSpare);

LW_INLINE int64_t plane_pitch(const Window& v) { return v.ow + (v.kw - 1) * v.step_w; }
LW_INLINE int64_t plane_rows(const Window& v, int64_t rows) { return rows + (v.kh - 1) * v.step_h; }
LW_INLINE int64_t plane_size(const Window& v, int64_t rows) { return plane_rows(v, rows) * plane_pitch(v) + kLanes; }

LW_INLINE bool fits_planes(const Window& v, int64_t columns) {
  if (v.stride_h != 1 || v.stride_w != 1 || columns > kPlaneColumns || window_depth(v) > kPlaneDepth || window_depth(v) == 0) return false;
  // So small that no product below overflows.
  if (v.ow > kMostPlanes || (v.kw - 1) * v.step_w > v.ow || (v.kh - 1) * v.step_h > kMostPlanes) return false;
  return columns * plane_pitch(v) <= kPlaneSums && v.channels * plane_size(v, 1) <= kMostPlanes;
}

// Output rows taken at a time.
LW_INLINE int64_t rows_at_once(const Window& v, int64_t columns) {
  const int64_t pitch = plane_pitch(v), near = kNearPlanes / (v.channels * pitch) - plane_rows(v, 0);
  const int64_t most = (kMostPlanes / v.channels - kLanes) / pitch - plane_rows(v, 0);
  return larger(1, smaller(smaller(larger(near, 4), most), smaller(v.oh, kPlaneSums / (columns * pitch))));
}

// Columns [0, w) of one row of the image to x = at, at + 1, … of each plane, from the column `from` on, `count` of them.
LW_INLINE void fill_row(const Window& v, const float* row, int64_t from, int64_t count, float* out, int64_t plane) {
  for (int64_t c = 0; c < v.channels; c += kLanes) {
    const int lanes = static_cast<int>(smaller(kLanes, v.channels - c));
    for (int64_t i = 0; i < count; i += kLanes) {
      const int pixels = static_cast<int>(smaller(kLanes, count - i));
      const float* const in = row + (from + i) * v.pitch + c;
      if (v.channels == 1 && v.pitch == 1) {
        store_n(out + i, load_n(in, pixels), pixels);
        continue;
      }
      F32 square[kLanes];
#pragma GCC unroll 16
      for (int r = 0; r < kLanes; ++r) square[r] = r < pixels ? load_n(in + r * v.pitch, lanes) : zero();
      transpose(square);
#pragma GCC unroll 16
      for (int r = 0; r < kLanes; ++r)
        if (r < lanes) store_n(out + (c + r) * plane + i, square[r], pixels);
    }
  }
}

// The planes [channels][rows][pitch] that output rows [i0, i0 + rows) of image n see.
void fill_planes(const Window& v, int64_t n, int64_t i0, int64_t rows, float* planes, int64_t plane) {
  const int64_t pitch = plane_pitch(v);
  const int64_t low = smaller(larger(0, -v.first_w), pitch), high = larger(low, smaller(pitch, v.w - v.first_w));
  for (int64_t r = 0; r < plane_rows(v, rows); ++r) {
    const int64_t row = v.first_h + i0 + r;
    float* const out = planes + r * pitch;
    const bool inside = row >= 0 && row < v.h;
    for (int64_t c = 0; c < v.channels; ++c) {
      for (int64_t x = 0; x < (inside ? low : pitch); ++x) out[c * plane + x] = 0;
      for (int64_t x = high; inside && x < pitch; ++x) out[c * plane + x] = 0;
    }
    if (inside) fill_row(v, v.image + (n * v.h + row) * v.w * v.pitch, v.first_w + low, high - low, out + low, plane);
  }
}

// Sums of kRows columns and kPlaneBlock pixels over steps [p, p + depth).
template <int kRows>
void plane_tile(const float* planes, const int64_t* offsets, int64_t p, int64_t depth, const float* weights, int64_t pitch, float* sums,
                int64_t sums_pitch) {
  F32 acc[kRows][kPlaneVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < kPlaneVectors; ++j) acc[i][j] = zero();
  const float* w = weights + p * pitch;
  for (const int64_t *offset = offsets + p, *end = offset + depth; offset < end; ++offset, w += pitch) {
    const float* const in = planes + *offset;
    F32 pixels[kPlaneVectors];
#pragma GCC unroll 16
    for (int j = 0; j < kPlaneVectors; ++j) pixels[j] = load(in + j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const F32 weight = set1(w[i]);
#pragma GCC unroll 16
      for (int j = 0; j < kPlaneVectors; ++j) acc[i][j] = fma(weight, pixels[j], acc[i][j]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < kPlaneVectors; ++j) {
      float* const to = sums + i * sums_pitch + j * kLanes;
      store(to, p == 0 ? acc[i][j] : add(load(to), acc[i][j]));
    }
}

using PlaneTile = void (*)(const float*, const int64_t*, int64_t, int64_t, const float*, int64_t, float*, int64_t);
template <int kRows = kPlaneRows>
LW_INLINE PlaneTile plane_tile_of(int64_t rows) {
  if constexpr (kRows == 1) {
    return plane_tile<1>;
  } else {
    return rows == kRows ? plane_tile<kRows> : plane_tile_of<kRows - 1>(rows);
  }
}

// Pixels [m0, m1) of the product of v's windows with weights [K, g.n] at `pitch`, to g.c with bias and activation.
void plane_product(const GemmArgs& g, const Window& v, int64_t m0, int64_t m1, const float* weights, int64_t pitch, float* scratch) {
  const int64_t depth = window_depth(v), step = depth_block(depth), row_pitch = plane_pitch(v);
  const int64_t rows = rows_at_once(v, g.n), plane = plane_size(v, rows), tiles = divide_up(g.n, kPlaneRows);
  int64_t* const offsets = reinterpret_cast<int64_t*>(scratch + kPlaneOffsets);
  for (int64_t k = 0; k < depth; ++k)
    offsets[k] = k % v.channels * plane + k / v.channels / v.kw * v.step_h * row_pitch + k / v.channels % v.kw * v.step_w;
  float *const planes = scratch + kPlaneStart, *const sums = scratch + kPlaneSumsStart;
  const int64_t sums_pitch = divide_up(rows * row_pitch, kPlaneBlock) * kPlaneBlock;
  const int64_t first_line = m0 / v.ow, last_line = (m1 - 1) / v.ow;  // output rows of all images
  for (int64_t line = first_line; line <= last_line;) {
    const int64_t n = line / v.oh, i0 = line % v.oh, count = smaller(smaller(rows, v.oh - i0), last_line + 1 - line);
    fill_planes(v, n, i0, count, planes, plane);
    const int64_t pixels = (count - 1) * row_pitch + v.ow;
    for (int64_t q = 0; q < pixels; q += kPlaneBlock)
      for (int64_t p = 0; p < depth; p += step)
        for (int64_t t = 0, o = 0; t < tiles; ++t) {
          const int64_t columns = g.n / tiles + (t < g.n % tiles);
          plane_tile_of(columns)(planes + q, offsets, p, smaller(step, depth - p), weights + o, pitch, sums + o * sums_pitch + q,
                                 sums_pitch);
          o += columns;
        }
    for (int64_t i = 0; i < count; ++i) {
      const int64_t begin = (line + i) * v.ow, from = larger(m0, begin), to = smaller(m1, begin + v.ow);
      float* const c = g.c + (from - m0) * g.c_row;
      write_transposed(g, to - from, sums + i * row_pitch + (from - begin), sums_pitch, c);
      if (g.activation == Activation::sigmoid || g.activation == Activation::tanh) activate(g.activation, to - from, g.n, c, g.c_row);
    }
    line += count;
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
