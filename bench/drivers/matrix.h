// Test data of the drivers: uniform in [−1, 1), the same for every driver.
#pragma once
#include <cstdint>
#include <vector>

namespace bench {

// `size` floats that start `offset` floats beyond a 64-byte boundary.
class Matrix {
 public:
  Matrix(int64_t size, int64_t offset, uint32_t seed) : storage_(static_cast<size_t>(size + offset) + 16) {
    const auto address = reinterpret_cast<uintptr_t>(storage_.data());
    data_ = reinterpret_cast<float*>((address + 63) / 64 * 64) + offset;
    for (int64_t i = 0; i < size; ++i) {
      seed = seed * 1664525u + 1013904223u;
      data_[i] = static_cast<float>(static_cast<int32_t>(seed) >> 8) * 0x1p-23f;
    }
  }
  float* data() { return data_; }

 private:
  std::vector<float> storage_;
  float* data_;
};

}  // namespace bench
