// Sizes of the GEMM, as data. M, N, K: rows, columns and depth of the product; sizes are in elements.
#pragma once
#include <stdint.h>

#include "../kernels/args.h"
#include "../kernels/sizes.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kLine = 16;  // elements of a cache line

// The depth block is part of the numerical contract: a pure function of K, the same on every ISA. 384 is the choice of BLIS skx and oneDNN.
constexpr int64_t kMaxDepth = 384;
LW_INLINE int64_t depth_block(int64_t k) {
  if (k <= kMaxDepth) return k;
  return divide_up(divide_up(k, divide_up(k, kMaxDepth)), 8) * 8;
}

// A tile is rows × vectors accumulators; beside them live one row of B vectors and the broadcast elements of A.
// 32 registers: 12×2 = 24 + 2 + 1; 16 registers: 6×2 = 12 + 2 + 1. Few rows take wider tiles, so that at least
// 8 independent chains hide the latency of two FMA pipes; with AVX-512 as many as fit: 6×1000² and 8×1760² 11 to 13 % faster.
constexpr int kMaxVectors = 8;
constexpr int tile_rows(int vectors) {
  constexpr bool many = kVectorRegisters == 32, widest = kLanes == 16;
  switch (vectors) {
    case 1: return 12;
    case 2: return many ? 12 : 6;
    case 3: return widest ? 8 : 0;
    case 4: return widest ? 6 : many ? 4 : 2;
    case 8: return many ? 2 : 1;
    default: return 0;
  }
}
constexpr int kTileVectors = 2;
constexpr int kTileColumns = kTileVectors * kLanes;
constexpr int kTileRows = tile_rows(kTileVectors);
// One or two tiles of three vectors, where tiles of two would leave registers empty.
LW_INLINE bool takes_three(int64_t rows) { return rows <= tile_rows(3) || (rows > kTileRows && rows <= 2 * tile_rows(3)); }

// The widest panel for `columns` columns, at most `most` vectors: whole vectors while they fit, one padded vector at the end.
LW_INLINE int panel_vectors(int most, int64_t columns) {
  const int64_t left = divide_up(columns, kLanes);
  while (most > left) most = most == 3 ? 2 : most / 2;
  return most;
}

// Rows are taken in blocks of about kBlockA elements of A, so that a block stays in the L2 cache beside the panels of B that pass: 384 KB
// of 1 MB and more where there are 32 registers, else 192 KB of 512 KB. Every panel of B meets all rows of a block at once.
constexpr int64_t kBlockA = (kVectorRegisters == 32 ? 96 : 48) * 1024, kMaxBlockA = kBlockA * 3 / 2;

// Several blocks of rows share groups of packed panels of B of at most so many elements (768 KB).
constexpr int64_t kMaxGroupB = 192 * 1024;

// Packing them, strips of so many columns (of A: row tiles) at a time are read from end to end, each line fetched so many rows ahead.
constexpr int64_t kStrip = 8 * kLine, kStripAhead = 8, kStripTiles = 24;

// An operand of more elements than this is not expected in the L2 cache.
constexpr int64_t kFar = 224 * 1024, kFarC = 128 * 1024;
// Of a batch the operands of the next product are fetched if they are at most so many (64 KB).
constexpr int64_t kFetchedItem = 16 * 1024;
// Copying a panel of B, so many of its rows ahead are fetched into the L1 cache (0: none): 3 per cent on an Intel with AVX-512, nothing on
// Zen 3 with AVX2. Up to so many row tiles read B in place, one after the other: on Zen 5 7 to 13 per cent faster than with a copy.
constexpr int64_t kCopyAhead = kLanes == 16 ? 8 : 0, kTilesInPlace = kLanes == 16 ? 6 : 1;
// A B of at most this many (16 KB) stays in the L1 cache.
constexpr int64_t kSmallB = 4 * 1024;

// At a pitch of a multiple of 4 KB all rows of A fall into one set of the L1 cache: such an A is copied where that many columns repay it
// (1024³ on Zen 3: 4 % more; at 512 the copy already loses 5 %). B has more rows to keep apart, so it is copied from 1 KB on.
constexpr int64_t kBadRowsA = 1024, kCopyColumns = 128;

// With AVX-512 B is copied only where more than three row tiles meet more than two blocks of depth: others are 2 to 14 % faster on Zen 5.
constexpr int64_t kFewTiles = 3;
LW_INLINE bool bad_rows_b(int64_t pitch, bool many) { return kLanes == 16 ? many && pitch % 512 == 0 : pitch % 256 == 0; }

