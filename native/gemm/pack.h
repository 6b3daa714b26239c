// Copies of the operands in the order the tiles read them. Values only move: nothing here changes a bit of the result.
#pragma once
#include "blocking.h"

namespace lanewise::LW_ISA {
namespace {

// kLanes steps of k of up to kLanes columns, k contiguous: out[p][j] = b[p + j·b_col], 0 beyond `count` steps and `valid` columns.
LW_INLINE void load_turned(const float* b, int64_t b_col, int count, int valid, F32 out[kLanes]) {
  if (count == kLanes && valid == kLanes) {
#pragma GCC unroll 16
    for (int j = 0; j < kLanes; ++j) out[j] = load(b + j * b_col);
  } else {
#pragma GCC unroll 16
    for (int j = 0; j < kLanes; ++j) out[j] = j < valid ? load_n(b + j * b_col, count) : zero();
  }
  transpose(out);
}

// A panel of B is [depth][width], zero beyond the last column.
// out[p][j] (pitch `width`, a multiple of kLanes) = b[p·b_row + j·b_col] for j < columns, 0 up to width.
void pack_panel(int64_t depth, int64_t columns, int64_t width, const float* b, int64_t b_row, int64_t b_col, float* out) {
  for (int64_t j0 = 0; j0 < width; j0 += kLanes) {
    const int valid = static_cast<int>(larger(0, smaller(kLanes, columns - j0)));
    const float* in = b + j0 * b_col;
    float* to = out + j0;
    if (b_row == 1) {
      for (int64_t p = 0; p < depth; p += kLanes) {
        const int count = static_cast<int>(smaller(kLanes, depth - p));
        F32 rows[kLanes];
        load_turned(in + p, b_col, count, valid, rows);
        if (count == kLanes) {
#pragma GCC unroll 16
          for (int i = 0; i < kLanes; ++i) store(to + (p + i) * width, rows[i]);
        } else {
#pragma GCC unroll 16
          for (int i = 0; i < kLanes; ++i)
            if (i < count) store(to + (p + i) * width, rows[i]);
        }
      }
    } else {
      for (int64_t p = 0; p < depth; ++p)
        for (int64_t j = 0; j < kLanes; ++j) to[p * width + j] = j < valid ? in[p * b_row + j * b_col] : 0.0f;
    }
  }
}

LW_INLINE void copy_exactly(int64_t count, const float* from, float* to) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(to + i, load(from + i));
  if (i < count) store_n(to + i, load_n(from + i, static_cast<int>(count - i)), static_cast<int>(count - i));
}

// `rows` rows of a k-contiguous A at panel_pitch(depth).
void pack_a(int64_t rows, int64_t depth, const float* a, int64_t a_row, float* out) {
  const int64_t pitch = panel_pitch(depth);
  for (int64_t i = 0; i < rows; ++i) copy_exactly(depth, a + i * a_row, out + i * pitch);
}

// Where the panel of row tile t lies: a line apart from its neighbours, so that a whole vector may be stored at its end and not all panels
// begin in the same set of the L1 cache.
LW_INLINE int64_t tile_panel(const RowTiles& tiles, int64_t depth, int64_t t) { return tiles.start(t) * depth + t * kLine; }

// Steps of k of an A whose rows are contiguous, as a panel [depth][size] for each row tile; from its first row on A has `beyond` of them.
// Some tiles at a time: as many lines as the L1 cache can hold at any pitch of panels. The steps to come are fetched.
void pack_tiles(const RowTiles& tiles, int64_t beyond, int64_t depth, const float* a, int64_t a_col, float* out) {
  for (int64_t t0 = 0; t0 < tiles.count; t0 += kStripTiles) {
    const int64_t t1 = smaller(tiles.count, t0 + kStripTiles), begin = tiles.start(t0), end = tiles.start(t1);
    for (int64_t p = 0; p < depth; ++p) {
      const float* from = a + p * a_col + begin;
      for (int64_t i = 0; i < end - begin; i += kLine) prefetch(from + kStripAhead * a_col + i);
      float* panel = out + tile_panel(tiles, depth, t0);
      int64_t left = beyond - begin;
      for (int64_t t = t0; t < t1; ++t) {
        const int64_t size = tiles.size(t);
        for (int64_t i = 0; i < size; i += kLanes)
          store(panel + p * size + i, i + kLanes <= left ? load(from + i) : load_n(from + i, static_cast<int>(left - i)));
        from += size;
        left -= size;
        panel += size * depth + kLine;
      }
    }
  }
}

// Columns [0, columns) of a row-contiguous B as panels of `width`, a whole number of them: in strips whose rows are read from end to end,
// a few lines at a time, while the rows to come are fetched. Panel by panel, every line of B would lie on another page.
void pack_strips(int64_t depth, int64_t columns, int64_t width, const float* b, int64_t b_row, float* out) {
  const int64_t strip = larger(1, kStrip / width) * width;
  for (int64_t j0 = 0; j0 < columns; j0 += strip) {
    const int64_t end = smaller(columns, j0 + strip);
    for (int64_t p = 0; p < depth; ++p) {
      const float *const row = b + p * b_row, *const ahead = row + kStripAhead * b_row;
      for (int64_t j = j0; j < end; j += width) {
        float* const to = out + j * depth + p * width;
        for (int64_t i = 0; i < width; i += kLine) prefetch(ahead + j + i);
        for (int64_t i = 0; i < width; i += kLanes) store(to + i, load(row + j + i));
      }
    }
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
