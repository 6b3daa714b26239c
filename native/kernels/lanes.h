// Row reductions over 64 virtual lanes: element e of a chunk of kReduceChunk goes to lane e % 64 in order of e, the lanes are
// folded in halves (lane j with lane j + 32, then + 16, …), and chunk results are combined pairwise in order. So the bits
// depend on the length alone, not on the ISA's width.
#pragma once

#include "args.h"
#include "math.h"
#include "sizes.h"

#define LW_MEMBER inline __attribute__((always_inline))

namespace lanewise::LW_ISA {
namespace {

constexpr int kVirtualLanes = 64;
constexpr int kLaneVectors = kVirtualLanes / kLanes;
constexpr int64_t kReduceChunk = 4096;

struct SumFold {
  static constexpr float kNeutral = 0.0f;
  LW_INLINE F32 step(F32 a, F32 b) { return add(a, b); }
  LW_INLINE float step(float a, float b) { return a + b; }
};
// NaN wins.
struct MaxFold {
  static constexpr float kNeutral = -kInfinity;
  LW_INLINE F32 step(F32 a, F32 b) { return maximum(a, b); }
  LW_INLINE float step(float a, float b) { return a != a || a > b ? a : b; }
};
struct MinFold {
  static constexpr float kNeutral = kInfinity;
  LW_INLINE F32 step(F32 a, F32 b) { return minimum(a, b); }
  LW_INLINE float step(float a, float b) { return a != a || a < b ? a : b; }
};

// The first n lanes of x, the neutral element in the others.
template <class Fold>
LW_INLINE F32 keep_lanes(F32 x, int n) {
  return select(first_lanes(n), x, set1(Fold::kNeutral));
}

// 0, 1, 2, …: from `half` on, which lane each takes in.
alignas(64) constexpr int32_t kLaneOrder[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                              16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
static_assert(sizeof(kLaneOrder) / sizeof(int32_t) >= 2 * kLanes);

template <class Fold>
LW_INLINE float fold_lanes(F32 x, int width) {
  alignas(64) float lane[kLanes];
  if constexpr (kLanes > 4) {
    for (int half = width / 2; half > 0; half /= 2) x = Fold::step(x, permute(x, load_i(kLaneOrder + half)));
    store(lane, x);
  } else {
    store(lane, x);
    for (int half = width / 2; half > 0; half /= 2) {
      for (int j = 0; j < half; ++j) lane[j] = Fold::step(lane[j], lane[j + half]);
    }
  }
  return lane[0];
}

// Folds at most one vector: lanes from n on must be neutral, so that halves made of them alone can be skipped.
template <class Fold>
LW_INLINE float fold_short(F32 x, int n) {
  int width = 1;
  while (width < n) width *= 2;
  return fold_lanes<Fold>(x, width);
}

// Folds read(i, vector) over [begin, begin + n), n ≤ kReduceChunk. `read(i)` gives a whole vector, `read(i, k)` the first k lanes and
// neutral elements in the rest.
template <class Fold, class Read>
LW_INLINE float fold_chunk(int64_t begin, int64_t n, const Read& read) {
  if (n <= kLanes) {
    // As the lanes below do: a sum that begins at 0 never is −0, however wide the vectors are.
    const F32 x = Fold::step(set1(Fold::kNeutral), read(begin, static_cast<int>(n)));
    return fold_short<Fold>(x, static_cast<int>(n));
  }
  F32 lane[kLaneVectors];
  for (int v = 0; v < kLaneVectors; ++v) lane[v] = set1(Fold::kNeutral);
  int64_t i = begin;
  const int64_t end = begin + n;
  for (; i + kVirtualLanes <= end; i += kVirtualLanes) {
    for (int v = 0; v < kLaneVectors; ++v) lane[v] = Fold::step(lane[v], read(i + v * kLanes));
  }
  for (int v = 0; v < kLaneVectors; ++v, i += kLanes) {
    if (i + kLanes <= end) {
      lane[v] = Fold::step(lane[v], read(i));
    } else if (i < end) {
      lane[v] = Fold::step(lane[v], read(i, static_cast<int>(end - i)));
    }
  }
  for (int half = kLaneVectors / 2; half > 0; half /= 2) {
    for (int v = 0; v < half; ++v) lane[v] = Fold::step(lane[v], lane[v + half]);
  }
  return fold_lanes<Fold>(lane[0], kLanes);
}

// Combines values pairwise in the order they come: those of 2^k with the next 2^k. join(earlier, later) is what both make.
template <class Value>
struct Pairwise {
  Value level[48];
  int64_t count = 0;

  template <class Join>
  LW_MEMBER void push(Value value, const Join& join) {
    int k = 0;
    for (int64_t c = count++; c & 1; c >>= 1) value = join(level[k++], value);
    level[k] = value;
  }
  // What those pushed make with the last one.
  template <class Join>
  LW_MEMBER Value with_last(Value value, const Join& join) const {
    for (int k = 0; count >> k != 0; ++k) {
      if (count >> k & 1) value = join(level[k], value);
    }
    return value;
  }
};

template <class Fold, class Read>
LW_INLINE float fold_row(int64_t n, const Read& read) {
  const auto join = [](float a, float b) __attribute__((always_inline)) { return Fold::step(a, b); };
  Pairwise<float> earlier;
  int64_t i = 0;
  for (; n - i > kReduceChunk; i += kReduceChunk) earlier.push(fold_chunk<Fold>(i, kReduceChunk, read), join);
  return earlier.with_last(fold_chunk<Fold>(i, n - i, read), join);
}

// Vectors side by side, as a value.
template <int kVectors>
struct Vectors {
  F32 of[kVectors];
};

// A whole vector or its first lanes, known at compile time.
template <bool kWhole>
LW_INLINE F32 load_lanes(const float* p, int lanes) {
  return kWhole ? load(p) : load_n(p, lanes);
}
template <bool kWhole>
LW_INLINE void store_lanes(float* p, F32 x, int lanes) {
  if constexpr (kWhole) {
    store(p, x);
  } else {
    store_n(p, x, lanes);
  }
}

// kVectors vectors side by side, or the first lanes of one: as the type of an argument.
template <int kCount, bool kValue>
struct Group {
  static constexpr int kVectors = kCount;
  static constexpr bool kWhole = kValue;
};

// body(first, lanes, Group) for elements [begin, end): kMost vectors at a time, then half as many and so on, then the lanes that are left.
template <int kMost, class Body>
LW_INLINE void each_group(int64_t begin, int64_t end, const Body& body) {
  for (; begin + kMost * kLanes <= end; begin += kMost * kLanes) body(begin, kLanes, Group<kMost, true>());
  if constexpr (kMost > 1) {
    each_group<kMost / 2>(begin, end, body);
  } else if (begin < end) {
    body(begin, static_cast<int>(end - begin), Group<1, false>());
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
