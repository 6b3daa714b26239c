// Copies of the operands in the order the tiles read them. Values only move: nothing here changes a bit of the result.
#pragma once
#include "blocking.h"

namespace lanewise::LW_ISA {
namespace {

// Packed B is a row of panels: panel j holds columns [j, j + width) as [depth][width], width the widest that fits what is left
// (kVectors vectors, then half of them, …, one), the last one filled up with zeros. The panel of column j starts at depth · j.

// One panel from rows of B.
template <int kWidthVectors>
LW_INLINE void pack_panel_rows(int64_t rows, const float* b, int64_t b_row, float* out, int64_t ahead) {
  for (int64_t p = 0; p < rows; ++p) {
#pragma GCC unroll 8
    for (int v = 0; v < kWidthVectors; ++v) {
      prefetch(b + p * b_row + ahead + v * kLanes);
      store(out + (p * kWidthVectors + v) * kLanes, load(b + p * b_row + v * kLanes));
    }
  }
}

// Whole panels from row-contiguous B, a few rows at a time across all panels: long runs for the prefetcher, few pages at once.
template <int kWidthVectors>
void pack_rows(int64_t depth, int64_t columns, const float* b, int64_t b_row, float* out) {
  constexpr int64_t kWidth = kWidthVectors * kLanes, kRows = 4;
  for (int64_t p = 0; p < depth; p += kRows) {
    const int64_t rows = smaller(kRows, depth - p);
    for (int64_t j = 0; j < columns; j += kWidth)
      pack_panel_rows<kWidthVectors>(rows, b + p * b_row + j, b_row, out + j * depth + p * kWidth, kRows * b_row);
  }
}

// Any panel of any B: out[p][j] (pitch `width`, a multiple of kLanes) = b[p·b_row + j·b_col] for j < columns, 0 up to width.
void pack_panel(int64_t depth, int64_t columns, int64_t width, const float* b, int64_t b_row, int64_t b_col, float* out) {
  for (int64_t j0 = 0; j0 < width; j0 += kLanes) {
    const int valid = static_cast<int>(larger(0, smaller(kLanes, columns - j0)));
    const float* in = b + j0 * b_col;
    float* to = out + j0;
    if (b_col == 1) {
      for (int64_t p = 0; p < depth; ++p) store(to + p * width, load_n(in + p * b_row, valid));
    } else if (b_row == 1) {
      for (int64_t p = 0; p < depth; p += kLanes) {
        const int count = static_cast<int>(smaller(kLanes, depth - p));
        F32 rows[kLanes];
        if (count == kLanes && valid == kLanes) {
#pragma GCC unroll 16
          for (int j = 0; j < kLanes; ++j) {
            rows[j] = load(in + j * b_col + p);
            prefetch(in + j * b_col + p + 2 * kLanes);
          }
        } else {
#pragma GCC unroll 16
          for (int j = 0; j < kLanes; ++j) rows[j] = j < valid ? load_n(in + j * b_col + p, count) : zero();
        }
        transpose(rows);
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

// All panels of `columns` columns, at most kVectors vectors wide.
template <int kVectors>
void pack_b(int64_t depth, int64_t columns, const float* b, int64_t b_row, int64_t b_col, float* out) {
  constexpr int64_t kWidth = kVectors * kLanes;
  int64_t j = 0;
  if (b_col == 1) {
    j = columns / kWidth * kWidth;
    pack_rows<kVectors>(depth, j, b, b_row, out);
  }
  while (j < columns) {
    const int64_t width = panel_vectors(kVectors, columns - j) * kLanes;
    pack_panel(depth, columns - j, width, b + j * b_col, b_row, b_col, out + j * depth);
    j += width;
  }
}

// A panel of `rows` rows: k-contiguous operands keep their rows at pitch kPanelPitch, others become [p][rows].
struct PanelA {
  const float* a;
  int64_t a_row, a_k;
};

PanelA pack_a(int64_t rows, int64_t depth, const float* a, int64_t a_row, int64_t a_k, float* out) {
  if (a_k == 1) {
    for (int64_t i = 0; i < rows; ++i) {
      const float* in = a + i * a_row;
      float* to = out + i * kPanelPitch;
      int64_t p = 0;
      for (; p + kLanes <= depth; p += kLanes) store(to + p, load(in + p));
      if (p < depth) store_n(to + p, load_n(in + p, static_cast<int>(depth - p)), static_cast<int>(depth - p));
    }
    return {out, kPanelPitch, 1};
  }
  if (a_row == 1) {
    // A vector at a time; what a store leaves behind its rows, the next one overwrites.
    for (int64_t i = 0; i < rows; i += kLanes) {
      const int valid = static_cast<int>(smaller(kLanes, rows - i));
      for (int64_t p = 0; p < depth; ++p) store(out + p * kPanelRows + i, load_n(a + p * a_k + i, valid));
    }
    return {out, 1, kPanelRows};
  }
  for (int64_t p = 0; p < depth; ++p)
    for (int64_t i = 0; i < rows; ++i) out[p * kPanelRows + i] = a[i * a_row + p * a_k];
  return {out, 1, kPanelRows};
}

}  // namespace
}  // namespace lanewise::LW_ISA
