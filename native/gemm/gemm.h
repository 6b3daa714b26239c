// C[b] = activation(A[b] · B[b] (+ C[b]) + bias): the driver.
//
// Any strides of A and B; C is row-major and must not overlap the inputs. Sizes may be 0; K = 0 writes activation(C·accumulate + bias).
// Numbers: K falls into blocks of depth_block(K); inside a block the sum starts at 0 and is one chain of FMAs in order of k; blocks are
// added in order (the first to the old C when accumulating), then the bias, then the activation. So the bits depend neither on tiles,
// packing and threads nor on the ISA, as long as it fuses; the baseline rounds each product as well: |error| ≤ (K + 2)·2^-24·Σ|a·b| either
// way. NaN passes relu.
#pragma once
#include "../kernels/math.h"
#include "microkernel.h"
#include "pack.h"

namespace lanewise::LW_ISA {
namespace {

// sigmoid and tanh run over a finished tile while it is in the cache; relu is part of the tile.
void activate(Activation activation, int64_t rows, int64_t columns, float* c, int64_t c_row) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; j += kLanes) {
      const int valid = static_cast<int>(smaller(kLanes, columns - j));
      float* p = c + i * c_row + j;
      const F32 x = load_n(p, valid);
      store_n(p, activation == Activation::sigmoid ? sigmoid(x) : tanh(x), valid);
    }
}

void pack(int vectors, int64_t depth, int64_t columns, const float* b, int64_t b_row, int64_t b_col, float* out) {
  switch (vectors) {
    case 8: return pack_b<8>(depth, columns, b, b_row, b_col, out);
    case 4: return pack_b<4>(depth, columns, b, b_row, b_col, out);
    default: return pack_b<kTileVectors>(depth, columns, b, b_row, b_col, out);
  }
}

// How one rectangle of C is computed.
struct Plan {
  int vectors;      // the widest tile
  int64_t columns;  // of one block of B
  bool direct_b, copy_a;
};

LW_INLINE Plan make_plan(const GemmArgs& g, int64_t rows, int64_t columns, int64_t depth) {
  Plan plan;
  plan.vectors = rows <= tile_rows(8) ? 8 : rows <= tile_rows(4) ? 4 : kTileVectors;
  plan.columns = kMaxPackedB / larger(depth, 1) / kTileColumns * kTileColumns;
  const bool few_rows = rows <= kDirectRows, small = depth * columns <= kDirectSize;
  const bool conflicts = g.b_row % kBadStride == 0 && depth > 64 && rows > kTileRows;
  plan.direct_b = g.b_col == 1 && (few_rows || small) && !conflicts;
  const int64_t a_stride = g.a_col == 1 ? g.a_row : g.a_col;
  plan.copy_a = a_stride % kBadStride == 0 && depth > 64 && columns >= kCopyColumns;
  return plan;
}

// One tile of a block: rows from a, columns from b at pitch b_k.
struct Block {
  const GemmArgs& g;
  int64_t depth;
  bool add_c, is_last;
};

LW_INLINE void run_tile(const Block& block, const PanelA& a, int64_t i, int64_t rows, const float* b, int64_t b_k, bool direct_b, int64_t j,
                        int64_t columns, int vectors) {
  const GemmArgs& g = block.g;
  Tile tile;
  tile.depth = block.depth;
  tile.a = a.a;
  tile.a_row = a.a_row;
  tile.a_k = a.a_k;
  tile.b = b;
  tile.b_k = b_k;
  tile.ahead = direct_b ? kPrefetchRows * b_k : 0;
  tile.c = g.c + i * g.c_row + j;
  tile.c_row = g.c_row;
  tile.bias = block.is_last && g.bias != nullptr ? g.bias + j : nullptr;
  tile.last = static_cast<int>(columns - (vectors - 1) * kLanes);
  tile.add_c = block.add_c;
  tile.relu = block.is_last && g.activation == Activation::relu;
  const Edge edge = columns == vectors * kLanes ? Edge::full : direct_b ? Edge::ragged : Edge::padded;
  tile_kernel(rows, vectors, edge)(tile);
  if (block.is_last && (g.activation == Activation::sigmoid || g.activation == Activation::tanh))
    activate(g.activation, rows, columns, tile.c, g.c_row);
}

