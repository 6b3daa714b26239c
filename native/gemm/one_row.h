// One row times a row-contiguous B (vector · matrix): rows of B are read side by side from end to end. In panels from top to bottom, as
// `tile` reads them, every few lines lie on another page. The sums wait in memory from one group of rows to the next; they are the same
// chains in the same order, so the same bits.
#pragma once
#include "microkernel.h"

namespace lanewise::LW_ISA {
namespace {

// Rows of B at once, and sums at once: 16 KB, which stay in the L1 cache.
constexpr int kRowGroup = 5;
constexpr int64_t kRowSums = 4096;

// sums[j] = (first ? 0 : sums[j]) + Σ_r a[r·a_k]·b[r·b_row + j], in order of r.
template <int kRows>
LW_INLINE void add_rows(int64_t columns, const float* a, int64_t a_k, const float* b, int64_t b_row, bool first, float* sums) {
  F32 elements[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) elements[r] = set1(a[r * a_k]);
  for (int64_t j = 0; j < columns; j += kLanes) {
    const int valid = static_cast<int>(smaller(kLanes, columns - j));
    F32 sum = first ? zero() : load(sums + j);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const float* const row = b + r * b_row + j;
      sum = fma(elements[r], valid == kLanes ? load(row) : load_n(row, valid), sum);
    }
    store(sums + j, sum);
  }
}

// One depth block of one row: c[j] = (add_c ? c[j] : 0) + Σ_p a[p·a_k]·b[p·b_row + j], then + bias[j], then relu. `bias` may be null.
void one_row(int64_t columns, int64_t depth, const float* a, int64_t a_k, const float* b, int64_t b_row, const float* bias, bool relu,
             bool add_c, float* c, float* sums) {
  for (int64_t n = 0; n < columns; n += kRowSums) {
    const int64_t count = smaller(kRowSums, columns - n);
    int64_t p = 0;
    for (; p + kRowGroup <= depth; p += kRowGroup) add_rows<kRowGroup>(count, a + p * a_k, a_k, b + p * b_row + n, b_row, p == 0, sums);
    for (; p < depth; ++p) add_rows<1>(count, a + p * a_k, a_k, b + p * b_row + n, b_row, p == 0, sums);
    for (int64_t j = 0; j < count; j += kLanes) {
      const int valid = static_cast<int>(smaller(kLanes, count - j));
      float* const out = c + n + j;
      F32 x = depth == 0 ? zero() : load(sums + j);
      if (add_c) x = add(load_n(out, valid), x);
      if (bias != nullptr) x = add(x, load_n(bias + n + j, valid));
      if (relu) x = max_second(zero(), x);
      store_n(out, x, valid);
    }
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
