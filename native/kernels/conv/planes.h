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
// A tile is rows (columns of the product) × vectors of pixels: few rows take more vectors, so that the chains hide the latency of two
// FMA pipes.
constexpr int kPlaneRows = 6, kMostPlaneVectors = 8;
constexpr int plane_vectors(int rows) {
  const int sums = kVectorRegisters == 32 ? 24 : 12;
  return sums / rows < kMostPlaneVectors ? sums / rows : kMostPlaneVectors;
}
constexpr int64_t kPlaneBlock = kMostPlaneVectors * kLanes;
// Scratch: weights, offsets, planes, sums; each ends with room for a block.
constexpr int64_t kPlaneOffsets = kPlaneDepth * kLine, kPlaneStart = kPlaneOffsets + 2 * kPlaneDepth;
constexpr int64_t kPlaneSumsStart = kPlaneStart + kMostPlanes + kPlaneBlock;
static_assert(kPlaneColumns <= kLine);
static_assert(kPlaneSumsStart + kPlaneSums + 2 * kPlaneColumns * kPlaneBlock <= kProductScratch + kSpare);

LW_INLINE int64_t plane_pitch(const Window& v) { return v.ow + (v.kw - 1) * v.step_w; }
LW_INLINE int64_t plane_rows(const Window& v, int64_t rows) { return rows + (v.kh - 1) * v.step_h; }
// An odd number of cache lines: the same pixel of all channels is written at once.
LW_INLINE int64_t plane_size(const Window& v, int64_t rows) { return panel_pitch(plane_rows(v, rows) * plane_pitch(v)); }

LW_INLINE bool fits_planes(const Window& v, int64_t columns) {
  if (v.stride_h != 1 || v.stride_w != 1 || columns > kPlaneColumns || window_depth(v) > kPlaneDepth || window_depth(v) == 0) return false;
  // So small that no product below overflows.
  if (v.ow > kMostPlanes || (v.kw - 1) * v.step_w > v.ow || (v.kh - 1) * v.step_h > kMostPlanes) return false;
  return columns * plane_pitch(v) <= kPlaneSums && v.channels * plane_size(v, 1) <= kMostPlanes;
}

// Output rows taken at a time: at least twice those of the image that are read again for the next ones, if they fit.
LW_INLINE int64_t rows_at_once(const Window& v, int64_t columns) {
  const int64_t pitch = plane_pitch(v), again = plane_rows(v, 0), near = kNearPlanes / (v.channels * pitch) - again;
  const int64_t most = (kMostPlanes / v.channels - 2 * kLine) / pitch - again;
  return larger(1, smaller(smaller(larger(near, larger(4, 2 * again)), most), smaller(v.oh, kPlaneSums / (columns * pitch))));
}

// Columns [0, w) of one row of the image to x = at, at + 1, … of each plane, from the column `from` on, `count` of them.
LW_INLINE void fill_row(const Window& v, const float* row, int64_t from, int64_t count, float* out, int64_t plane) {
  if (v.channels == 1 && v.pitch == 1) return copy_over(count, row + from, out);
  for (int64_t c = 0; c < v.channels; c += kLanes) {
    const int lanes = static_cast<int>(smaller(kLanes, v.channels - c));
    for (int64_t i = 0; i < count; i += kLanes) {
      const int pixels = static_cast<int>(smaller(kLanes, count - i));
      const float* const in = row + (from + i) * v.pitch + c;
      F32 square[kLanes];
      if (pixels == kLanes && lanes == kLanes) {
#pragma GCC unroll 16
        for (int r = 0; r < kLanes; ++r) square[r] = load(in + r * v.pitch);
        transpose(square);
#pragma GCC unroll 16
        for (int r = 0; r < kLanes; ++r) store(out + (c + r) * plane + i, square[r]);
        continue;
      }
#pragma GCC unroll 16
      for (int r = 0; r < kLanes; ++r) square[r] = r < pixels ? load_n(in + r * v.pitch, lanes) : zero();
      transpose(square);
#pragma GCC unroll 16
      for (int r = 0; r < kLanes; ++r)
        if (r < lanes) store_n(out + (c + r) * plane + i, square[r], pixels);
    }
  }
}

