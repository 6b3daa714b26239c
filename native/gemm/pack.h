// Copies of the operands in the order the tiles read them. Values only move: nothing here changes a bit of the result.
#pragma once
#include "blocking.h"

namespace lanewise::LW_ISA {
namespace {

// out[p][j] (pitch `width`, a multiple of kLanes) = b[p·b_row + j·b_col] for j < columns, 0 up to width.
void pack_b(int64_t depth, int64_t columns, int64_t width, const float* b, int64_t b_row, int64_t b_col, float* out) {
  for (int64_t j0 = 0; j0 < width; j0 += kLanes) {
    const int valid = static_cast<int>(larger(0, smaller(kLanes, columns - j0)));
    const float* in = b + j0 * b_col;
    float* to = out + j0;
    if (b_col == 1) {
      if (valid == kLanes) {
        for (int64_t p = 0; p < depth; ++p) store(to + p * width, load(in + p * b_row));
      } else {
        for (int64_t p = 0; p < depth; ++p) store(to + p * width, load_n(in + p * b_row, valid));
      }
    } else if (b_row == 1) {
      for (int64_t p = 0; p < depth; p += kLanes) {
        const int count = static_cast<int>(smaller(kLanes, depth - p));
        F32 rows[kLanes];
        if (count == kLanes && valid == kLanes) {
#pragma GCC unroll 16
          for (int j = 0; j < kLanes; ++j) rows[j] = load(in + j * b_col + p);
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
  for (int64_t p = 0; p < depth; ++p)
    for (int64_t i = 0; i < rows; ++i) out[p * rows + i] = a[i * a_row + p * a_k];
  return {out, 1, rows};
}

}  // namespace
}  // namespace lanewise::LW_ISA
