// Rows no longer than a vector, kLanes of them side by side: column c of all rows in one vector, so that functions and reductions
// of many short rows fill the lanes. Reductions take the tree of lanes.h, so the bits are those of one row at a time.
#pragma once

#include "args.h"
#include "lanes.h"

namespace lanewise::LW_ISA {
namespace {

// column[c] of `rows` ≤ kLanes rows of `columns` ≤ kLanes elements; lanes beyond are zero.
LW_INLINE void load_columns(const float* in, int rows, int columns, F32 column[kLanes]) {
  for (int r = 0; r < kLanes; ++r) column[r] = r < rows ? load_n(in + r * columns, columns) : zero();
  transpose(column);
}

// The inverse; `column` is used up.
LW_INLINE void store_columns(F32 column[kLanes], int rows, int columns, float* out) {
  transpose(column);
  for (int r = 0; r < kLanes; ++r) {
    if (r < rows) store_n(out + r * columns, column[r], columns);
  }
}

// Over columns, for every row at once.
template <class Fold>
LW_INLINE F32 fold_columns(const F32* column, int columns) {
  int width = 1;
  while (width < columns) width *= 2;
  F32 part[kLanes];
  for (int c = 0; c < width; ++c) part[c] = c < columns ? column[c] : set1(Fold::kNeutral);
  for (int half = width / 2; half > 0; half /= 2) {
    for (int c = 0; c < half; ++c) part[c] = Fold::step(part[c], part[c + half]);
  }
  return part[0];
}

}  // namespace
}  // namespace lanewise::LW_ISA