// The planes [channels][rows][pitch] that output rows [i0, i0 + rows) of image n see. What lies left and right of the image is 0 already.
void fill_planes(const Window& v, int64_t n, int64_t i0, int64_t rows, float* planes, int64_t plane) {
  const int64_t pitch = plane_pitch(v);
  const int64_t low = smaller(larger(0, -v.first_w), pitch), high = larger(low, smaller(pitch, v.w - v.first_w));
  for (int64_t r = 0; r < plane_rows(v, rows); ++r) {
    const int64_t row = v.first_h + i0 + r;
    float* const out = planes + r * pitch;
    if (row >= 0 && row < v.h) {
      fill_row(v, v.image + (n * v.h + row) * v.w * v.pitch, v.first_w + low, high - low, out + low, plane);
    } else {
      for (int64_t c = 0; c < v.channels; ++c)
        for (int64_t x = 0; x < pitch; ++x) out[c * plane + x] = 0;
    }
  }
}

// Steps [begin, begin + count) of the depth.
struct PlaneSteps {
  int64_t begin, count;
  bool add;  // to what the blocks before left
};

// The same pixels of several images: how far apart they lie.
struct PlaneImages {
  int64_t count, planes, sums;
};

// Sums of kRows columns and kVectors vectors of pixels, which follow one another or are those of as many images. Whether one of them is −0.
template <int kRows, int kVectors, bool kOfImages>
bool plane_tile(const float* planes, const int64_t* offsets, const PlaneSteps& steps, const float* weights, int64_t pitch, float* sums,
                int64_t sums_pitch, const PlaneImages& images) {
  const int64_t across = kOfImages ? images.planes : kLanes, sums_across = kOfImages ? images.sums : kLanes;
  F32 acc[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < kVectors; ++j) acc[i][j] = zero();
  const auto pixels_at = [across](const float* in, int j) __attribute__((always_inline)) {
    const F32 x = load(in + j * across);
    return kRows > 1 ? hold(x) : x;
  };
  const float* w = weights + steps.begin * pitch;
  for (const int64_t *offset = offsets + steps.begin, *end = offset + steps.count; offset < end; ++offset, w += pitch) {
    const float* const in = planes + *offset;
    // The fewer of the two wait in registers.
    if constexpr (kRows < kVectors) {
      F32 weight[kRows];
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) weight[i] = set1(w[i]);
#pragma GCC unroll 16
      for (int j = 0; j < kVectors; ++j) {
        const F32 pixels = pixels_at(in, j);
#pragma GCC unroll 16
        for (int i = 0; i < kRows; ++i) acc[i][j] = fma(weight[i], pixels, acc[i][j]);
      }
    } else {
      F32 pixels[kVectors];
#pragma GCC unroll 16
      for (int j = 0; j < kVectors; ++j) pixels[j] = pixels_at(in, j);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) {
        const F32 weight = set1(w[i]);
#pragma GCC unroll 16
        for (int j = 0; j < kVectors; ++j) acc[i][j] = fma(weight, pixels[j], acc[i][j]);
      }
    }
  }
  const I32 negative_zero = float_to_bits(set1(-0.0f));
  Mask found = less(zero(), zero());
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < kVectors; ++j) {
      float* const to = sums + i * sums_pitch + j * sums_across;
      const F32 sum = steps.add ? add(load(to), acc[i][j]) : acc[i][j];
      found = mask_or(found, equal_i(float_to_bits(sum), negative_zero));
      store(to, sum);
    }
  return any(found);
}

// Tiles of `most` rows, and of one less where they do not divide the columns, with the same vectors.
using PlaneTile = bool (*)(const float*, const int64_t*, const PlaneSteps&, const float*, int64_t, float*, int64_t, const PlaneImages&);
struct PlaneTiles {
  PlaneTile neighbours[2], of_images[2];  // one less, most
  int64_t vectors;
};
template <int kMost = kPlaneRows>
LW_INLINE PlaneTiles plane_tiles_of(int64_t most) {
  if constexpr (kMost > 1) {
    if (most != kMost) return plane_tiles_of<kMost - 1>(most);
  }
  constexpr int kLess = kMost > 1 ? kMost - 1 : 1, kVectors = plane_vectors(kMost);
  return {{plane_tile<kLess, kVectors, false>, plane_tile<kMost, kVectors, false>},
          {plane_tile<kLess, kVectors, true>, plane_tile<kMost, kVectors, true>},
          kVectors};
}

