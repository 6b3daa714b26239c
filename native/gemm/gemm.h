// C[b] = activation(A[b] · B[b] (+ C[b]) + bias): the driver.
//
// Any strides of A and B; C is row-major and must not overlap the inputs. Sizes may be 0; K = 0 writes activation(C·accumulate + bias).
// Numbers: K falls into blocks of depth_block(K); inside a block the sum starts at 0 and is one chain of FMAs in order of k; blocks are
// added in order (the first to the old C when accumulating), then the bias, then the activation. So the bits depend neither on tiles,
// packing and threads nor on the ISA, as long as it fuses; the baseline rounds each product as well: |error| ≤ (K + 2)·2^-24·Σ|a·b| either
// way. A matrix whose k is contiguous times one vector has more chains: see dots.h. NaN passes relu.
#pragma once
#include "../kernels/math.h"
#include "dots.h"
#include "few_columns.h"
#include "few_rows.h"
#include "microkernel.h"
#include "one_row.h"
#include "operand.h"
#include "pack.h"

namespace lanewise::LW_ISA {
namespace {

// sigmoid and tanh run over a finished tile while it is in the cache; relu is part of the tile, so that it and none leave nothing to do.
void activate(Activation activation, int64_t rows, int64_t columns, float* c, int64_t c_row) {
  if (activation != Activation::sigmoid && activation != Activation::tanh) return;
  if (c_row == columns) columns *= rows, rows = 1;  // vectors go across rows
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; j += kLanes) {
      const int valid = static_cast<int>(smaller(kLanes, columns - j));
      float* p = c + i * c_row + j;
      const F32 x = load_n(p, valid);
      store_n(p, activation == Activation::sigmoid ? sigmoid(x) : tanh(x), valid);
    }
}

// How one rectangle of C is computed.
struct Plan {
  int vectors;               // the widest tile
  int64_t rows;              // of one block
  bool grouped;              // several blocks of rows share packed panels of B
  bool copy_a;               // rows of A, as they are
  bool tiled_a;              // rows of an A whose rows are contiguous, a panel for each tile
  bool in_registers;         // B is transposed on the fly
  bool one_row;              // read B from end to end
  bool b_in_place;           // no tile needs it packed
  bool far_a, far_b, far_c;  // too large for the L2 cache: fetched ahead
};

// `a_row`: floats that a row of A takes in the cache.
LW_INLINE Plan make_plan(const GemmArgs& g, int64_t rows, int64_t columns, int64_t depth, int64_t a_row) {
  Plan plan;
  plan.in_registers = g.b_row == 1 && g.b_col != 1 && rows <= kFewRows;
  const bool three = takes_three(rows) && g.b_col == 1;
  plan.vectors = plan.in_registers      ? 2
                 : rows <= tile_rows(8) ? 8
                 : rows <= tile_rows(4) ? 4
                 : columns <= kLanes    ? 1
                 : three                ? 3
                                        : kTileVectors;
  plan.one_row = rows == 1 && g.b_col == 1 && columns > kMaxVectors * kLanes;
  const int64_t most = tile_rows(plan.vectors), blocks = larger((rows * a_row + kBlockA / 2) / kBlockA, 1);
  plan.rows = blocks == 1 ? rows : divide_up(divide_up(rows, blocks), most) * most;
  plan.grouped = rows > plan.rows && !plan.in_registers;
  plan.copy_a = kCopiesA && g.a_col == 1 && g.a_row % kBadRowsA == 0 && depth > 64 && columns >= kCopyColumns;
  const bool bad_b = bad_rows_b(g.b_row, rows > kFewTiles * most && g.k > 2 * depth);
  const bool small_b = depth * columns <= kSmallB && !bad_b;  // stays in the L1 cache where it is
  plan.far_a = rows * g.k > kFar;
  plan.tiled_a = (kCopiesA || plan.far_a) && g.a_row == 1 && g.a_col >= kTiledPitch && depth > 64 && rows > most &&
                 columns >= (plan.far_a ? kTiledColumnsFar : kTiledColumns);
  plan.far_b = columns * g.k > kFar || g.cold_b;
  plan.b_in_place = !plan.grouped && g.b_col == 1 && (rows <= most || small_b || (rows <= kTilesInPlace * most && !bad_b));
  plan.far_c = rows * columns * g.batch > kFarC;
  return plan;
}

// One block of depth of one rectangle.
struct Block {
  const GemmArgs& g;
  RowTiles tiles;
  int64_t depth;
  const float* a;  // its first row
  const float* b;  // its first row of B
  float* panels;   // its panels of B, or room for one
  int64_t m0, rows, p0;
  bool add_c, is_last;
};

// The panel that starts at b, row by row or, where k is contiguous, a line of every column at a time.
LW_INLINE Ahead fetch_panel(const GemmArgs& g, const float* b, int64_t depth, int64_t width, int64_t tiles) {
  const int64_t across = divide_up(width, kLine), down = divide_up(depth, kLine);
  if (g.b_row != 1) return fetch_evenly(b, kLine, across, g.b_row - across * kLine, across * depth, tiles, depth);
  return fetch_evenly(b, g.b_col, width, kLine - width * g.b_col, width * down, tiles, depth);
}

// While a row tile runs, the rows of A of the next one.
LW_INLINE Ahead fetch_rows(const GemmArgs& g, const float* a, const RowTiles& tiles, int64_t depth) {
  const int64_t rows = tiles.size(0), next = rows * g.a_row, lines = divide_up(depth, kLine);
  if (g.a_row == 1)
    return fetch_evenly(a + next + rows - 1, g.a_col, depth, kLine - depth * g.a_col, divide_up(depth * rows, kLine), 1, depth);
  return fetch_evenly(a + next, kLine, lines, g.a_row - lines * kLine, lines * rows, 1, depth);
}

// How the tiles of a block read A: as it lies or from a copy.
template <class A>
struct RowsOfA {
  const Block& block;
  const A& from;
  float* const copy;
  const bool copied;  // row by row, a tile at a time while the first panel of B is computed
  const bool tiled;   // as a panel for each tile
  const int64_t row;  // from one row to the next

