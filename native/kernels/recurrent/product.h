// The products of a recurrence: rows of states with U, rows of gradients with Uᵀ. U is used as it is by the driver of gemm.h, or in panels
// that recurrent_panels wrote once for all steps. Both are the sums of gemm.h: blocks of depth_block(K), in order, each one chain of FMAs.
#pragma once
#include "range.h"

namespace lanewise::LW_ISA {
namespace {

// Elements of U above which the next panel is fetched, if that many row tiles share the work: panels lie one behind the other, so that the
// processor fetches them by itself.
constexpr int64_t kFarPanels = 512 * 1024, kFetchingTiles = 3;

constexpr int kPanelVectors = kPanelColumns / kLanes < kTileVectors ? static_cast<int>(kPanelColumns / kLanes) : kTileVectors;

// c[i][j] (+)= Σ a[i][p]·b[p][j] over one block of depth; j < columns ≤ kPanelColumns, b [depth, kPanelColumns].
LW_INLINE void panel_block(int64_t rows, int64_t columns, int64_t depth, const float* a, int64_t a_row, const float* b, float* c,
                           int64_t c_row, bool add_c, const float* ahead) {
  for (int64_t j = 0; j < columns;) {
    const int vectors = panel_vectors(kPanelVectors, columns - j);
    const int64_t width = smaller(vectors * kLanes, columns - j);
    const RowTiles tiles = row_tiles(rows, divide_up(rows, tile_rows(vectors)));
    Tile tile;
    tile.depth = depth;
    tile.a_row = a_row, tile.a_k = 1;
    tile.b = b + j, tile.b_k = kPanelColumns;
    tile.copy = nullptr;
    tile.c_row = c_row;
    tile.bias = nullptr;
    tile.last = static_cast<int>(width - (vectors - 1) * kLanes);
    tile.add_c = add_c, tile.relu = false, tile.far_c = false;
    tile.ahead = {};
    if (ahead != nullptr && j == 0 && tiles.count >= kFetchingTiles)
      tile.ahead = fetch_evenly(ahead, kLine, depth * kPanelColumns / kLine, 0, depth * kPanelColumns / kLine, tiles.count, depth);
    const Edge edge = width == vectors * kLanes ? Edge::full : Edge::padded;
    for (int64_t t = 0; t < tiles.count; t += tile.count) {
      const int64_t size = tiles.size(t), start = tiles.start(t);
      tile.count = (t < tiles.longer ? tiles.longer : tiles.count) - t;
      tile.a = a + start * a_row, tile.a_next = size * a_row;
      tile.c = c + start * c_row + j, tile.c_next = size * c_row;
      tile_kernel(size, vectors, edge)(tile);
    }
    j += width;
  }
}

// A panel has few chains of FMAs for one row: so many panels side by side have eight.
constexpr int kPanelsAtOnce = static_cast<int>(8 * kLanes / kPanelColumns);

// The same for one row and kPanelsAtOnce whole panels, `pitch` elements apart.
LW_INLINE void row_of_panels(int64_t depth, const float* a, const float* b, int64_t pitch, float* c, bool add_c) {
  constexpr int kVectors = kPanelColumns / kLanes;
  F32 acc[kPanelsAtOnce * kVectors];
#pragma GCC unroll 16
  for (F32& sum : acc) sum = zero();
  for (int64_t p = 0; p < depth; ++p) {
    const F32 element = set1(a[p]);
#pragma GCC unroll 16
    for (int i = 0; i < kPanelsAtOnce * kVectors; ++i)
      acc[i] = fma(element, load(b + i / kVectors * pitch + p * kPanelColumns + i % kVectors * kLanes), acc[i]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < kPanelsAtOnce * kVectors; ++i) store(c + i * kLanes, add_c ? add(load(c + i * kLanes), acc[i]) : acc[i]);
}

// c [rows of r, units of r] (+)= a [N, k] · B, B element (p, j) at b[p·b_row + j·b_col].
LW_INLINE void plain_product(const RecurrentShape& s, const Range& r, int64_t k, const float* a, int64_t a_row, const float* b,
                             int64_t b_row, int64_t b_col, int64_t columns, int64_t n0, int64_t n1, float* c, int64_t c_row, bool add_c,
                             float* scratch) {
  GemmArgs g = {};
  g.m = s.n, g.n = columns, g.k = k, g.batch = 1;
  g.a = a, g.a_row = a_row, g.a_col = 1;
  g.b = b, g.b_row = b_row, g.b_col = b_col;
  g.c = c, g.c_row = c_row;
  g.accumulate = add_c;
  gemm_rectangle(g, r.m0, r.m1, n0, n1, scratch);
}

// Rows of a panel product that are taken at once, so that they stay in the L2 cache.
LW_INLINE int64_t rows_per_block(int64_t depth) { return smaller(192, larger(24, kMaxBlockA / larger(depth, 1) / 24 * 24)); }

// Calls run(range) for parts of the rows that are as equal as can be, if there is anything at all.
template <class Run>
LW_INLINE void for_row_blocks(const Range& r, int64_t most, const Run& run) {
  const int64_t rows = r.m1 - r.m0;
  if (rows == 0 || r.u0 == r.u1) return;
  const RowTiles blocks = row_tiles(rows, divide_up(rows, most));
  for (int64_t b = 0; b < blocks.count; ++b) {
    const int64_t first = r.m0 + blocks.start(b);
    run(Range{first, first + blocks.size(b), r.u0, r.u1});
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
