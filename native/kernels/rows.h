// Rows of floats, and how kernels that meet rows by id divide them among tasks.
#pragma once

#include <string.h>

#include "lanes.h"

namespace lanewise::LW_ISA {
namespace {

// Every task looks at all ids and takes the rows of its part, so that what one row receives keeps its order.
constexpr int64_t kRowParts = 16;

LW_INLINE void clear_row(int64_t n, float* row) { memset(row, 0, static_cast<size_t>(n) * sizeof(float)); }

// sum[c] += x[c]
LW_INLINE void add_row(const float* x, int64_t n, float* sum) {
  int64_t c = 0;
  for (; c + kLanes <= n; c += kLanes) store(sum + c, add(load(sum + c), load(x + c)));
  const int rest = static_cast<int>(n - c);
  if (rest > 0) store_n(sum + c, add(load_n(sum + c, rest), load_n(x + c, rest)), rest);
}

// sum[c] = 0 + x[c]: a sum that begins, in which −0 becomes 0.
LW_INLINE void begin_row(const float* x, int64_t n, float* sum) {
  int64_t c = 0;
  for (; c + kLanes <= n; c += kLanes) store(sum + c, add(set1(0.0f), load(x + c)));
  const int rest = static_cast<int>(n - c);
  if (rest > 0) store_n(sum + c, add(set1(0.0f), load_n(x + c, rest)), rest);
}

}  // namespace
}  // namespace lanewise::LW_ISA
