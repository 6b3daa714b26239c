// Windows of few channels, read where they are: the rows that a block of output pixels sees are copied once with zeros around them, so that
// element (pixel, k) lies at a distance that depends on k alone. Each element is the same sum in the same order as that of gemm.h.
#pragma once
#include "shape.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kPaddedChannels = 16, kPaddedDepth = 8192, kPaddedPixels = 64 * 1024;
// Scratch: offsets, pieces of rows, padded rows, a panel of weights.
constexpr int64_t kPaddedSegments = 2 * kPaddedDepth, kPaddedStart = kPaddedSegments + 8 * (kMaxDepth + 2);
constexpr int64_t kPaddedPanel = divide_up(kPaddedStart + kPaddedPixels + kLanes, kLine) * kLine;
static_assert(kPaddedPanel + kPaddedDepth * kTileColumns + kLanes <= kProductScratch);

LW_INLINE int64_t padded_pitch(const Window& v) { return ((v.ow - 1) * v.stride_w + (v.kw - 1) * v.step_w + 1) * v.channels; }
// Rows of the image that `rows` output rows see.
LW_INLINE int64_t padded_rows(const Window& v, int64_t rows) { return (rows - 1) * v.stride_h + (v.kh - 1) * v.step_h + 1; }

// Whether `rows` output rows of up to `images` images have room.
LW_INLINE bool has_room_padded(const Window& v, int64_t rows, int64_t images) {
  const int64_t depth = window_depth(v);
  if (depth == 0 || depth > kPaddedDepth) return false;
  // So small that no product below overflows.
  const int64_t sizes[] = {v.ow, v.stride_w, v.stride_h, v.kw, v.step_w, v.kh, v.step_h, rows, images};
  for (int64_t size : sizes)
    if (size > kPaddedPixels) return false;
  const int64_t pitch = padded_pitch(v), lines = (rows * v.stride_h + images * ((v.kh - 1) * v.step_h + 1));
  return pitch <= kPaddedPixels && lines <= kPaddedPixels && lines * pitch <= kPaddedPixels;
}
// Whether that is what suits all channels at once, too.
LW_INLINE bool fits_padded(const Window& v, int64_t rows, int64_t images) {
  return v.channels <= kPaddedChannels && has_room_padded(v, rows, images);
}

// Many channels too, where few columns do not repay a copy of each window and rows divide into tiles that are nearly full: 11 to 17 %
// faster on Zen 5. Rows of 4 to 7 pixels are a third slower, one vector of columns or four of them up to 4 %.
constexpr int64_t kLeastPaddedColumns = 17, kMostPaddedColumns = 32, kPaddedTaps = 9;
LW_INLINE bool suits_padded(const Window& v, int64_t columns) {
  if (fits_padded(v, 1, 1)) return true;
  if (v.channels != v.pitch || columns < kLeastPaddedColumns || columns > kMostPaddedColumns || v.kh * v.kw < kPaddedTaps) return false;
  return 4 * v.ow >= 3 * divide_up(v.ow, kTileRows) * kTileRows && has_room_padded(v, 4, 1);
}

// Columns [column, column + count) of one row of a slice of the channels, 0 outside.
LW_INLINE void copy_slices(const Window& v, const float* row, int64_t column, int64_t count, float* out) {
  const int64_t low = smaller(larger(-column, 0), count), high = larger(low, smaller(v.w - column, count));
  zero_over(low * v.channels, out);
  for (int64_t j = low; j < high; ++j) copy_over(v.channels, row + (column + j) * v.pitch, out + j * v.channels);
  zero_over((count - high) * v.channels, out + high * v.channels);
}

// The padded rows that output rows [i, i + rows) of image n see. Writes up to kLanes - 1 floats beyond.
void fill_padded(const Window& v, int64_t n, int64_t i, int64_t rows, float* out) {
  const int64_t pitch = padded_pitch(v), pixels = pitch / v.channels;
  const float* const image = v.image + n * v.h * v.w * v.pitch;
  for (int64_t r = 0; r < padded_rows(v, rows); ++r, out += pitch) {
    const int64_t row = v.first_h + i * v.stride_h + r;
    if (v.channels == v.pitch) {
      copy_run(v, image, {pixels, pitch, 1}, row, v.first_w, 0, pitch, out);
    } else if (row < 0 || row >= v.h) {
      zero_over(pitch, out);
    } else {
      copy_slices(v, image + row * v.w * v.pitch, v.first_w, pixels, out);
    }
  }
}