// An A whose rows are contiguous is copied where so many columns repay it: its steps of k lie on a page each and, at many pitches, share
// few sets of the L1 cache. What comes from beyond the L2 cache is then at least read from end to end.
constexpr int64_t kTiledPitch = 128, kTiledColumns = 256, kTiledColumnsFar = 64;

// With AVX-512 A is copied only where its rows are contiguous and it is beyond the L2 cache: all other copies cost Zen 5 up to 25 %, this
// one costs it 3 %, and spares Sapphire Rapids 10 to 35 % (TN 512³ and 1024³).
constexpr bool kCopiesA = kLanes != 16;

// Row tiles are as equal as can be: none is left with the latency of one or two rows.
struct RowTiles {
  int64_t count, rows, longer;
  int64_t size(int64_t t) const { return rows + (t < longer); }
  int64_t start(int64_t t) const { return t * rows + smaller(t, longer); }
};
LW_INLINE RowTiles row_tiles(int64_t rows, int64_t count) { return {count, rows / count, rows % count}; }

// A copied A keeps its rows at an odd number of cache lines.
LW_INLINE int64_t panel_pitch(int64_t depth) { return (divide_up(depth, kLine) | 1) * kLine; }

// Few columns are computed transposed, up to so many and so many rows at a time; where k is not contiguous on either side, if A has more
// elements than kFarTransposed.
constexpr int64_t kFarTransposed = kCopiesA ? kFar : 1 << 20;
constexpr int64_t kMaxTransposed = 64, kTransposedRows = 512, kTransposedPitch = kTransposedRows + kLine;

// Scratch: the panels of A with their padding, the panels of B and a line to write over, a transposed block of C.
constexpr int64_t kScratchA = 2 * kBlockA, kPanelB = kMaxDepth * kMaxVectors * kLanes + kLine;
constexpr int64_t kScratchB = kMaxGroupB + kPanelB;
constexpr int64_t kTransposedC = kMaxTransposed * kTransposedPitch;
// A pitch is at most 5/4 of a depth above 64, as are tiles a line apart.
static_assert((kMaxBlockA + kTileRows * kMaxDepth) * 5 / 4 <= kScratchA);
static_assert((kScratchA + kScratchB + kTransposedC) * sizeof(float) <= kScratchBytes);

// Tasks: some 2^17 multiply-adds each (a few microseconds), at most 96 of them (every count up to 4 and 6, 8, 12, 16 threads divides it).
constexpr int64_t kTaskWork = 1 << 17, kMaxTasks = 96;
constexpr int64_t kTaskRows = 12, kTaskColumns = 32;  // at least; columns that may be computed transposed stay together

struct Grid {
  int64_t row_blocks, column_blocks, rows, columns;  // rows and columns of one block
};

// Depends on the sizes alone. A block is about as many rows as columns: that is the least packing for its work.
LW_INLINE Grid make_grid(const GemmArgs& g) {
  const double work = static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(larger(g.k, 1));
  if (work <= kTaskWork) return {1, 1, g.m, g.n};
  const bool most = work * static_cast<double>(g.batch) >= static_cast<double>(kTaskWork) * kMaxTasks;  // in int64_t it may overflow
  const int64_t tasks = most ? kMaxTasks : divide_up(g.m * g.n * larger(g.k, 1) * g.batch, kTaskWork);
  const int64_t blocks = divide_up(tasks, g.batch);
  const int64_t most_rows = divide_up(g.m, kTaskRows), most_columns = g.n <= kMaxTransposed ? 1 : divide_up(g.n, kTaskColumns);
  int64_t across = 1;
  while (across < most_columns && (across + 1) * (across + 1) * g.m <= blocks * g.n) ++across;
  int64_t down = smaller(divide_up(blocks, across), most_rows);
  across = smaller(divide_up(blocks, down), most_columns);
  // Blocks are as equal as can be: whoever has the largest is waited for.
  down = divide_up(most_rows, divide_up(most_rows, down));
  across = divide_up(most_columns, divide_up(most_columns, across));
  const int64_t rows = divide_up(g.m, down), columns = most_columns == 1 ? g.n : divide_up(most_columns, across) * kTaskColumns;
  return {divide_up(g.m, rows), divide_up(g.n, columns), rows, columns};
}

}  // namespace
}  // namespace lanewise::LW_ISA
