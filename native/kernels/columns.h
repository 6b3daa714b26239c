// Statistics of the columns of x [outer, rows, columns]: what batch and group normalisation need of a channels-last image.
//
// Columns fill the vectors; a task is 16 columns of one chunk of rows, so that threads read what lies together. In a chunk, row r is added
// to the r % 4th of four sums, which are folded (0 + 1) + (2 + 3), and chunks are combined pairwise. The rows of a single column, as of
// layer normalisation, lie one after the other: they fill the vectors, and are folded by lanes.h. So the bits depend on the numbers of
// rows and of columns alone. The mean is that of differences to a chunk's first row, the variance is taken around each chunk's mean, and
// chunks are joined by the update of Chan, Golub and LeVeque (1979), so a mean far from 0 costs no digits but those that float32 has no
// room for. An infinite first row gives NaN, as no rows do; a difference to it that overflows, as of 3e38 and −3e38, an infinite mean.
#pragma once

#include "args.h"
#include "lanes.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kMomentColumns = 16;
constexpr int kMomentSums = 4;
// Vectors taken side by side, so that whole lines of a row are read one after the other: as many as leave room for their sums.
constexpr int kMomentVectors = kVectorRegisters == 32 ? 4 : 2, kProductVectors = kMomentVectors / 2;

// Σ term(row, vector) over [0, rows).
template <int kVectors, class Term>
LW_INLINE Vectors<kVectors> sum_rows(int64_t rows, const Term& term) {
  F32 sums[kMomentSums][kVectors];
#pragma GCC unroll 4
  for (int k = 0; k < kMomentSums; ++k)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[k][v] = zero();
  int64_t r = 0;
  for (; r + kMomentSums <= rows; r += kMomentSums) {
#pragma GCC unroll 4
    for (int k = 0; k < kMomentSums; ++k)
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[k][v] = add(sums[k][v], term(r + k, v));
  }
#pragma GCC unroll 4
  for (int k = 0; k < kMomentSums; ++k) {
    if (r + k >= rows) continue;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[k][v] = add(sums[k][v], term(r + k, v));
  }
  Vectors<kVectors> total;
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) total.of[v] = add(add(sums[0][v], sums[1][v]), add(sums[2][v], sums[3][v]));
  return total;
}

// Two results for kVectors vectors of columns, of so many rows: a chunk, or several.
template <int kVectors>
struct Pair {
  static constexpr int kCount = kVectors;
  F32 first[kVectors], second[kVectors];
  int64_t rows;
};

template <int kVectors, bool kWhole>
LW_INLINE Pair<kVectors> load_pair(const float* first, const float* second, int lanes, int64_t rows) {
  Pair<kVectors> pair;
  pair.rows = rows;
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    pair.first[v] = load_lanes<kWhole>(first + v * kLanes, lanes);
    pair.second[v] = load_lanes<kWhole>(second + v * kLanes, lanes);
  }
  return pair;
}
template <int kVectors, bool kWhole>
LW_INLINE void store_pair(const Pair<kVectors>& pair, float* first, float* second, int lanes) {
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    store_lanes<kWhole>(first + v * kLanes, pair.first[v], lanes);
    store_lanes<kWhole>(second + v * kLanes, pair.second[v], lanes);
  }
}

template <class Args>
int64_t column_tasks(const Args& a) {
  return a.outer * row_chunks(a.rows, a.columns) * divide_up(a.columns, kMomentColumns);
}

template <class Args>
LW_INLINE int64_t rows_in_chunk(const Args& a, int64_t chunk) {
  return smaller(chunk_rows(a.columns), a.rows - chunk * chunk_rows(a.columns));
}