void fill_offsets(const Window& v, int64_t* offsets) {
  const int64_t pitch = padded_pitch(v), run = v.kw * v.channels;
  for (int64_t k = 0; k < window_depth(v); ++k)
    offsets[k] = k / run * v.step_h * pitch + k % run / v.channels * v.step_w * v.channels + k % v.channels;
}

// t.depth steps from offsets[0] on; a tile as in microkernel.h but for where its A lies.
template <int kRows, int kVectors, Edge kEdge>
void padded_tile(const Tile& t, const int64_t* offsets) {
  F32 acc[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < kVectors; ++j) acc[i][j] = zero();
  constexpr int kGroups = (kRows + 2) / 3;
  const float* b = t.b;
  const int64_t a_row = t.a_row, b_k = t.b_k;
  const int last = t.last;
  for (int64_t p = 0; p < t.depth; ++p, b += b_k) {
    const float* a[kGroups];
#pragma GCC unroll 16
    for (int g = 0; g < kGroups; ++g) a[g] = t.a + offsets[p] + 3 * g * a_row;
    F32 column[kVectors];
#pragma GCC unroll 16
    for (int j = 0; j < kVectors; ++j) column[j] = load_for_rows<kRows, kVectors, kEdge>(b, j, last);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const F32 element = set1(a[i / 3][(i % 3) * a_row]);
#pragma GCC unroll 16
      for (int j = 0; j < kVectors; ++j) acc[i][j] = fma(element, column[j], acc[i][j]);
    }
  }
  finish<kRows, kVectors, kEdge>(t, acc, t.c);
}

// A piece of an output row: the windows of `count` pixels from x on, and dy there.
struct Segment {
  const float* x;
  const float* dy;
  int64_t count;
};

// Rows k and columns from column0 on of the gradient to the weights: the sum over the pixels of `segments`; t.a_k and t.b_k lead from pixel
// to pixel.
template <int kRows, int kVectors, Edge kEdge>
void padded_gradient_tile(const Tile& t, const int64_t* offsets, const Segment* segments, int64_t count, int64_t column0) {
  F32 acc[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < kVectors; ++j) acc[i][j] = zero();
  const int last = t.last;
  for (const Segment *s = segments, *end = segments + count; s < end; ++s) {
    const float *x = s->x, *dy = s->dy + column0;
    for (int64_t p = s->count; p > 0; --p, x += t.a_k, dy += t.b_k) {
      F32 column[kVectors];
#pragma GCC unroll 16
      for (int j = 0; j < kVectors; ++j) column[j] = load_for_rows<kRows, kVectors, kEdge>(dy, j, last);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) {
        const F32 element = set1(x[offsets[i]]);
#pragma GCC unroll 16
        for (int j = 0; j < kVectors; ++j) acc[i][j] = fma(element, column[j], acc[i][j]);
      }
    }
  }
  finish<kRows, kVectors, kEdge>(t, acc, t.c);
}

using PaddedTile = void (*)(const Tile&, const int64_t*);
template <int kVectors, Edge kEdge, int kRows = tile_rows(kVectors)>
LW_INLINE PaddedTile padded_tile_of(int64_t rows) {
  if constexpr (kRows == 1) {
    return padded_tile<1, kVectors, kEdge>;
  } else {
    return rows == kRows ? padded_tile<kRows, kVectors, kEdge> : padded_tile_of<kVectors, kEdge, kRows - 1>(rows);
  }
}
LW_INLINE PaddedTile padded_tile_of(int64_t rows, int vectors, bool full) {
  if (vectors == 1) return full ? padded_tile_of<1, Edge::full>(rows) : padded_tile_of<1, Edge::ragged>(rows);
  return full ? padded_tile_of<2, Edge::full>(rows) : padded_tile_of<2, Edge::ragged>(rows);
}