  RowsOfA(const Block& block, const Plan& plan, const A& from, float* copy)
      : block(block),
        from(from),
        copy(copy),
        copied(plan.copy_a || (A::kGathered && !A::kDepthMajor)),
        tiled(plan.tiled_a && !A::kGathered),
        row(A::kDepthMajor ? 1
            : tiled        ? block.depth
            : copied       ? panel_pitch(block.depth)
                           : block.g.a_row) {
    if (A::kDepthMajor) from.panel(block.p0, block.depth, block.m0, block.rows, panel_pitch(block.rows), copy);
    if (tiled) pack_tiles(block.tiles, block.g.m - block.m0, block.depth, block.a, block.g.a_col, copy);
  }

  // Copies rows [i, i + rows).
  void copy_rows(int64_t i, int64_t rows) const {
    if (A::kGathered) return from.rows(block.m0 + i, rows, block.p0, block.depth, copy + i * row, row);
    pack_a(rows, block.depth, block.a + i * block.g.a_row, block.g.a_row, copy + i * row);
  }

  // Tile t.
  void place(Tile& tile, int64_t t) const {
    const int64_t rows = block.tiles.size(t), start = block.tiles.start(t);
    tile.a = tiled ? copy + tile_panel(block.tiles, block.depth, t) : (A::kGathered || copied ? copy : block.a) + start * row;
    tile.a_next = rows * row + (tiled ? kLine : 0);
    tile.a_row = tiled ? 1 : row;
    tile.a_k = A::kDepthMajor ? panel_pitch(block.rows) : tiled ? rows : A::kGathered ? 1 : block.g.a_col;
  }
};

// Columns [j, j + columns) of a block.
struct Panel {
  int64_t j, columns;
  int vectors;
  const float* b;  // where it lies in B
  float* packed;   // its place as a packed panel
  bool is_first;
  bool is_full() const { return columns == vectors * kLanes; }
};

// All row tiles of one panel; `tile` has what they share.
template <class A>
void run_panel(const Block& block, const Plan& plan, const RowsOfA<A>& a, const Panel& panel, Tile& tile) {
  const GemmArgs& g = block.g;
  const RowTiles& tiles = block.tiles;
  const bool full = panel.is_full(), copies_a = panel.is_first && a.copied;
  for (int64_t t = 0; t < tiles.count; t += tile.count) {
    const int64_t rows = tiles.size(t), i = tiles.start(t);
    // What is left over of blocks that share no panels may be a single tile: nobody would read its copy, and it may have few rows.
    const bool alone = plan.b_in_place || (!plan.grouped && g.b_col == 1 && tiles.count == 1);
    const bool copies = !alone && !plan.grouped && g.b_col == 1 && t == 0, in_place = alone || copies;
    const bool streams = plan.b_in_place && t == 0 && plan.far_b && full;
    if (copies_a) a.copy_rows(i, rows);
    a.place(tile, t);
    tile.count = copies || copies_a || streams ? 1 : (t < tiles.longer ? tiles.longer : tiles.count) - t;
    tile.b = in_place || plan.in_registers ? panel.b : panel.packed;
    tile.b_k = plan.in_registers ? g.b_col : in_place ? g.b_row : panel.vectors * kLanes;
    tile.copy = panel.packed;
    tile.c = g.c + (block.m0 + i) * g.c_row + panel.j;
    tile.c_next = rows * g.c_row;
    const Edge edge = full ? Edge::full : in_place ? Edge::ragged : Edge::padded;
    const bool is_turned = a.tiled && !in_place;
    (plan.in_registers ? columns_tile_kernel(rows, panel.vectors, full)
     : copies          ? copying_tile_kernel(rows, panel.vectors, full)
     : streams         ? tile_kernel<Edge::full, Role::streamed>(rows, panel.vectors)
     : is_turned       ? turned_tile_kernel(rows, panel.vectors, edge)
                       : tile_kernel(rows, panel.vectors, edge))(tile);
    if (streams) tile.ahead.total = 0;
    if (block.is_last) activate(g.activation, tile.count * rows, panel.columns, tile.c, g.c_row);
  }
}

void run_row(const Block& block, int64_t n0, int64_t n1, float* scratch) {
  const GemmArgs& g = block.g;
  float* const c = g.c + block.m0 * g.c_row + n0;
  const bool relu = block.is_last && g.activation == Activation::relu;
  const float* const bias = block.is_last && g.bias != nullptr ? g.bias + n0 : nullptr;
  one_row(n1 - n0, block.depth, block.a, g.a_col, block.b + n0, g.b_row, bias, relu, block.add_c, c, scratch);
  if (block.is_last) activate(g.activation, 1, n1 - n0, c, g.c_row);
}

// Rows of one block × columns [n0, n1).
//
// A row-contiguous B is used in place by few row tiles or where it is small; else, unless its panels are there already, the first row
// tile that meets a panel leaves it behind packed. Other kinds of B are packed before. Meanwhile what comes next is fetched.
template <class A, class B>
void gemm_block(const Block& block, const Plan& plan, int64_t n0, int64_t n1, const A& from_a, const B& from_b, float* scratch) {
  if constexpr (!A::kGathered && !B::kGathered) {
    if (plan.one_row) return run_row(block, n0, n1, scratch);
  }
  const GemmArgs& g = block.g;
  const int64_t depth = block.depth, tiles = block.tiles.count;
  const RowsOfA<A> a(block, plan, from_a, scratch);
  Tile tile;
  tile.depth = depth;
  tile.c_row = g.c_row;
  tile.add_c = block.add_c;
  tile.relu = block.is_last && g.activation == Activation::relu;
  tile.far_c = plan.far_c;
  for (int64_t j = n0; j < n1;) {
    const int vectors = panel_vectors(plan.vectors, n1 - j);
    const int64_t width = vectors * kLanes, columns = smaller(width, n1 - j), next = j + columns;
    float* const packed = block.panels + (plan.grouped ? (j - n0) * depth : 0);
    const Panel panel = {j, columns, vectors, block.b + j * g.b_col, packed, j == n0};
    if (!plan.grouped && B::kGathered) from_b.panel(block.p0, depth, j, columns, width, packed);
    if (!plan.grouped && !B::kGathered && g.b_col != 1 && !plan.in_registers)
      pack_panel(depth, columns, width, panel.b, g.b_row, g.b_col, packed);
    tile.bias = block.is_last && g.bias != nullptr ? g.bias + j : nullptr;
    tile.last = static_cast<int>(columns - (width - kLanes));
    tile.ahead = {.at = panel.b};
    const bool wraps = next >= n1;
    if (plan.far_a && !a.tiled && !A::kDepthMajor && panel.is_first && tiles > 1)
      tile.ahead = fetch_rows(g, block.a, block.tiles, depth);
    else if (plan.far_b && !plan.grouped && !(wraps && block.is_last))
      tile.ahead = fetch_panel(g, wraps ? block.b + depth * g.b_row + n0 * g.b_col : block.b + next * g.b_col, depth, width, tiles);
    run_panel(block, plan, a, panel, tile);
    j = next;
  }
}

// Columns [n0, n1) of the depth block of B at p as panels, one behind the other: that of column j begins at (j - n0)·depth.
template <class B>
void pack_group(const GemmArgs& g, int most, int64_t p, int64_t n0, int64_t n1, const B& from_b, float* out) {
  const int64_t depth = smaller(depth_block(g.k), g.k - p);
  const float* const b = g.b + p * g.b_row;
  for (int64_t j = n0; j < n1;) {
    const int vectors = panel_vectors(most, n1 - j);
    const int64_t width = vectors * kLanes, columns = smaller(width, n1 - j);
    float* const to = out + (j - n0) * depth;
    if (B::kGathered) {
      from_b.panel(p, depth, j, columns, width, to);
    } else if (g.b_col == 1 && columns == width) {
      const int64_t whole = (n1 - j) / width * width;
      pack_strips(depth, whole, width, b + j, g.b_row, to);
      j += whole;
      continue;
    } else {
      pack_panel(depth, columns, width, b + j * g.b_col, g.b_row, g.b_col, to);
    }
    j += width;
  }
}

// Rows [m0, m1) × columns [n0, n1) of one product, whole depth.
template <class A = Strided, class B = Strided>
void gemm_rectangle(const GemmArgs& g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, float* scratch, const A& from_a = {},
                    const B& from_b = {}) {
  const int64_t step = larger(depth_block(g.k), 1);
  Plan plan = make_plan(g, m1 - m0, n1 - n0, step, A::kGathered && !A::kDepthMajor ? panel_pitch(step) : step);
  plan.far_a = plan.far_a && !A::kGathered;
  plan.far_b = plan.far_b && !B::kGathered;
  float* const panels = scratch + kScratchA;
  const auto run = [&](int64_t m, int64_t p, int64_t n, int64_t end, float* packed) {
    const int64_t rows = smaller(plan.rows, m1 - m);
    const RowTiles tiles = row_tiles(rows, divide_up(rows, tile_rows(plan.vectors)));
    const float *const a = g.a + m * g.a_row + p * g.a_col, *const b = g.b + p * g.b_row;
    gemm_block({g, tiles, smaller(step, g.k - p), a, b, packed, m, rows, p, p > 0 || g.accumulate, p + step >= g.k}, plan, n, end, from_a,
               from_b, scratch);
  };
  if (A::kGathered) {
    // Depth blocks of the same rows follow one another: what they gather lies side by side.
    const int64_t pitch = divide_up(n1 - n0, kLanes) * kLanes;
    plan.grouped = plan.grouped && g.k * pitch <= kMaxGroupB;
    for (int64_t p = 0; plan.grouped && p < g.k; p += step) pack_group(g, plan.vectors, p, n0, n1, from_b, panels + p * pitch);
    for (int64_t m = m0; m < m1; m += plan.rows)
      for (int64_t p = 0; p == 0 || p < g.k; p += step) run(m, p, n0, n1, plan.grouped ? panels + p * pitch : panels);
    return;
  }
  const int64_t width = plan.vectors * kLanes, group = plan.grouped ? larger(kMaxGroupB / step / width, 1) * width : n1 - n0;
  for (int64_t p = 0; p == 0 || p < g.k; p += step)
    for (int64_t n = n0; n < n1; n += group) {
      const int64_t end = smaller(n1, n + group);
      if (plan.grouped) pack_group(g, plan.vectors, p, n, end, from_b, panels);
      for (int64_t m = m0; m < m1; m += plan.rows) run(m, p, n, end, panels);
    }
}

// The same through the transpose of C.
template <class A = Strided, class B = Strided>
void gemm_transposed(const GemmArgs& g, int64_t m0, int64_t m1, float* scratch, const A& from_a = {}, const B& from_b = {}) {
  float* const block = scratch + kScratchA + kScratchB;
  for (int64_t m = m0; m < m1; m += kTransposedRows) {
    const int64_t rows = smaller(kTransposedRows, m1 - m);
    float* const c = g.c + m * g.c_row;
    if (g.accumulate) read_transposed(rows, g.n, c, g.c_row, block, kTransposedPitch);
    gemm_rectangle(transposed(g, m, rows, block, kTransposedPitch), 0, g.n, 0, rows, scratch, from_b, from_a.from(m));
    write_transposed(g, rows, block, kTransposedPitch, c);
    activate(g.activation, rows, g.n, c, g.c_row);
  }
}

int64_t gemm_tasks(const GemmArgs& g) {
  if (g.m == 0 || g.n == 0 || g.batch == 0) return 0;
  const Grid grid = make_grid(g);
  return g.batch * grid.column_blocks * grid.row_blocks;
}

// Tasks count rows fastest, then columns, then the items of a batch; neighbours are merged into the largest rectangles, so that one
// range packs B once and a single thread works as if there were no grid. Where rows are dear, because all of them are copied, columns
// come first if there are fewer. Calls run(item, first row, beyond, first column, beyond).
template <class Run>
LW_INLINE void for_each_rectangle(const Grid& grid, int64_t m, int64_t n, int64_t begin, int64_t end, const Run& run,
                                  bool dear_rows = false) {
  const int64_t tasks = grid.column_blocks * grid.row_blocks;
  if (tasks == 1) {  // without a division
    for (int64_t item = begin; item < end; ++item) run(item, 0, m, 0, n);
    return;
  }
  const bool columns_first = dear_rows && m > n;
  const int64_t line = columns_first ? grid.column_blocks : grid.row_blocks;
  for (int64_t task = begin; task < end;) {
    const int64_t item = task / tasks, first = task % tasks;
    const int64_t count = smaller(end - task, tasks - first);
    const int64_t at = first % line;
    const bool whole = at == 0 && count >= line;
    const int64_t lines = whole ? count / line : 1, length = whole ? line : smaller(count, line - at);
    const int64_t row = columns_first ? first / line : at, down = columns_first ? lines : length;
    const int64_t column = columns_first ? at : first / line, across = columns_first ? length : lines;
    run(item, row * grid.rows, smaller(m, (row + down) * grid.rows), column * grid.columns, smaller(n, (column + across) * grid.columns));
    task += across * down;
  }
}

LW_INLINE GemmArgs batch_item(const GemmArgs& args, int64_t item) {
  GemmArgs g = args;
  const int64_t outer = args.inner == args.batch ? 0 : item / args.inner, inner = item - outer * args.inner;
  g.a += outer * args.a_outer + inner * args.a_batch;
  g.b += outer * args.b_outer + inner * args.b_batch;
  g.c += outer * args.c_outer + inner * args.c_batch;
  return g;
}

// A matrix whose rows or columns are contiguous; of others nothing.
LW_INLINE void fetch_matrix(const float* at, int64_t rows, int64_t columns, int64_t row, int64_t column) {
  if (row != 1 && column != 1) return;
  const bool by_rows = column == 1;
  const int64_t runs = by_rows ? rows : columns, length = by_rows ? columns : rows, step = by_rows ? row : column;
  for (int64_t i = 0; i < runs; ++i)
    for (int64_t j = 0; j < length; j += kLine) prefetch_l2(at + i * step + j);
}

// While a small product of a batch runs, the operands of the next: short runs far apart, as those of a head of attention, are foreseen by
// no processor.
__attribute__((noinline)) void fetch_item(const GemmArgs& args, int64_t item, const GemmArgs& before) {
  const int64_t elements = (args.m + args.n) * args.k;
  if (item == args.batch || elements > kFetchedItem || elements * args.batch <= kFar) return;
  const GemmArgs next = batch_item(args, item);
  if (next.a != before.a) fetch_matrix(next.a, next.m, next.k, next.a_row, next.a_col);
  if (next.b != before.b) fetch_matrix(next.b, next.k, next.n, next.b_row, next.b_col);
}

int64_t gemm(const GemmArgs& args, int64_t begin, int64_t end, void* scratch) {
  float* const floats = static_cast<float*>(scratch);
  for_each_rectangle(make_grid(args), args.m, args.n, begin, end, [&](int64_t item, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
    const GemmArgs g = batch_item(args, item);
    if (args.batch > 1 && m1 - m0 == g.m && n1 - n0 == g.n) fetch_item(args, item + 1, g);
    if (is_dots(g)) {
      gemm_dots(g, g.n == 1 ? m0 : n0, g.n == 1 ? m1 : n1, floats);
      activate(g.activation, m1 - m0, n1 - n0, g.c + m0 * g.c_row + n0, g.c_row);
    } else if (better_transposed(g, m1 - m0)) {
      gemm_transposed(g, m0, m1, floats);
    } else {
      gemm_rectangle(g, m0, m1, n0, n1, floats);
    }
  });
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
