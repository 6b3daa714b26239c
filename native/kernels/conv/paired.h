// Gradient to few weights' columns: where those fill at most half a vector, two parts of the pixels are summed side by side, one in the
// even and one in the odd lanes. Their padded rows are laid out element by element in turn, so that a step reads both with one load.
// Each sum is the same in the same order as that of padded.h.
#pragma once
#include "padded.h"

namespace lanewise::LW_ISA {
namespace {

// A tile's rows: enough chains for two FMA pipes, few enough for the registers of addresses.
constexpr int kPairRows = 9;
// dy of a block of pixels, in turn, lies where padded.h keeps weights.
static_assert(kMaxDepth * kLanes <= kPaddedDepth * kTileColumns);

// Whether two parts of `pixels` pixels each, which begin at the first pixel of an image, can be paired.
LW_INLINE bool fits_pairs(const Window& v, int64_t columns, int64_t pixels) {
  if (2 * columns > kLanes || pixels == 0 || pixels % (v.oh * v.ow) != 0) return false;
  const int64_t depth = depth_block(pixels), rows = rows_of(v, depth), images = images_of(v, depth);
  // Two padded blocks, and both in turn.
  return fits_padded(v, 4 * rows, 4 * images);
}

// sums[i] = both sums of row i in turn, over segments of x and dy in turn.
template <int kRows>
void paired_tile(const int64_t* offsets, const Segment* segments, int64_t count, int64_t step, float* sums) {
  F32 acc[kRows];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) acc[i] = zero();
  for (const Segment *s = segments, *end = segments + count; s < end; ++s) {
    const float *x = s->x, *dy = s->dy;
    for (int64_t p = s->count; p > 0; --p, x += step, dy += kLanes) {
      const F32 column = load(dy);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) acc[i] = fma(set1_pair(x + offsets[i]), column, acc[i]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) store(sums + i * kLanes, acc[i]);
}

using PairedTile = void (*)(const int64_t*, const Segment*, int64_t, int64_t, float*);
template <int kRows = kPairRows>
LW_INLINE PairedTile paired_tile_of(int64_t rows) {
  if constexpr (kRows == 1) {
    return paired_tile<1>;
  } else {
    return rows == kRows ? paired_tile<kRows> : paired_tile_of<kRows - 1>(rows);
  }
}

// a and b in turn; writes up to kLanes - 2 floats beyond.
LW_INLINE void interleave(int64_t count, const float* a, const float* b, float* out) {
  for (int64_t i = 0; i < count; i += kLanes / 2) {
    const int valid = static_cast<int>(smaller(kLanes / 2, count - i));
    store(out + 2 * i, load_pairs_n(a + i, b + i, valid));
  }
}

// dw of both parts (g.c and c2) from their dy (g.b and b2), their first pixels being `first` and `second`.
void paired_gradient(const GemmArgs& g, const Window& v, int64_t first, int64_t second, const float* b2, float* c2, float* scratch) {
  int64_t* const offsets = reinterpret_cast<int64_t*>(scratch);
  Segment* const segments = reinterpret_cast<Segment*>(scratch + kPaddedSegments);
  float* const pairs = scratch + kPaddedPanel;
  fill_offsets(v, offsets);
  for (int64_t k = 0; k < g.m; ++k) offsets[k] *= 2;
  const int64_t step = depth_block(g.k), pitch = padded_pitch(v), rows = divide_up(g.m, divide_up(g.m, kPairRows));
  alignas(64) float sums[kPairRows * kLanes];
  for (int64_t p = 0; p < g.k; p += step) {
    int64_t count = 0;
    float* out = scratch + kPaddedStart;
    const int64_t depth = smaller(step, g.k - p);
    for (int64_t pixel = p; pixel < p + depth;) {
      // The rest of the block that lies in one image, of both parts.
      const int64_t line = pixel / v.ow, i0 = line % v.oh, lines = smaller(v.oh - i0, (p + depth - 1) / v.ow + 1 - line);
      const int64_t size = padded_rows(v, lines) * pitch;
      float *const one = out + 2 * size + kLanes, *const other = one + size + kLanes;
      fill_padded(v, (first + pixel) / v.ow / v.oh, i0, lines, one);
      fill_padded(v, (second + pixel) / v.ow / v.oh, i0, lines, other);
      interleave(size, one, other, out);
      for (int64_t i = 0; i < lines; ++i) {
        const int64_t to = smaller(p + depth, (line + i + 1) * v.ow);
        segments[count++] = {out + 2 * (i * v.stride_h * pitch + pixel % v.ow * v.stride_w * v.channels), pairs + (pixel - p) * kLanes,
                             to - pixel};
        pixel = to;
      }
      out += 2 * size;
    }
    const int columns = static_cast<int>(g.n);
    for (int64_t i = 0; i < depth; ++i) {
      const int64_t at = (p + i) * g.b_row;
      store(pairs + i * kLanes, load_pairs_n(g.b + at, b2 + at, columns));
    }
    for (int64_t row = 0; row < g.m; row += rows) {
      const int64_t length = smaller(rows, g.m - row);
      paired_tile_of(length)(offsets + row, segments, count, 2 * v.stride_w * v.channels, sums);
      for (int64_t i = 0; i < length; ++i)
        for (int64_t j = 0; j < g.n; ++j) {
          float *const c = g.c + (row + i) * g.c_row + j, *const d = c2 + (row + i) * g.c_row + j;
          const float* const sum = sums + i * kLanes + 2 * j;
          *c = p > 0 ? *c + sum[0] : sum[0];
          *d = p > 0 ? *d + sum[1] : sum[1];
        }
    }
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