using PaddedGradientTile = void (*)(const Tile&, const int64_t*, const Segment*, int64_t, int64_t);
template <int kVectors, Edge kEdge, int kRows = tile_rows(kVectors)>
LW_INLINE PaddedGradientTile padded_gradient_tile_of(int64_t rows) {
  if constexpr (kRows == 1) {
    return padded_gradient_tile<1, kVectors, kEdge>;
  } else {
    return rows == kRows ? padded_gradient_tile<kRows, kVectors, kEdge> : padded_gradient_tile_of<kVectors, kEdge, kRows - 1>(rows);
  }
}
LW_INLINE PaddedGradientTile padded_gradient_tile_of(int64_t rows, int vectors, bool full) {
  if (vectors == 1) return full ? padded_gradient_tile_of<1, Edge::full>(rows) : padded_gradient_tile_of<1, Edge::ragged>(rows);
  return full ? padded_gradient_tile_of<2, Edge::full>(rows) : padded_gradient_tile_of<2, Edge::ragged>(rows);
}

// Calls run(first column, vectors, full) for each panel of columns [n0, n1) and sets what of the tile belongs to it.
template <class Run>
LW_INLINE void each_panel(int64_t n0, int64_t n1, Tile& tile, const Run& run) {
  for (int64_t j = n0; j < n1;) {
    const int vectors = panel_vectors(kTileVectors, n1 - j);
    const int64_t width = vectors * kLanes, columns = smaller(width, n1 - j);
    tile.last = static_cast<int>(columns - (width - kLanes));
    run(j, vectors, columns == width);
    j += columns;
  }
}

// What is read or written next, fetched a share at a time: `pixels` of `columns` floats, `pitch` apart.
struct PixelsAhead {
  const float* at;
  int64_t pixels, columns, pitch;

  void fetch(int64_t share) {
    for (share = smaller(share, pixels), pixels -= share; share > 0; --share, at += pitch)
      for (int64_t i = 0; i < columns; i += kLine) prefetch_l2(at + i);
  }
};

// Output rows [line, line + count) and the padded rows that they see; pixels [m0, m1) of them are wanted.
struct PaddedBlock {
  const GemmArgs& g;
  const Window& v;
  const int64_t* offsets;
  const float* rows;  // padded
  int64_t line, count, m0, m1;
  // Pixels [first, beyond) of the i-th row.
  int64_t first(int64_t i) const { return larger(m0, (line + i) * v.ow); }
  int64_t beyond(int64_t i) const { return smaller(m1, (line + i + 1) * v.ow); }
  // What its first window sees first.
  const float* row_of(int64_t i) const { return rows + i * v.stride_h * padded_pitch(v); }
};

// So many pixels ahead the lines that results will be written to are fetched, where those are too many for the L2 cache.
constexpr int64_t kPixelsAhead = 24;

// How a row of pixels is divided into tiles, and those for whole panels and for a narrower last one: of rows.rows pixels, and of one more.
struct RowOfTiles {
  RowTiles rows;
  PaddedTile whole[2], last[2];
};
LW_INLINE RowOfTiles row_of_tiles(int64_t pixels, int last_vectors, bool last_full) {
  RowOfTiles row = {row_tiles(pixels, divide_up(pixels, kTileRows)), {}, {}};
  for (int more = 0; more < 2; ++more) {
    row.whole[more] = padded_tile_of(row.rows.rows + more, kTileVectors, true);
    row.last[more] = padded_tile_of(row.rows.rows + more, last_vectors, last_full);
  }
  return row;
}