// Tasks [begin, end), up to kMost vectors at a time: of_chunk(matrix, chunk, column, lanes, Group) gives the pair of a chunk,
// join(earlier, later) that of two neighbours together, finish(total) makes the results.
template <int kMost, class Args, class OfChunk, class Join, class Finish>
LW_INLINE void each_column_group(const Args& a, float* first, float* second, int64_t begin, int64_t end, const OfChunk& of_chunk,
                                 const Join& join, const Finish& finish) {
  const int64_t groups = divide_up(a.columns, kMomentColumns), chunks = row_chunks(a.rows, a.columns);
  while (begin < end) {
    const int64_t o = begin / groups / chunks, chunk = begin / groups % chunks, column = begin % groups * kMomentColumns;
    const int64_t joined = smaller(end - begin, groups - begin % groups);
    begin += joined;
    each_group<kMost>(column, smaller(a.columns, column + joined * kMomentColumns), [&](int64_t j, int lanes, auto group) {
      const auto waiting = [&](int64_t number) { return a.chunks + (o * chunks + number) * 2 * a.columns + j; };
      const auto give = [&](auto total) __attribute__((always_inline)) {
        finish(total);
        store_pair<group.kVectors, group.kWhole>(total, first + o * a.columns + j, second + o * a.columns + j, lanes);
      };
      if (a.round == 0) {
        const auto own = of_chunk(o, chunk, j, lanes, group);
        if (chunks == 1) return give(own);
        return store_pair<group.kVectors, group.kWhole>(own, waiting(chunk), waiting(chunk) + a.columns, lanes);
      }
      if (chunk > 0) return;
      const auto of_round_0 = [&](int64_t c) {
        return load_pair<group.kVectors, group.kWhole>(waiting(c), waiting(c) + a.columns, lanes, rows_in_chunk(a, c));
      };
      Pairwise<Pair<group.kVectors>> earlier;
      for (int64_t c = 0; c < chunks - 1; ++c) earlier.push(of_round_0(c), join);
      give(earlier.with_last(of_round_0(chunks - 1), join));
    });
  }
}

// term(i) and term(i, count) of vectors of a single column, from row i on: zero in lanes from `count` on.
template <class Term>
struct SingleColumn {
  Term term;
  LW_MEMBER F32 operator()(int64_t i) const { return term(i, kLanes); }
  LW_MEMBER F32 operator()(int64_t i, int count) const { return keep_lanes<SumFold>(term(i, count), count); }
};
template <class Term>
LW_INLINE float sum_single(int64_t rows, const Term& term) {
  return fold_chunk<SumFold>(0, rows, SingleColumn<Term>{term});
}
LW_INLINE F32 load_some(const float* p, int count) { return count == kLanes ? load(p) : load_n(p, count); }

int64_t column_moments_tasks(const ColumnMomentsArgs& a) { return column_tasks(a); }

// Mean, and the squares around it.
template <int kVectors, bool kWhole>
Pair<kVectors> moments_of(const ColumnMomentsArgs& a, int64_t o, int64_t chunk, int64_t j, int lanes) {
  const int64_t rows = rows_in_chunk(a, chunk);
  const float* const x = a.x + (o * a.rows + chunk * chunk_rows(a.columns)) * a.columns + j;
  const auto at = [&](int64_t r, int v) __attribute__((always_inline)) {
    return load_lanes<kWhole>(x + r * a.columns + v * kLanes, lanes);
  };
  const F32 count = set1(static_cast<float>(rows));
  Pair<kVectors> own;
  own.rows = rows;
  F32 first[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) first[v] = rows > 0 ? at(0, v) : zero();
  const Vectors<kVectors> sums = sum_rows<kVectors>(
      rows, [&](int64_t r, int v) __attribute__((always_inline)) { return sub(at(r, v), first[v]); });
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) own.first[v] = add(first[v], div(sums.of[v], count));
  const Vectors<kVectors> squares = sum_rows<kVectors>(
      rows, [&](int64_t r, int v) __attribute__((always_inline)) {
        const F32 centred = sub(at(r, v), own.first[v]);
        return mul(centred, centred);
      });
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) own.second[v] = squares.of[v];
  return own;
}

Pair<1> single_moments_of(const ColumnMomentsArgs& a, int64_t o, int64_t chunk) {
  const int64_t rows = rows_in_chunk(a, chunk);
  const float* const x = a.x + o * a.rows + chunk * chunk_rows(1);
  const F32 first = set1(rows > 0 ? x[0] : 0), count = set1(static_cast<float>(rows));
  const float sum = sum_single(
      rows, [&](int64_t i, int n) __attribute__((always_inline)) { return sub(load_some(x + i, n), first); });
  const F32 mean = add(first, div(set1(sum), count));
  const float squares = sum_single(
      rows, [&](int64_t i, int n) __attribute__((always_inline)) {
        const F32 centred = sub(load_some(x + i, n), mean);
        return mul(centred, centred);
      });
  return {{mean}, {set1(squares)}, rows};
}

