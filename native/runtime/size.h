// Sizes that cannot overflow: non-negative integers up to kTooLarge, which every check refuses.
#pragma once
#include <stdint.h>

#include <limits>

namespace lanewise {

// Exact in a double; the largest size that JavaScript may give.
constexpr int64_t kMaxSize = int64_t{1} << 53;
constexpr int64_t kTooLarge = std::numeric_limits<int64_t>::max();

constexpr int64_t size_add(int64_t a, int64_t b) { return a > kTooLarge - b ? kTooLarge : a + b; }
constexpr int64_t size_mul(int64_t a, int64_t b) { return a != 0 && b > kTooLarge / a ? kTooLarge : a * b; }

template <class... Rest>
constexpr int64_t size_mul(int64_t a, int64_t b, Rest... rest) {
  return size_mul(size_mul(a, b), rest...);
}

}  // namespace lanewise
