// What the tests of the non-GEMM kernels share: guarded buffers, deterministic data, running a kernel whole and in random splits.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "../dispatch.h"
#include "check.h"
#include "side_by_side.h"

namespace lanewise::test {

// The sizes every kernel is run at: nothing, one, around one vector of every ISA, around a chunk of 64 lanes, odd and larger.
inline const std::vector<int64_t> kSizes = {0,  1,  2,  3,  4,   5,   7,   8,   9,   15,   16,   17,   31,
                                            33, 63, 64, 65, 127, 200, 511, 512, 513, 1000, 4096, 4097, 10007};

// `count` elements between two guards. The bytes around them must still be there at the end.
template <class T>
class Guarded {
 public:
  explicit Guarded(int64_t count, T fill = T{}) : count_(count), bytes_(static_cast<size_t>(count) * sizeof(T) + 2 * kGuard, kCanary) {
    for (int64_t i = 0; i < count; ++i) data()[i] = fill;
  }
  T* data() { return reinterpret_cast<T*>(bytes_.data() + kGuard); }
  const T* data() const { return reinterpret_cast<const T*>(bytes_.data() + kGuard); }
  T& operator[](int64_t i) { return data()[i]; }
  const T& operator[](int64_t i) const { return data()[i]; }
  int64_t size() const { return count_; }
  bool intact() const {
    const auto is_canary = [](uint8_t b) { return b == kCanary; };
    return std::all_of(bytes_.begin(), bytes_.begin() + kGuard, is_canary) && std::all_of(bytes_.end() - kGuard, bytes_.end(), is_canary);
  }

 private:
  static constexpr uint8_t kCanary = 0xA5;
  static constexpr ptrdiff_t kGuard = 256;
  int64_t count_;
  std::vector<uint8_t> bytes_;
};

// NaNs of any payload are equal: IEEE 754 leaves the payload open.
inline bool same_bits(const float* a, const float* b, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    if (std::memcmp(a + i, b + i, sizeof(float)) != 0 && !(std::isnan(a[i]) && std::isnan(b[i]))) return false;
  }
  return true;
}
inline bool same_bits(const Guarded<float>& a, const Guarded<float>& b) { return same_bits(a.data(), b.data(), a.size()); }

// Difference in units of the last place of the float nearest to `exact`; 0 if both are NaN or the same infinity.
// Results below the normal range count as zero, as denormals are flushed.
inline double ulps(float value, double exact) {
  const float nearest = static_cast<float>(exact);
  if (std::isnan(exact) || std::isnan(value)) return std::isnan(exact) && std::isnan(value) ? 0 : std::numeric_limits<double>::infinity();
  if (std::isinf(nearest) || std::isinf(value)) {
    // Just below the limit either side of it is right.
    const bool close = std::fabs(exact) > 0x1.fffffep127 * (1 - 0x1p-22) && std::fabs(value) > 0x1.fffff0p127f &&
                       std::signbit(value) == std::signbit(exact);
    return nearest == value || close ? 0 : std::numeric_limits<double>::infinity();
  }
  if (std::fabs(exact) < 0x1.00001p-126) return std::fabs(value) < 0x1.00002p-126f ? 0 : std::numeric_limits<double>::infinity();
  int exponent;
  std::frexp(exact, &exponent);
  return std::fabs(value - exact) / std::ldexp(1.0, exponent - 24);
}

// FNV-1a over the bits of floats, every NaN as one: results meant to be the same on all fused rows, of any machine, are kept as one number.
class Digest {
 public:
  void add(const float* values, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      uint32_t bits = 0x7fc00000;
      if (!std::isnan(values[i])) std::memcpy(&bits, values + i, 4);
      value_ = (value_ ^ bits) * 0x100000001b3;
    }
  }
  uint64_t value() const { return value_; }
  std::string text() const {
    char out[20];
    std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(value_));
    return out;
  }

 private:
  uint64_t value_ = 0xcbf29ce484222325;
};

class Source {
 public:
  explicit Source(uint64_t seed) : engine_(seed) {}
  int64_t below(int64_t n) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(n)); }
  // Not std::uniform_real_distribution, whose numbers each standard library chooses.
  float uniform(float low, float high) { return low + (high - low) * (static_cast<float>(engine_() >> 40) * 0x1p-24f); }
  Guarded<float> floats(int64_t n, float low = -2, float high = 2) {
    Guarded<float> out(n);
    for (int64_t i = 0; i < n; ++i) out[i] = uniform(low, high);
    return out;
  }
  Guarded<int32_t> ids(int64_t n, int64_t below_this) {
    Guarded<int32_t> out(n);
    for (int64_t i = 0; i < n; ++i) out[i] = static_cast<int32_t>(below(below_this));
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

// Runs tasks [0, tasks) of a kernel: whole, or (seed ≠ 0) in random ranges in random order. Gives the smallest bad index.
template <class Args, class Tasks, class Kernel>
int64_t run(Tasks tasks_of, Kernel kernel, const Args& args, uint64_t seed = 0) {
  const int64_t tasks = tasks_of(args);
  std::vector<std::pair<int64_t, int64_t>> ranges;
  if (seed == 0) {
    ranges.push_back({0, tasks});
  } else {
    Source source(seed);
    for (int64_t begin = 0; begin < tasks;) {
      const int64_t end = begin + 1 + source.below(tasks - begin);
      ranges.push_back({begin, end});
      begin = end;
    }
    std::shuffle(ranges.begin(), ranges.end(), std::mt19937_64(seed));
  }
  std::vector<int64_t> found(ranges.size());
  side_by_side(ranges.size(), [&](size_t i, void* scratch) { found[i] = kernel(args, ranges[i].first, ranges[i].second, scratch); });
  int64_t bad = kOk;
  for (int64_t index : found)
    if (index != kOk && (bad == kOk || index < bad)) bad = index;
  return bad;
}

inline std::string text(const KernelTable& table, const char* what, std::initializer_list<int64_t> numbers) {
  std::string out = std::string(table.isa) + " " + what;
  for (int64_t n : numbers) out += " " + std::to_string(n);
  return out;
}

// Calls test(table) for every row this machine can run.
template <class Test>
void for_each_table(const Test& test) {
  for (const KernelTable* table : available_tables()) test(*table);
}

}  // namespace lanewise::test