int64_t column_moments(const ColumnMomentsArgs& a, int64_t begin, int64_t end, void*) {
  each_column_group<kMomentVectors>(
      a, a.mean, a.variance, begin, end,
      [&](int64_t o, int64_t chunk, int64_t j, int lanes, auto group) {
        if constexpr (!group.kWhole) {
          if (a.columns == 1) return single_moments_of(a, o, chunk);
        }
        return moments_of<group.kVectors, group.kWhole>(a, o, chunk, j, lanes);
      },
      [](const auto& earlier, const auto& later) {
        auto both = earlier;
        both.rows += later.rows;
        const float share = static_cast<float>(later.rows) / static_cast<float>(both.rows);
        const F32 weight = set1(static_cast<float>(earlier.rows) * share);
        for (int v = 0; v < both.kCount; ++v) {
          const F32 step = sub(later.first[v], earlier.first[v]);
          both.second[v] = add(add(earlier.second[v], later.second[v]), mul(mul(step, step), weight));
          both.first[v] = add(earlier.first[v], mul(step, set1(share)));
        }
        return both;
      },
      [&](auto& total) {
        for (F32& squares : total.second) squares = div(squares, set1(static_cast<float>(a.rows)));
      });
  return kOk;
}

int64_t column_products_tasks(const ColumnProductsArgs& a) { return column_tasks(a); }

template <int kVectors, bool kWhole>
Pair<kVectors> products_of(const ColumnProductsArgs& a, int64_t o, int64_t chunk, int64_t j, int lanes) {
  const int64_t rows = rows_in_chunk(a, chunk), first = (o * a.rows + chunk * chunk_rows(a.columns)) * a.columns + j;
  const float *const x = a.x + first, *const dy = a.dy + first;
  F32 mean[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) mean[v] = load_lanes<kWhole>(a.mean + o * a.columns + j + v * kLanes, lanes);
  // The sums of dy, then those of the products.
  const Vectors<2 * kVectors> sums = sum_rows<2 * kVectors>(
      rows, [&](int64_t r, int v) __attribute__((always_inline)) {
        const int64_t at = r * a.columns + v % kVectors * kLanes;
        const F32 slope = load_lanes<kWhole>(dy + at, lanes);
        return v < kVectors ? slope : mul(slope, sub(load_lanes<kWhole>(x + at, lanes), mean[v % kVectors]));
      });
  Pair<kVectors> own;
  own.rows = rows;
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) own.first[v] = sums.of[v], own.second[v] = sums.of[kVectors + v];
  return own;
}

Pair<1> single_products_of(const ColumnProductsArgs& a, int64_t o, int64_t chunk) {
  const int64_t rows = rows_in_chunk(a, chunk), begin = o * a.rows + chunk * chunk_rows(1);
  const float *const x = a.x + begin, *const dy = a.dy + begin;
  const F32 mean = set1(a.mean[o]);
  const float sum = sum_single(
      rows, [&](int64_t i, int n) __attribute__((always_inline)) { return load_some(dy + i, n); });
  const float product = sum_single(
      rows, [&](int64_t i, int n) __attribute__((always_inline)) { return mul(load_some(dy + i, n), sub(load_some(x + i, n), mean)); });
  return {{set1(sum)}, {set1(product)}, rows};
}

int64_t column_products(const ColumnProductsArgs& a, int64_t begin, int64_t end, void*) {
  each_column_group<kProductVectors>(
      a, a.sum, a.product, begin, end,
      [&](int64_t o, int64_t chunk, int64_t j, int lanes, auto group) {
        if constexpr (!group.kWhole) {
          if (a.columns == 1) return single_products_of(a, o, chunk);
        }
        return products_of<group.kVectors, group.kWhole>(a, o, chunk, j, lanes);
      },
      [](const auto& earlier, const auto& later) {
        auto both = earlier;
        for (int v = 0; v < both.kCount; ++v) {
          both.first[v] = add(earlier.first[v], later.first[v]);
          both.second[v] = add(earlier.second[v], later.second[v]);
        }
        return both;
      },
      [](auto&) {});
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