bool all_finite(const float* weights, int64_t count) {
  Mask bad = less(zero(), zero());
  for (int64_t i = 0; i < count; i += kLanes) {
    const F32 w = load_n(weights + i, static_cast<int>(smaller(kLanes, count - i)));
    bad = mask_or(bad, not_equal(sub(w, w), zero()));
  }
  return !any(bad);
}

// The steps with which output rows [i, beyond) see rows of the image, from the first to the last. Rows that see all cost no division.
LW_INLINE PlaneSteps steps_inside(const Window& v, int64_t i, int64_t beyond) {
  const int64_t top = v.first_h + i, bottom = v.first_h + beyond - 1, run = v.kw * v.channels;
  int64_t first = 0, last = v.kh;
  if (bottom < 0) first = smaller(v.kh, divide_up(-bottom, v.step_h));
  if (top + (v.kh - 1) * v.step_h >= v.h) last = top >= v.h ? 0 : (v.h - 1 - top) / v.step_h + 1;
  return {first * run, larger(0, last - first) * run, false};
}

// What all tiles of a product share.
struct PlaneProduct {
  const int64_t* offsets;
  const float* weights;
  int64_t columns, depth, pitch, sums_pitch;
  PlaneTiles tiles;
  PlaneImages images;  // count is 1: one after the other
};

// All columns of a block of pixels over `inside`, a depth block after the other. Whether one of the sums is −0.
LW_INLINE bool plane_block(const PlaneProduct& g, bool of_images, const PlaneSteps& inside, const float* planes, float* sums) {
  const int64_t step = depth_block(g.depth), count = divide_up(g.columns, kPlaneRows), most = divide_up(g.columns, count);
  const PlaneTile* const tile = of_images ? g.tiles.of_images : g.tiles.neighbours;
  bool negative_zero = false;
  for (int64_t p = 0; p < g.depth; p += step) {
    const int64_t begin = larger(p, inside.begin), end = smaller(smaller(p + step, g.depth), inside.begin + inside.count);
    if (p > 0 && end <= begin) continue;
    const PlaneSteps steps = {begin, larger(0, end - begin), p > 0};
    for (int64_t t = 0, o = 0; t < count; ++t) {
      const bool full = g.columns % count == 0 || t < g.columns % count;
      negative_zero |= tile[full](planes, g.offsets, steps, g.weights + o, g.pitch, sums + o * g.sums_pitch, g.sums_pitch, g.images);
      o += most - !full;
    }
  }
  return negative_zero;
}

// body(steps, first pixel) for each block of pixels of output rows [i0, i0 + count) as one.
template <class Body>
LW_INLINE void each_plane_block(const Window& v, int64_t i0, int64_t count, int64_t block, const Body& body) {
  const int64_t pitch = plane_pitch(v), pixels = (count - 1) * pitch + v.ow;
  for (int64_t q = 0, i = i0, next = pitch, beyond = i0; q < pixels; q += block) {
    for (; next <= q; next += pitch) ++i;
    for (beyond = larger(beyond, i + 1); (beyond - i0) * pitch < smaller(q + block, pixels);) ++beyond;
    body(steps_inside(v, i, beyond), q);
  }
}

// Steps times vectors of output rows [i0, i0 + count) as one, and of each by itself in blocks of so many vectors.
LW_INLINE int64_t cost_as_one(const Window& v, int64_t i0, int64_t count, int64_t vectors) {
  int64_t cost = 0;
  each_plane_block(v, i0, count, vectors * kLanes, [&](const PlaneSteps& seen, int64_t) { cost += seen.count * vectors; });
  return cost;
}
LW_INLINE int64_t cost_by_rows(const Window& v, int64_t i0, int64_t count, int64_t vectors) {
  int64_t steps = 0;
  for (int64_t i = i0; i < i0 + count; ++i) steps += steps_inside(v, i, i + 1).count;
  return steps * vectors * divide_up(v.ow, vectors * kLanes);
}

