// Few columns: Cᵀ = Bᵀ · Aᵀ fills the vectors that N < kLanes would leave empty. Each element is the same sum in the same order.
#pragma once
#include "blocking.h"

namespace lanewise::LW_ISA {
namespace {

// Work in vectors · rows, counting the transposition of A as five columns where k is contiguous (measured), of C as two.
LW_INLINE bool better_transposed(const GemmArgs& g, int64_t rows) {
  if (g.n > kMaxTransposed || rows < 2 * kLanes) return false;
  // Both sides have contiguous rows and A does not stay in the cache: B is the one to copy, and A is read from end to end.
  if (g.a_row == 1 && g.b_col == 1 && g.n >= 2 * kLine && rows >= 2 * g.n && rows * g.k > kFarTransposed) return true;
  const int64_t plain = rows * divide_up(g.n, kLanes) * kLanes;
  return rows * (g.n + (g.a_row == 1 ? 2 : 7)) < plain;
}

// The problem of rows [m, m + rows) of C with both sides transposed; its C is `out`, at pitch `pitch`.
LW_INLINE GemmArgs transposed(const GemmArgs& g, int64_t m, int64_t rows, float* out, int64_t pitch) {
  GemmArgs t = g;
  t.m = g.n, t.n = rows, t.batch = 1;
  t.a = g.b, t.a_row = g.b_col, t.a_col = g.b_row;
  t.b = g.a + m * g.a_row, t.b_row = g.a_col, t.b_col = g.a_row;
  t.c = out, t.c_row = pitch;
  t.bias = nullptr;
  t.activation = Activation::none;
  t.cold_b = false;
  return t;
}

// out [columns][pitch] = Cᵀ for rows [0, rows).
void read_transposed(int64_t rows, int64_t columns, const float* c, int64_t c_row, float* out, int64_t pitch) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) out[j * pitch + i] = c[i * c_row + j];
}

// The first `width` lanes of each vector of a block to p, `pitch` apart. A width that the compiler knows needs no decisions at each store.
template <int kWidth = kLanes>
LW_INLINE void store_block(int width, const F32* block, float* p, int64_t pitch) {
  if constexpr (kWidth > 1) {
    if (width != kWidth) return store_block<kWidth - 1>(width, block, p, pitch);
  }
#pragma GCC unroll 16
  for (int r = 0; r < kLanes; ++r) store_n(p + r * pitch, block[r], kWidth);
}

// C = activation(inᵀ + bias).
void write_transposed(const GemmArgs& g, int64_t rows, const float* in, int64_t pitch, float* c) {
  if (g.n == 1 && g.c_row == 1) {
    const F32 bias = g.bias != nullptr ? set1(*g.bias) : zero();
    for (int64_t i = 0; i < rows; i += kLanes) {
      const int count = static_cast<int>(smaller(kLanes, rows - i));
      const F32 x = load_n(in + i, count), sum = g.bias != nullptr ? add(x, bias) : x;
      store_n(c + i, g.activation == Activation::relu ? max_second(zero(), sum) : sum, count);
    }
    return;
  }
  for (int64_t i = 0; i < rows; i += kLanes)
    for (int64_t j = 0; j < g.n; j += kLanes) {
      const int down = static_cast<int>(smaller(kLanes, rows - i)), across = static_cast<int>(smaller(kLanes, g.n - j));
      F32 block[kLanes];
#pragma GCC unroll 16
      for (int r = 0; r < kLanes; ++r) block[r] = r < across ? load(in + (j + r) * pitch + i) : zero();
      transpose(block);
      if (g.bias != nullptr) {
        const F32 bias = load_n(g.bias + j, across);
#pragma GCC unroll 16
        for (int r = 0; r < kLanes; ++r) block[r] = add(block[r], bias);
      }
      if (g.activation == Activation::relu) {
#pragma GCC unroll 16
        for (int r = 0; r < kLanes; ++r) block[r] = max_second(zero(), block[r]);
      }
      float* const to = c + i * g.c_row + j;
      if (down == kLanes) {
        store_block(across, block, to, g.c_row);
      } else {
#pragma GCC unroll 16
        for (int r = 0; r < kLanes; ++r)
          if (r < down) store_n(to + r * g.c_row, block[r], across);
      }
    }
}

}  // namespace
}  // namespace lanewise::LW_ISA
