// C[b] = activation(A[b] · B[b] (+ C[b]) + bias): the driver.
//
// Any strides of A and B; C is row-major and must not overlap the inputs. Sizes may be 0; K = 0 writes activation(C·accumulate + bias).
// Numbers: K falls into blocks of depth_block(K); inside a block the sum starts at 0 and is one chain of FMAs in order of k; blocks are added in
// order (the first to the old C when accumulating), then the bias, then the activation. So the bits depend neither on tiles, packing and threads
// nor on the ISA, as long as it fuses; the baseline rounds each product as well: |error| ≤ (K + 2)·2^-24·Σ|a·b| either way. NaN passes relu.
#pragma once
#include "../kernels/math.h"
#include "microkernel.h"
#include "pack.h"

namespace lanewise::LW_ISA {
namespace {

// sigmoid and tanh run over the finished columns while they are in the cache; relu is part of the tile.
void activate(Activation activation, int64_t rows, int64_t columns, float* c, int64_t c_row) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; j += kLanes) {
      const int valid = static_cast<int>(smaller(kLanes, columns - j));
      float* p = c + i * c_row + j;
      const F32 x = load_n(p, valid);
      store_n(p, activation == Activation::sigmoid ? sigmoid(x) : tanh(x), valid);
    }
}

// Rows [m0, m1) × columns [n0, n1) of one product, whole depth.
void gemm_block(const GemmArgs& g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, float* scratch) {
  const int64_t rows = m1 - m0, step = larger(depth_block(g.k), 1);
  float* const panel_a = scratch;
  float* const packed_b = scratch + kPanelA;
  const bool wide = rows <= tile_rows(4);
  const int most_vectors = rows <= tile_rows(8) ? 8 : wide ? 4 : kTileVectors;
  const int64_t most_rows = tile_rows(most_vectors);
  const bool direct_b = g.b_col == 1 && (rows <= 48 || g.m * g.n * g.k <= 1000000);
  const bool copy_a = false;
  const int64_t most_columns = direct_b ? larger(n1 - n0, 1) : kMaxPackedB / step / kTileColumns * kTileColumns;
  for (int64_t j0 = n0; j0 < n1; j0 += most_columns) {
    const int64_t j1 = smaller(n1, j0 + most_columns);
    for (int64_t p = 0; p == 0 || p < g.k; p += step) {
      const int64_t depth = smaller(step, g.k - p);
      const bool is_last = p + step >= g.k;
      const int64_t tiles = divide_up(rows, most_rows);
      int64_t i = m0;
      for (int64_t t = 0; t < tiles; ++t) {
        const int64_t tile_rows_now = rows / tiles + (t < rows % tiles);
        const float* a = g.a + i * g.a_row + p * g.a_col;
        PanelA panel = copy_a ? pack_a(tile_rows_now, depth, a, g.a_row, g.a_col, panel_a) : PanelA{a, g.a_row, g.a_col};
        for (int64_t j = j0; j < j1;) {
          const int64_t vectors_left = divide_up(j1 - j, kLanes);
          int vectors = most_vectors;
          while (vectors > vectors_left) vectors /= 2;
          const int64_t width = vectors * kLanes, columns = smaller(width, j1 - j);
          Tile tile;
          tile.depth = depth;
          tile.a = panel.a;
          tile.a_row = panel.a_row;
          tile.a_k = panel.a_k;
          if (direct_b) {
            tile.b = g.b + p * g.b_row + j;
            tile.b_k = g.b_row;
          } else {
            float* const to = packed_b + (j - j0) * depth;
            if (t == 0) pack_b(depth, columns, width, g.b + p * g.b_row + j * g.b_col, g.b_row, g.b_col, to);
            tile.b = to;
            tile.b_k = width;
          }
          tile.c = g.c + i * g.c_row + j;
          tile.c_row = g.c_row;
          tile.bias = is_last && g.bias != nullptr ? g.bias + j : nullptr;
          tile.last = static_cast<int>(columns - (width - kLanes));
          tile.add_c = p > 0 || g.accumulate;
          tile.relu = is_last && g.activation == Activation::relu;
          const Edge edge = columns == width ? Edge::full : direct_b ? Edge::ragged : Edge::padded;
          tile_kernel(tile_rows_now, vectors, edge)(tile);
          j += columns;
        }
        if (is_last && g.activation != Activation::none && g.activation != Activation::relu)
          activate(g.activation, tile_rows_now, j1 - j0, g.c + i * g.c_row + j0, g.c_row);
        i += tile_rows_now;
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
