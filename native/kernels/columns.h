// Statistics of the columns of x [outer, rows, columns]: what batch and group normalisation need of a channels-last image.
//
// Columns fill the vectors; a task is 16 columns of one matrix. Rows go in chunks of 512: in a chunk, row r is added to the r % 4th of four
// sums, which are folded (0 + 1) + (2 + 3), and chunks are combined in order. So the bits depend on the number of rows alone.
// The variance is taken around each chunk's mean, and chunks are joined by the update of Chan, Golub and LeVeque (1979), so a mean far
// from 0 costs no digits. No rows give NaN.
#pragma once

#include "args.h"
#include "lanes.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kMomentColumns = 16, kMomentRows = 512;
constexpr int kMomentSums = 4;
// Vectors taken side by side, so that whole lines of a row are read one after the other: as many as leave room for their sums.
constexpr int kMomentVectors = kVectorRegisters == 32 ? 4 : 2, kProductVectors = kMomentVectors / 2;

template <int kVectors>
struct Columns {
  F32 of[kVectors];
};

// Σ term(row, vector) over [0, rows).
template <int kVectors, class Term>
LW_INLINE Columns<kVectors> sum_rows(int64_t rows, const Term& term) {
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
  Columns<kVectors> total;
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) total.of[v] = add(add(sums[0][v], sums[1][v]), add(sums[2][v], sums[3][v]));
  return total;
}

LW_INLINE int64_t moment_tasks(int64_t outer, int64_t columns) { return outer * ceil_div(columns, kMomentColumns); }

// body(matrix, first column, lanes, Group) for the columns of tasks [begin, end), up to kMost vectors at a time.
template <int kMost, class Body>
LW_INLINE void each_column_group(int64_t columns, int64_t begin, int64_t end, const Body& body) {
  const int64_t tasks = ceil_div(columns, kMomentColumns);
  while (begin < end) {
    const int64_t matrix = begin / tasks, joined = min_size(end, (matrix + 1) * tasks) - begin;
    const int64_t j = begin % tasks * kMomentColumns;
    each_group<kMost>(j, min_size(columns, j + joined * kMomentColumns),
                      [&](int64_t first, int lanes, auto group) { body(matrix, first, lanes, group); });
    begin += joined;
  }
}

int64_t column_moments_tasks(const ColumnMomentsArgs& a) { return moment_tasks(a.outer, a.columns); }

template <int kVectors, bool kWhole>
void moments_of(const ColumnMomentsArgs& a, int64_t o, int64_t j, int lanes) {
  Columns<kVectors> mean, squares;
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) mean.of[v] = squares.of[v] = zero();
  for (int64_t done = 0; done < a.rows; done += kMomentRows) {
    const int64_t rows = min_size(kMomentRows, a.rows - done);
    const float* const x = a.x + (o * a.rows + done) * a.columns + j;
    const auto at = [&](int64_t r, int v) __attribute__((always_inline)) {
      return load_lanes<kWhole>(x + r * a.columns + v * kLanes, lanes);
    };
    const F32 count = set1(static_cast<float>(rows));
    Columns<kVectors> chunk_mean = sum_rows<kVectors>(rows, at);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) chunk_mean.of[v] = div(chunk_mean.of[v], count);
    const Columns<kVectors> chunk_squares = sum_rows<kVectors>(
        rows, [&](int64_t r, int v) __attribute__((always_inline)) {
          const F32 centred = sub(at(r, v), chunk_mean.of[v]);
          return mul(centred, centred);
        });
    // Weights of what is new and of what was there.
    const F32 share = set1(static_cast<float>(rows) / static_cast<float>(done + rows));
    const F32 before = set1(static_cast<float>(done));
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const F32 step = sub(chunk_mean.of[v], mean.of[v]);
      squares.of[v] = add(add(squares.of[v], chunk_squares.of[v]), mul(mul(step, step), mul(before, share)));
      mean.of[v] = done == 0 ? chunk_mean.of[v] : add(mean.of[v], mul(step, share));
    }
  }
  const F32 rows = set1(static_cast<float>(a.rows));
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    store_n(a.mean + o * a.columns + j + v * kLanes, a.rows > 0 ? mean.of[v] : div(zero(), zero()), lanes);
    store_n(a.variance + o * a.columns + j + v * kLanes, div(squares.of[v], rows), lanes);
  }
}

int64_t column_moments(const ColumnMomentsArgs& a, int64_t begin, int64_t end, void*) {
  each_column_group<kMomentVectors>(a.columns, begin, end, [&](int64_t o, int64_t j, int lanes, auto group) {
    moments_of<group.kVectors, group.kWhole>(a, o, j, lanes);
  });
  return kOk;
}

int64_t column_products_tasks(const ColumnProductsArgs& a) { return moment_tasks(a.outer, a.columns); }

template <int kVectors, bool kWhole>
void products_of(const ColumnProductsArgs& a, int64_t o, int64_t j, int lanes) {
  // The sums of dy, then those of the products.
  F32 total[2 * kVectors], mean[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    total[v] = total[kVectors + v] = zero();
    mean[v] = load_lanes<kWhole>(a.mean + o * a.columns + j + v * kLanes, lanes);
  }
  for (int64_t done = 0; done < a.rows; done += kMomentRows) {
    const int64_t rows = min_size(kMomentRows, a.rows - done), first = (o * a.rows + done) * a.columns + j;
    const float *const x = a.x + first, *const dy = a.dy + first;
    const Columns<2 * kVectors> chunk = sum_rows<2 * kVectors>(
        rows, [&](int64_t r, int v) __attribute__((always_inline)) {
          const int64_t at = r * a.columns + v % kVectors * kLanes;
          const F32 slope = load_lanes<kWhole>(dy + at, lanes);
          return v < kVectors ? slope : mul(slope, sub(load_lanes<kWhole>(x + at, lanes), mean[v % kVectors]));
        });
#pragma GCC unroll 4
    for (int v = 0; v < 2 * kVectors; ++v) total[v] = add(total[v], chunk.of[v]);
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    store_n(a.sum + o * a.columns + j + v * kLanes, total[v], lanes);
    store_n(a.product + o * a.columns + j + v * kLanes, total[kVectors + v], lanes);
  }
}

int64_t column_products(const ColumnProductsArgs& a, int64_t begin, int64_t end, void*) {
  each_column_group<kProductVectors>(a.columns, begin, end, [&](int64_t o, int64_t j, int lanes, auto group) {
    products_of<group.kVectors, group.kWhole>(a, o, j, lanes);
  });
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
