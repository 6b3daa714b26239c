// Statistics of the columns of x [outer, rows, columns]: what batch and group normalisation need of a channels-last image.
// The variance is taken around the mean, not from the sum of squares.
#pragma once

#include "args.h"
#include "lanes.h"

namespace lanewise::LW_ISA {
namespace {

int64_t column_moments_tasks(const ColumnMomentsArgs& a) { return a.outer; }

int64_t column_moments(const ColumnMomentsArgs& a, int64_t begin, int64_t end, void*) {
  for (int64_t o = begin; o < end; ++o)
    for (int64_t j = 0; j < a.columns; ++j) {
      const float* x = a.x + o * a.rows * a.columns + j;
      float sum = 0, squares = 0;
      for (int64_t i = 0; i < a.rows; ++i) sum += x[i * a.columns];
      const float mean = sum / static_cast<float>(a.rows);
      for (int64_t i = 0; i < a.rows; ++i) squares += (x[i * a.columns] - mean) * (x[i * a.columns] - mean);
      a.mean[o * a.columns + j] = mean;
      a.variance[o * a.columns + j] = squares / static_cast<float>(a.rows);
    }
  return kOk;
}

int64_t column_products_tasks(const ColumnProductsArgs& a) { return a.outer; }

int64_t column_products(const ColumnProductsArgs& a, int64_t begin, int64_t end, void*) {
  for (int64_t o = begin; o < end; ++o)
    for (int64_t j = 0; j < a.columns; ++j) {
      const int64_t at = o * a.rows * a.columns + j;
      float sum = 0, product = 0;
      for (int64_t i = 0; i < a.rows; ++i) {
        const float dy = a.dy[at + i * a.columns];
        sum += dy;
        product += dy * (a.x[at + i * a.columns] - a.mean[o * a.columns + j]);
      }
      a.sum[o * a.columns + j] = sum;
      a.product[o * a.columns + j] = product;
    }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
