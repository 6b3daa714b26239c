// Walking a strided index space of up to kMaxRank dimensions, row by row (a row: the last dimension).
#pragma once

#include "args.h"

namespace lanewise::LW_ISA {
namespace {

struct IndexSpace {
  int rank;  // at least 1
  int64_t dims[kMaxRank];
};

// Drops dimensions of size 1 and merges neighbours d, d + 1 wherever stride[d] = stride[d + 1] · dims[d + 1] for all `count` operands.
static void collapse(int rank, const int64_t* dims, int count, const int64_t* const* strides, IndexSpace& space, int64_t* const* merged) {
  int r = -1;
  for (int d = 0; d < rank; ++d) {
    if (dims[d] == 1) continue;
    bool joins = r >= 0;
    for (int k = 0; joins && k < count; ++k) joins = merged[k][r] == strides[k][d] * dims[d];
    if (joins) {
      space.dims[r] *= dims[d];
    } else {
      space.dims[++r] = dims[d];
    }
    for (int k = 0; k < count; ++k) merged[k][r] = strides[k][d];
  }
  if (r < 0) {
    space.dims[r = 0] = 1;
    for (int k = 0; k < count; ++k) merged[k][0] = 0;
  }
  space.rank = r + 1;
}

struct Cursor {
  int64_t index[kMaxRank];
  int64_t offset;  // in elements of the operand whose strides it was made with
};

LW_INLINE Cursor cursor_at(const IndexSpace& space, const int64_t* stride, int64_t position) {
  Cursor cursor;
  cursor.offset = 0;
  for (int d = space.rank - 1; d > 0; --d) {
    const int64_t rows = position / space.dims[d];
    cursor.index[d] = position - rows * space.dims[d];
    cursor.offset += cursor.index[d] * stride[d];
    position = rows;
  }
  cursor.index[0] = position;
  cursor.offset += position * stride[0];
  return cursor;
}

// To the beginning of the next row.
LW_INLINE void cursor_next_row(const IndexSpace& space, const int64_t* stride, Cursor& cursor) {
  int d = space.rank - 1;
  cursor.offset -= cursor.index[d] * stride[d];
  cursor.index[d] = 0;
  while (--d >= 0) {
    cursor.offset += stride[d];
    if (++cursor.index[d] < space.dims[d]) return;
    cursor.offset -= space.dims[d] * stride[d];
    cursor.index[d] = 0;
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