// Weights that stay in the L1 cache meet each tile of pixels at once, so that results are written in order.
void padded_in_order(const PaddedBlock& block, int64_t n0, int64_t n1, Tile& tile) {
  const GemmArgs& g = block.g;
  tile.depth = g.k;
  tile.b_k = g.b_row;
  const bool far = (block.m1 - block.m0) * (n1 - n0) > kFar;
  const int64_t rest = (n1 - n0) % kTileColumns, last_vectors = panel_vectors(kTileVectors, rest == 0 ? kTileColumns : rest);
  tile.last = static_cast<int>(rest == 0 ? kLanes : rest - (last_vectors - 1) * kLanes);
  const auto run = [&](PaddedTile kernel, int64_t j) {
    tile.b = g.b + j;
    tile.bias = g.bias != nullptr ? g.bias + j : nullptr;
    kernel(tile, block.offsets);
    tile.c += kTileColumns;
  };
  RowOfTiles row = {};
  for (int64_t i = 0, divided = 0; i < block.count; ++i) {
    const int64_t pixels = block.beyond(i) - block.first(i);
    if (pixels != divided) row = row_of_tiles(pixels, static_cast<int>(last_vectors), rest % kLanes == 0), divided = pixels;
    tile.a = block.row_of(i) + (block.first(i) - (block.line + i) * block.v.ow) * tile.a_row;
    float* c = g.c + (block.first(i) - block.m0) * g.c_row + n0;
    for (int64_t t = 0; t < row.rows.count; ++t) {
      const int64_t size = row.rows.size(t);
      PixelsAhead ahead = {c + kPixelsAhead * g.c_row, size, n1 - n0, g.c_row};
      if (far) ahead.fetch(size);
      const int more = t < row.rows.longer;
      tile.c = c;
      int64_t j = n0;
      for (; j + kTileColumns <= n1; j += kTileColumns) run(row.whole[more], j);
      if (j < n1) run(row.last[more], j);
      tile.a += size * tile.a_row;
      c += size * g.c_row;
    }
  }
}

// Other weights are copied a panel at a time: at their own pitch they may fall into few sets of the cache.
void padded_by_panels(const PaddedBlock& block, int64_t n0, int64_t n1, Tile& tile, float* panel) {
  const GemmArgs& g = block.g;
  const int64_t step = depth_block(g.k);
  each_panel(n0, n1, tile, [&](int64_t j, int vectors, bool full) {
    const int64_t columns = smaller(n1 - j, vectors * kLanes);
    tile.b_k = vectors * kLanes;
    for (int64_t k = 0; k < g.k; ++k) copy_over(columns, g.b + k * g.b_row + j, panel + k * tile.b_k);
    for (int64_t p = 0; p < g.k; p += step) {
      const bool last = p + step >= g.k;
      tile.depth = smaller(step, g.k - p);
      tile.b = panel + p * tile.b_k;
      tile.bias = last && g.bias != nullptr ? g.bias + j : nullptr;
      tile.add_c = p > 0;
      tile.relu = last && g.activation == Activation::relu;
      for (int64_t i = 0; i < block.count; ++i) {
        const int64_t pixels = block.beyond(i) - block.first(i);
        const RowTiles tiles = row_tiles(pixels, divide_up(pixels, tile_rows(vectors)));
        for (int64_t t = 0; t < tiles.count; ++t) {
          const int64_t pixel = block.first(i) + tiles.start(t);
          tile.a = block.row_of(i) + (pixel - (block.line + i) * block.v.ow) * tile.a_row;
          tile.c = g.c + (pixel - block.m0) * g.c_row + j;
          padded_tile_of(tiles.size(t), vectors, full)(tile, block.offsets + p);
        }
      }
    }
  });
}

// Pixels [m0, m1) × columns [n0, n1) of the product of v's windows with g.b, to g.c, where pixel m0 goes.
void padded_product(const GemmArgs& g, const Window& v, int64_t m0, int64_t m1, int64_t n0, int64_t n1, float* scratch) {
  int64_t* const offsets = reinterpret_cast<int64_t*>(scratch);
  float* const rows = scratch + kPaddedStart;
  fill_offsets(v, offsets);
  const int64_t pitch = padded_pitch(v);
  // At least four rows, if they fit, and few enough for the L1 cache.
  int64_t most = 1;
  while (most < v.oh && has_room_padded(v, most + 1, 1) && (most < 4 || padded_rows(v, most + 1) * pitch <= kSmallB)) ++most;
  const bool in_order = g.k <= depth_block(g.k) && g.k * (n1 - n0) <= kSmallB;
  Tile tile = {};
  tile.a_row = v.stride_w * v.channels;
  tile.c_row = g.c_row;
  tile.relu = g.activation == Activation::relu;
  for (int64_t line = m0 / v.ow; line <= (m1 - 1) / v.ow;) {
    const int64_t i0 = line % v.oh, count = smaller(smaller(most, v.oh - i0), (m1 - 1) / v.ow + 1 - line);
    fill_padded(v, line / v.oh, i0, count, rows);
    const PaddedBlock block = {g, v, offsets, rows, line, count, m0, m1};
    if (in_order) {
      padded_in_order(block, n0, n1, tile);
    } else {
      padded_by_panels(block, n0, n1, tile, scratch + kPaddedPanel);
    }
    const int64_t from = block.first(0), to = block.beyond(count - 1);
    activate(g.activation, to - from, n1 - n0, g.c + (from - m0) * g.c_row + n0, g.c_row);
    line += count;
  }
}