// Row tiles of [m0, m1) are as equal as can be: none is left with the latency of one or two rows.
struct RowTiles {
  int64_t count, rows, longer;
  int64_t size(int64_t t) const { return rows + (t < longer); }
};
LW_INLINE RowTiles row_tiles(int64_t rows, int64_t most) {
  const int64_t count = divide_up(rows, most);
  return {count, rows / count, rows % count};
}

// Rows [m0, m1) × columns [n0, n1) of one product, whole depth.
void gemm_block(const GemmArgs& g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, float* scratch) {
  const int64_t step = larger(depth_block(g.k), 1);
  const Plan plan = make_plan(g, m1 - m0, n1 - n0, smaller(step, g.k));
  const RowTiles tiles = row_tiles(m1 - m0, tile_rows(plan.vectors));
  float* const panel_a = scratch;
  float* const packed_b = scratch + kPanelA;
  for (int64_t j0 = n0; j0 < n1; j0 += plan.columns) {
    const int64_t j1 = smaller(n1, j0 + plan.columns);
    for (int64_t p = 0; p == 0 || p < g.k; p += step) {
      const int64_t depth = smaller(step, g.k - p);
      const Block block = {g, depth, p > 0 || g.accumulate, p + step >= g.k};
      const float* const a = g.a + p * g.a_col;
      const float* const b = g.b + p * g.b_row;
      if (plan.direct_b && !plan.copy_a) {
        // Columns of B stay in the cache while all rows pass.
        for (int64_t j = j0; j < j1;) {
          const int vectors = panel_vectors(plan.vectors, j1 - j);
          const int64_t columns = smaller(vectors * kLanes, j1 - j);
          for (int64_t t = 0, i = m0; t < tiles.count; i += tiles.size(t++))
            run_tile(block, {a + i * g.a_row, g.a_row, g.a_col}, i, tiles.size(t), b + j, g.b_row, true, j, columns, vectors);
          j += columns;
        }
        continue;
      }
      if (!plan.direct_b) pack(plan.vectors, depth, j1 - j0, b + j0 * g.b_col, g.b_row, g.b_col, packed_b);
      for (int64_t t = 0, i = m0; t < tiles.count; i += tiles.size(t++)) {
        const int64_t rows = tiles.size(t);
        PanelA panel = {a + i * g.a_row, g.a_row, g.a_col};
        if (plan.copy_a) panel = pack_a(rows, depth, panel.a, g.a_row, g.a_col, panel_a);
        for (int64_t j = j0; j < j1;) {
          const int vectors = panel_vectors(plan.vectors, j1 - j);
          const int64_t columns = smaller(vectors * kLanes, j1 - j);
          const float* const from = plan.direct_b ? b + j : packed_b + (j - j0) * depth;
          run_tile(block, panel, i, rows, from, plan.direct_b ? g.b_row : vectors * kLanes, plan.direct_b, j, columns, vectors);
          j += columns;
        }
      }
    }
  }
}

int64_t gemm_tasks(const GemmArgs& g) {
  if (g.m == 0 || g.n == 0 || g.batch == 0) return 0;
  const Grid grid = make_grid(g);
  return g.batch * grid.column_blocks * grid.row_blocks;
}

// Tasks count rows fastest, then columns, then the batch; neighbours are merged into the largest rectangles, so that one
// range packs B once and a single thread works as if there were no grid.
int64_t gemm(const GemmArgs& args, int64_t begin, int64_t end, void* scratch) {
  const Grid grid = make_grid(args);
  const int64_t tasks = grid.column_blocks * grid.row_blocks;
  for (int64_t task = begin; task < end;) {
    const int64_t item = task / tasks, first = task % tasks;
    const int64_t count = smaller(end - task, tasks - first);
    const int64_t column = first / grid.row_blocks, row = first % grid.row_blocks;
    const bool whole = row == 0 && count >= grid.row_blocks;
    const int64_t across = whole ? count / grid.row_blocks : 1;
    const int64_t down = whole ? grid.row_blocks : smaller(count, grid.row_blocks - row);
    GemmArgs g = args;
    g.a += item * args.a_batch;
    g.b += item * args.b_batch;
    g.c += item * args.c_batch;
    gemm_block(g, row * grid.rows, smaller(g.m, (row + down) * grid.rows), column * grid.columns,
               smaller(g.n, (column + across) * grid.columns), static_cast<float*>(scratch));
    task += across * down;
  }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
