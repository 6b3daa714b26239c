// A matrix whose k is contiguous times one vector: C = x · B with one row, or A · x with one column. Element by element that is a dot
// product, and along k the matrix streams from end to end, where one chain of FMAs would need it transposed (3 to 8 times slower).
//
// Numbers: inside a block of depth_block(K) there are kDotChains chains, of k ≡ 0, 1, … (mod kDotChains), folded in halves (chain l with
// l + 8, then l + 4, …); blocks are added in order, then the bias, as everywhere. What is missing of the last kDotChains counts as 0·0.
#pragma once
#include "blocking.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int kDotChains = 16, kDotVectors = kDotChains / kLanes;
// So many products at once that there are 8 chains of vectors.
constexpr int kDots = 8 / kDotVectors;
// So many blocks of depth of the same rows follow one another: rows are read from end to end.
constexpr int kDotBlocks = 8;
// A vector whose elements lie apart is copied in parts of at most so many.
constexpr int64_t kMaxVector = 64 * 1024;
constexpr int64_t kMinDotDepth = 32;

// A function of the shape and the strides alone.
LW_INLINE bool is_dots(const GemmArgs& g) {
  return g.k >= kMinDotDepth && (g.n == 1 ? g.a_col == 1 : g.m == 1 && g.b_row == 1 && g.b_col != 1);
}

// partial[r], a vector: the lanes of Σ_p x[p]·rows[r·pitch + p], folded to one vector.
template <int kCount>
LW_INLINE void dots(int64_t depth, const float* x, const float* rows, int64_t pitch, F32* partial) {
  F32 acc[kCount][kDotVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kCount; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kDotVectors; ++v) acc[r][v] = zero();
  int64_t p = 0;
  for (; p + kDotChains <= depth; p += kDotChains) {
#pragma GCC unroll 4
    for (int v = 0; v < kDotVectors; ++v) {
      const F32 element = load(x + p + v * kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < kCount; ++r) acc[r][v] = fma(element, load(rows + r * pitch + p + v * kLanes), acc[r][v]);
    }
  }
  if (p < depth) {
#pragma GCC unroll 4
    for (int v = 0; v < kDotVectors; ++v) {
      const int count = static_cast<int>(larger(0, smaller(kLanes, depth - p - v * kLanes)));
      const F32 element = load_n(x + p + v * kLanes, count);
#pragma GCC unroll 8
      for (int r = 0; r < kCount; ++r) acc[r][v] = fma(element, load_n(rows + r * pitch + p + v * kLanes, count), acc[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kCount; ++r) {
#pragma GCC unroll 4
    for (int half = kDotVectors / 2; half > 0; half /= 2)
#pragma GCC unroll 4
      for (int v = 0; v < half; ++v) acc[r][v] = add(acc[r][v], acc[r][v + half]);
    partial[r] = acc[r][0];
  }
}

// Those of each block of `depth` steps to partial[block][at + r].
template <int kCount>
LW_INLINE void dot_blocks(int64_t depth, int64_t block, const float* x, const float* rows, int64_t pitch, int at, F32 (*partial)[kLanes]) {
  for (int64_t p = 0; p < depth; p += block, ++partial) dots<kCount>(smaller(block, depth - p), x + p, rows + p, pitch, *partial + at);
}

// The sums of the lanes of kLanes vectors.
LW_INLINE F32 fold_each(F32 (&partial)[kLanes]) {
  transpose(partial);
#pragma GCC unroll 4
  for (int half = kLanes / 2; half > 0; half /= 2)
#pragma GCC unroll 8
    for (int l = 0; l < half; ++l) partial[l] = add(partial[l], partial[l + half]);
  return partial[0];
}

// Elements [begin, end) of C, with steps [p0, p1) of k, whose part of the vector begins at x; sigmoid and tanh are left to do.
LW_INLINE void add_dots(const GemmArgs& g, int64_t begin, int64_t end, int64_t p0, int64_t p1, const float* x) {
  const bool column = g.n == 1, is_last = p1 == g.k;
  const float* const matrix = column ? g.a : g.b;
  const int64_t pitch = column ? g.a_row : g.b_col, c_step = column ? g.c_row : 1, block = depth_block(g.k);
  for (int64_t j = begin; j < end; j += kLanes) {
    const int count = static_cast<int>(smaller(kLanes, end - j));
    float* const c = g.c + j * c_step;
    alignas(64) float old[kLanes] = {};
    for (int i = 0; i < count; ++i) old[i] = c[i * c_step];
    F32 sum = load(old);
    for (int64_t p = p0; p < p1; p += kDotBlocks * block) {
      const int64_t beyond = smaller(p1, p + kDotBlocks * block);
      F32 partial[kDotBlocks][kLanes];
      const float* const rows = matrix + j * pitch + p;
      int r = 0;
      for (; r + kDots <= count; r += kDots) dot_blocks<kDots>(beyond - p, block, x + (p - p0), rows + r * pitch, pitch, r, partial);
      for (; r < count; ++r) dot_blocks<1>(beyond - p, block, x + (p - p0), rows + r * pitch, pitch, r, partial);
      for (; r < kLanes; ++r)
        for (int64_t b = 0; b * block < beyond - p; ++b) partial[b][r] = zero();
      for (int64_t q = p, b = 0; q < beyond; q += block, ++b) {
        const F32 dot = fold_each(partial[b]);
        sum = q > 0 || g.accumulate ? add(sum, dot) : dot;
      }
    }
    if (is_last && g.bias != nullptr) sum = add(sum, column ? set1(*g.bias) : load_n(g.bias + j, count));
    if (is_last && g.activation == Activation::relu) sum = max_second(zero(), sum);
    store(old, sum);
    for (int i = 0; i < count; ++i) c[i * c_step] = old[i];
  }
}

void gemm_dots(const GemmArgs& g, int64_t begin, int64_t end, float* scratch) {
  const float* const x = g.n == 1 ? g.b : g.a;
  const int64_t step = g.n == 1 ? g.b_row : g.a_col;
  if (step == 1) return add_dots(g, begin, end, 0, g.k, x);
  const int64_t block = depth_block(g.k), most = kMaxVector / block * block;
  for (int64_t p = 0; p < g.k; p += most) {
    const int64_t beyond = smaller(g.k, p + most);
    for (int64_t i = p; i < beyond; ++i) scratch[i - p] = x[i * step];
    add_dots(g, begin, end, p, beyond, scratch);
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