// Output rows that `pixels` successive pixels lie in, at most, and images.
LW_INLINE int64_t rows_of(const Window& v, int64_t pixels) { return (pixels - 1) / v.ow + 2; }
LW_INLINE int64_t images_of(const Window& v, int64_t pixels) { return (pixels - 1) / v.ow / v.oh + 2; }

// Rows of a gradient to the weights: `runs` of `length` neighbours, of successive taps and channels from `first` on; `apart` floats of dw
// lie from run to run.
struct GradientRows {
  int64_t first, runs, length, apart;
};

// Those rows × columns [n0, n1) of the product of the transposed windows of pixels [first, first + g.k) with g.b, to g.c.
void padded_gradient(const GemmArgs& g, const Window& v, int64_t first, const GradientRows& wanted, int64_t n0, int64_t n1,
                     float* scratch) {
  int64_t* const offsets = reinterpret_cast<int64_t*>(scratch);
  Segment* const segments = reinterpret_cast<Segment*>(scratch + kPaddedSegments);
  fill_offsets(v, offsets);
  const int64_t step = larger(depth_block(g.k), 1), pitch = padded_pitch(v);
  Tile tile = {};
  tile.a_k = v.stride_w * v.channels;
  tile.b_k = g.b_row;
  tile.c_row = g.c_row;
  for (int64_t p = 0; p == 0 || p < g.k; p += step) {
    int64_t count = 0;
    float* rows = scratch + kPaddedStart;
    for (int64_t pixel = first + p, end = first + smaller(g.k, p + step); pixel < end;) {
      // The rest of the block that lies in one image.
      const int64_t line = pixel / v.ow, i0 = line % v.oh, lines = smaller(v.oh - i0, (end - 1) / v.ow + 1 - line);
      fill_padded(v, line / v.oh, i0, lines, rows);
      for (int64_t i = 0; i < lines; ++i) {
        const int64_t to = smaller(end, (line + i + 1) * v.ow);
        segments[count++] = {rows + i * v.stride_h * pitch + pixel % v.ow * tile.a_k, g.b + (pixel - first) * g.b_row, to - pixel};
        pixel = to;
      }
      rows += padded_rows(v, lines) * pitch;
    }
    tile.add_c = p > 0;
    PixelsAhead ahead = {g.b + (p + step) * g.b_row + n0, g.cold_b ? smaller(step, larger(0, g.k - p - step)) : 0, n1 - n0, g.b_row};
    const int64_t share = divide_up(ahead.pixels, larger(1, wanted.runs * wanted.length / kTileRows * divide_up(n1 - n0, kTileColumns)));
    each_panel(n0, n1, tile, [&](int64_t j, int vectors, bool full) {
      const RowTiles tiles = row_tiles(wanted.length, divide_up(wanted.length, tile_rows(vectors)));
      for (int64_t run = 0; run < wanted.runs; ++run)
        for (int64_t t = 0; t < tiles.count; ++t) {
          const int64_t row = tiles.start(t);
          ahead.fetch(share);
          tile.c = g.c + run * wanted.apart + row * g.c_row + j;
          padded_gradient_tile_of(tiles.size(t), vectors, full)(tile, offsets + (wanted.first + run * wanted.length + row), segments, count,
                                                                j);
        }
    });
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