// Output rows [i0, i0 + count) of one image, each by itself or all as one, whatever multiplies less, or each of several images. A block of
// pixels goes without the rows of zeros that all of it sees. Those change no sum of finite weights but −0, to which a product may have been
// rounded: then they take part.
void plane_rows_product(const PlaneProduct& g, const Window& v, int64_t i0, int64_t count, bool of_images, bool finite, const float* planes,
                        float* sums) {
  const int64_t pitch = plane_pitch(v), block = (of_images ? 1 : g.tiles.vectors) * kLanes;
  const PlaneSteps all = {0, g.depth, false};
  const auto run = [&](const PlaneSteps& seen, int64_t q) {
    if (plane_block(g, of_images, finite ? seen : all, planes + q, sums + q) && finite && seen.count < g.depth)
      plane_block(g, of_images, all, planes + q, sums + q);
  };
  if (of_images || (finite && cost_by_rows(v, i0, count, g.tiles.vectors) < cost_as_one(v, i0, count, g.tiles.vectors))) {
    for (int64_t i = 0; i < count; ++i)
      for (int64_t q = i * pitch; q < i * pitch + v.ow; q += block) run(steps_inside(v, i0 + i, i0 + i + 1), q);
  } else {
    each_plane_block(v, i0, count, block, run);
  }
}

// Whether rows of as many images as a tile has vectors multiply less than the rows of one image. Whole images and their sums must fit.
LW_INLINE bool by_images(const Window& v, int64_t columns, int64_t vectors, int64_t plane, int64_t sums) {
  if (vectors == 1 || vectors * v.channels * plane > kMostPlanes || vectors * columns * sums > kPlaneSums) return false;
  return cost_by_rows(v, 0, v.oh, 1) < smaller(cost_by_rows(v, 0, v.oh, vectors), cost_as_one(v, 0, v.oh, vectors));
}

// Pixels [m0, m1) of the product of v's windows with weights [K, g.n] at `pitch`, to g.c with bias and activation.
void plane_product(const GemmArgs& g, const Window& v, int64_t m0, int64_t m1, const float* weights, int64_t pitch, float* scratch) {
  const int64_t depth = window_depth(v), row_pitch = plane_pitch(v), rows = rows_at_once(v, g.n), plane = plane_size(v, rows);
  int64_t* const offsets = reinterpret_cast<int64_t*>(scratch + kPlaneOffsets);
  for (int64_t k = 0; k < depth; ++k)
    offsets[k] = k % v.channels * plane + k / v.channels / v.kw * v.step_h * row_pitch + k / v.channels % v.kw * v.step_w;
  float *const planes = scratch + kPlaneStart, *const sums = scratch + kPlaneSumsStart;
  const PlaneTiles tiles = plane_tiles_of(divide_up(g.n, divide_up(g.n, kPlaneRows)));
  const int64_t block = tiles.vectors * kLanes, sums_pitch = (divide_up(rows * row_pitch, block) + 1) * block;  // a row may end beyond
  const bool together = rows == v.oh && by_images(v, g.n, tiles.vectors, plane, sums_pitch);
  const PlaneImages images = {together ? tiles.vectors : 1, v.channels * plane, g.n * sums_pitch};
  for (int64_t i = 0; i < images.count * images.planes; i += kLanes) store(planes + i, zero());
  const PlaneProduct product = {offsets, weights, g.n, depth, pitch, sums_pitch, tiles, images};
  bool finite = true;
  for (int64_t k = 0; k < depth; ++k) finite = finite && all_finite(weights + k * pitch, g.n);
  const int64_t first_line = m0 / v.ow, last_line = (m1 - 1) / v.ow;  // output rows of all images
  for (int64_t line = first_line; line <= last_line;) {
    const int64_t n = line / v.oh, i0 = line % v.oh, left = last_line + 1 - line, count = smaller(smaller(rows, v.oh - i0), left);
    const bool of_images = together && i0 == 0 && left >= images.count * v.oh;
    for (int64_t j = 0; j < (of_images ? images.count : 1); ++j) fill_planes(v, n + j, i0, count, planes + j * images.planes, plane);
    plane_rows_product(product, v, i0, count, of_images, finite, planes, sums);
    for (int64_t j = 0; j < (of_images ? images.count : 1); ++j)
      for (int64_t i = 0; i < count; ++i, ++line) {
        const int64_t begin = line * v.ow, from = larger(m0, begin), to = smaller(m1, begin + v.ow);
        float* const c = g.c + (from - m0) * g.c_row;
        write_transposed(g, to - from, sums + j * images.sums + i * row_pitch + (from - begin), sums_pitch, c);
        activate(g.activation, to - from, g.n, c, g.c_row);
      }
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
