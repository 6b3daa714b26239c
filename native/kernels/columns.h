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

LW_INLINE F32 fold_sums(const F32 sums[kMomentSums]) { return add(add(sums[0], sums[1]), add(sums[2], sums[3])); }

// Σ term(row) over [0, rows).
template <class Term>
LW_INLINE F32 sum_rows(int64_t rows, const Term& term) {
  F32 sums[kMomentSums];
  for (int k = 0; k < kMomentSums; ++k) sums[k] = zero();
  int64_t r = 0;
  for (; r + kMomentSums <= rows; r += kMomentSums) {
#pragma GCC unroll 4
    for (int k = 0; k < kMomentSums; ++k) sums[k] = add(sums[k], term(r + k));
  }
#pragma GCC unroll 4
  for (int k = 0; k < kMomentSums; ++k) {
    if (r + k < rows) sums[k] = add(sums[k], term(r + k));
  }
  return fold_sums(sums);
}

LW_INLINE int64_t moment_tasks(int64_t outer, int64_t columns) { return outer * ceil_div(columns, kMomentColumns); }

// Calls body(matrix, first column, lanes) for each vector of tasks [begin, end).
template <class Body>
LW_INLINE void each_column_vector(int64_t columns, int64_t begin, int64_t end, const Body& body) {
  const int64_t tasks = ceil_div(columns, kMomentColumns);
  for (int64_t task = begin; task < end; ++task) {
    const int64_t first = task % tasks * kMomentColumns, stop = min_size(columns, first + kMomentColumns);
    for (int64_t j = first; j < stop; j += kLanes) body(task / tasks, j, static_cast<int>(min_size(kLanes, stop - j)));
  }
}

int64_t column_moments_tasks(const ColumnMomentsArgs& a) { return moment_tasks(a.outer, a.columns); }

int64_t column_moments(const ColumnMomentsArgs& a, int64_t begin, int64_t end, void*) {
  each_column_vector(
      a.columns, begin, end, [&](int64_t o, int64_t j, int lanes) __attribute__((always_inline)) {
        F32 mean = zero(), squares = zero();
        for (int64_t done = 0; done < a.rows; done += kMomentRows) {
          const int64_t rows = min_size(kMomentRows, a.rows - done);
          const float* x = a.x + (o * a.rows + done) * a.columns + j;
          const auto at = [&](int64_t r) __attribute__((always_inline)) { return load_n(x + r * a.columns, lanes); };
          const F32 count = set1(static_cast<float>(rows));
          const F32 chunk_mean = div(sum_rows(rows, at), count);
          const F32 chunk_squares = sum_rows(
              rows, [&](int64_t r) __attribute__((always_inline)) {
                const F32 centred = sub(at(r), chunk_mean);
                return mul(centred, centred);
              });
          // Weights of what is new and of what was there.
          const F32 share = set1(static_cast<float>(rows) / static_cast<float>(done + rows));
          const F32 before = set1(static_cast<float>(done));
          const F32 step = sub(chunk_mean, mean);
          squares = add(add(squares, chunk_squares), mul(mul(step, step), mul(before, share)));
          mean = done == 0 ? chunk_mean : add(mean, mul(step, share));
        }
        const F32 rows = set1(static_cast<float>(a.rows));
        store_n(a.mean + o * a.columns + j, a.rows > 0 ? mean : div(zero(), zero()), lanes);
        store_n(a.variance + o * a.columns + j, div(squares, rows), lanes);
      });
  return kOk;
}

int64_t column_products_tasks(const ColumnProductsArgs& a) { return moment_tasks(a.outer, a.columns); }

int64_t column_products(const ColumnProductsArgs& a, int64_t begin, int64_t end, void*) {
  each_column_vector(
      a.columns, begin, end, [&](int64_t o, int64_t j, int lanes) __attribute__((always_inline)) {
        F32 sum = zero(), product = zero();
        const F32 mean = load_n(a.mean + o * a.columns + j, lanes);
        for (int64_t done = 0; done < a.rows; done += kMomentRows) {
          const int64_t rows = min_size(kMomentRows, a.rows - done), first = (o * a.rows + done) * a.columns + j;
          const float *x = a.x + first, *dy = a.dy + first;
          const auto slope = [&](int64_t r) __attribute__((always_inline)) { return load_n(dy + r * a.columns, lanes); };
          sum = add(sum, sum_rows(rows, slope));
          product = add(product, sum_rows(
                                     rows, [&](int64_t r) __attribute__((always_inline)) {
                                       return mul(slope(r), sub(load_n(x + r * a.columns, lanes), mean));
                                     }));
        }
        store_n(a.sum + o * a.columns + j, sum, lanes);
        store_n(a.product + o * a.columns + j, product, lanes);
      });
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
