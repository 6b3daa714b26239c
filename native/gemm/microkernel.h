// C tile = A rows · B columns over one depth block: rows × vectors accumulators that never leave the registers.
//
// c[i][j] = (add_c ? c[i][j] : 0) + Σ_p a[i·a_row + p·a_k] · b[p·b_k + j], then + bias[j], then relu.
// The sum starts at 0 and is one chain of FMAs in order of p, for every tile shape and ISA: the tile chosen never shows in the bits.
#pragma once
#include "blocking.h"

namespace lanewise::LW_ISA {
namespace {

// Several steps of k at once where both operands lie as they should: fewer instructions, which tells where two threads share a core. With A
// in panels two steps are as good as four.
constexpr int kJoinedSteps = 4, kTurnedSteps = 2;
constexpr bool joins_steps(int vectors) { return vectors == kTileVectors && kVectorRegisters == 16; }

// What comes next is fetched into the L2 cache while tiles run, evenly: a burst would fill the queue of misses and hold up the tile itself.
// A walk over cache lines: `run` of them `step` elements apart, then `jump` on; `lines` of them every `every` steps of k. Fewer than four
// lines or sixteen steps at a time cost more than they save.
constexpr int64_t kFetchLines = 4, kFetchSteps = 16;
struct Ahead {
  const float* at = nullptr;
  int64_t step = 0, run = 0, jump = 0;
  int64_t lines = 0, every = 0, left = 0, total = 0;  // left: lines of this run; total: of the whole walk
};

// `total` lines while `tiles` tiles of that depth run.
LW_INLINE Ahead fetch_evenly(const float* at, int64_t step, int64_t run, int64_t jump, int64_t total, int64_t tiles, int64_t depth) {
  const int64_t steps = larger(tiles * depth, 1), lines = larger(divide_up(total * kFetchSteps, steps), kFetchLines);
  return {at, step, run, jump, lines, larger(lines * steps / larger(total, 1) / kJoinedSteps, 1) * kJoinedSteps, run, total};
}

LW_INLINE void fetch(Ahead& ahead) {
  ahead.total -= ahead.lines;
  for (int64_t i = 0; i < ahead.lines; ++i) {
    prefetch_l2(ahead.at);
    ahead.at += ahead.step;
    if (--ahead.left == 0) ahead.at += ahead.jump, ahead.left = ahead.run;
  }
}

struct Tile {
  int64_t depth;
  const float* a;
  int64_t a_row, a_k;
  const float* b;
  int64_t b_k;
  float* copy;  // where a copying kernel leaves its B as a packed panel
  float* c;
  int64_t c_row;
  int64_t count, a_next, c_next;  // so many tiles one after the other with the same B, so far apart
  const float* bias;              // null: none
  int last;                       // columns of the last vector, 1..kLanes
  bool add_c, relu, far_c;        // far_c: C is fetched into the L2 cache while the sum runs
  Ahead ahead;
};

// full: whole vectors. padded: B may be read in whole vectors, C ends inside the last one. ragged: B ends there as well.
enum class Edge { full, padded, ragged };

// The sums leave the registers.
template <int kRows, int kVectors, Edge kEdge>
LW_INLINE void finish(const Tile& t, F32 (&acc)[kRows][kVectors], float* c) {
  const int last = t.last;
  const auto load_edge = [last](const float* p, int j) {
    return kEdge != Edge::full && j == kVectors - 1 ? load_n(p + j * kLanes, last) : load(p + j * kLanes);
  };
  if (t.add_c) {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
      for (int j = 0; j < kVectors; ++j) acc[i][j] = add(load_edge(c + i * t.c_row, j), acc[i][j]);
  }
  if (t.bias != nullptr) {
#pragma GCC unroll 16
    for (int j = 0; j < kVectors; ++j) {
      const F32 bias = load_edge(t.bias, j);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) acc[i][j] = add(acc[i][j], bias);
    }
  }
  if (t.relu) {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
      for (int j = 0; j < kVectors; ++j) acc[i][j] = max_second(zero(), acc[i][j]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < kVectors; ++j) {
      float* p = c + i * t.c_row + j * kLanes;
      if (kEdge != Edge::full && j == kVectors - 1) {
        store_n(p, acc[i][j], last);
      } else {
        store(p, acc[i][j]);
      }
    }
}

// What becomes of B. reused: other tiles read it as well. turned: likewise, packed, and A is a panel [depth][rows]. copied: this tile
// leaves it behind as a packed panel. streamed: it stays in place, and this tile,
// the first to read it, fetches as many lines as it reads at every step.
enum class Role { reused, turned, copied, streamed };
constexpr int lines_across(int vectors) { return (vectors * kLanes + static_cast<int>(kLine) - 1) / static_cast<int>(kLine); }

// Vector j of a row of B, which meets each of kRows rows: held where registers are left beside the sums, and g++ would not hold it by
// itself.
template <int kRows, int kVectors, Edge kEdge>
LW_INLINE F32 load_for_rows(const float* b, int j, int last) {
  const F32 x = kEdge == Edge::ragged && j == kVectors - 1 ? load_n(b + j * kLanes, last) : load(b + j * kLanes);
  if constexpr (kRows > 1 && kRows <= 3 && kRows * kVectors + kVectors < kVectorRegisters) {
    return hold(x);
  } else {
    return x;
  }
}

// acc += the element `at` of each row of A times a row of B. kOver: by `accumulate`, which where B is copied or A in panels costs up
// to 9 %.
template <bool kOver = false, int kRows, int kVectors, int kGroups>
LW_INLINE void add_products(F32 (&acc)[kRows][kVectors], const float* (&a)[kGroups], int64_t a_row, int64_t at, const F32 (&b)[kVectors]) {
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    const F32 element = set1(a[i / 3][(i % 3) * a_row + at]);
#pragma GCC unroll 16
    for (int j = 0; j < kVectors; ++j) {
      if constexpr (kOver) {
        accumulate(acc[i][j], element, b[j]);
      } else {
        acc[i][j] = fma(element, b[j], acc[i][j]);
      }
    }
  }
}

template <bool kOver = false, int kRows, int kVectors, int kGroups>
LW_INLINE void add_products(F32 (&acc)[kRows][kVectors], const float* (&a)[kGroups], int64_t a_row, int64_t at, const float* b) {
  F32 row[kVectors];
#pragma GCC unroll 16
  for (int j = 0; j < kVectors; ++j) row[j] = load_for_rows<kRows, kVectors, Edge::full>(b, j, kLanes);
  add_products<kOver>(acc, a, a_row, at, row);
}

template <int kRows, int kVectors, Edge kEdge, Role kRole>
LW_INLINE void one_tile(Tile& t, const float* t_a, float* t_c) {
  F32 acc[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < kVectors; ++j) acc[i][j] = zero();

  if (t.far_c) {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
      for (int j = 0; j < kVectors; ++j) prefetch_l2(t_c + i * t.c_row + j * kLanes);
  }

  // One pointer for three rows keeps twelve of them within the general registers.
  constexpr int kGroups = (kRows + 2) / 3;
  const float* a[kGroups];
#pragma GCC unroll 16
  for (int g = 0; g < kGroups; ++g) a[g] = t_a + 3 * g * t.a_row;
  const float* b = t.b;
  float* copy = t.copy;
  const int64_t a_row = t.a_row, a_k = t.a_k, b_k = t.b_k;
  const int last = t.last;
  const float* ahead = t.ahead.at;
  for (int64_t left = t.depth; left > 0;) {
    int64_t steps = left;
    if (kRole != Role::streamed && t.ahead.total > 0) {
      fetch(t.ahead);
      steps = smaller(left, t.ahead.every);
    }
    left -= steps;
    if constexpr (joins_steps(kVectors) && kEdge != Edge::ragged && kRole == Role::reused) {
      const bool packed = b_k == kVectors * kLanes;
      const auto move_a = [&](int64_t by) {
#pragma GCC unroll 16
        for (int g = 0; g < kGroups; ++g) a[g] += by;
      };
      if (packed && a_k == 1) {
        for (; steps >= kJoinedSteps; steps -= kJoinedSteps) {
#pragma GCC unroll 4
          for (int u = 0; u < kJoinedSteps; ++u) add_products<true>(acc, a, a_row, u, b + u * kVectors * kLanes);
          b += kJoinedSteps * kVectors * kLanes;
          move_a(kJoinedSteps);
        }
      } else if (packed) {
        for (; steps >= kJoinedSteps; steps -= kJoinedSteps) {
#pragma GCC unroll 4
          for (int u = 0; u < kJoinedSteps; ++u) {
            add_products<true>(acc, a, a_row, 0, b + u * kVectors * kLanes);
            move_a(a_k);
          }
          b += kJoinedSteps * kVectors * kLanes;
        }
      }
    }
    if constexpr (kRole == Role::turned) {
      for (; steps >= kTurnedSteps; steps -= kTurnedSteps) {
#pragma GCC unroll 2
        for (int u = 0; u < kTurnedSteps; ++u) add_products(acc, a, 1, u * kRows, b + u * kVectors * kLanes);
        b += kTurnedSteps * kVectors * kLanes;
#pragma GCC unroll 16
        for (int g = 0; g < kGroups; ++g) a[g] += kTurnedSteps * kRows;
      }
    }
    for (; steps > 0; --steps) {
      F32 row[kVectors];
#pragma GCC unroll 16
      for (int j = 0; j < kVectors; ++j) row[j] = load_for_rows<kRows, kVectors, kEdge>(b, j, last);
      if (kRole == Role::streamed) {
        for (int j = 0; j < lines_across(kVectors); ++j) prefetch_l2(ahead + j * kLine);
        ahead += b_k;
      }
      if (kRole == Role::copied && kCopyAhead > 0) {
        for (int j = 0; j < lines_across(kVectors); ++j) prefetch(b + kCopyAhead * b_k + j * kLine);
      }
      if (kRole == Role::copied) {
#pragma GCC unroll 16
        for (int j = 0; j < kVectors; ++j) store(copy + j * kLanes, row[j]);
        copy += kVectors * kLanes;
      }
      add_products(acc, a, a_row, 0, row);
      b += b_k;
#pragma GCC unroll 16
      for (int g = 0; g < kGroups; ++g) a[g] += a_k;
    }
  }

  finish<kRows, kVectors, kEdge>(t, acc, t_c);
}

template <int kRows, int kVectors, Edge kEdge, Role kRole>
void tile(Tile& t) {
  const float* a = t.a;
  float* c = t.c;
  for (int64_t i = 0; i < t.count; ++i) {
    one_tile<kRows, kVectors, kEdge, kRole>(t, a, c);
    a += t.a_next;
    c += t.c_next;
  }
}

using TileKernel = void (*)(Tile&);

// Two row tiles or more share a panel when it is copied, so the first has more than half the rows of a full one. Three vectors are for
// more rows than four can take.
constexpr int least_rows(int vectors, Role role) {
  return role == Role::copied ? kTileRows / 2 + 1 : vectors == 3 ? (kTileRows + 1) / 2 : 1;
}
template <int kVectors, Edge kEdge, Role kRole, int kRows = tile_rows(kVectors)>
LW_INLINE TileKernel tile_kernel(int64_t rows) {
  if constexpr (kRows == least_rows(kVectors, kRole)) {
    if (rows != kRows) __builtin_trap();  // rather than write rows that are not its own
    return tile<kRows, kVectors, kEdge, kRole>;
  } else {
    return rows == kRows ? tile<kRows, kVectors, kEdge, kRole> : tile_kernel<kVectors, kEdge, kRole, kRows - 1>(rows);
  }
}

template <Edge kEdge, Role kRole = Role::reused>
LW_INLINE TileKernel tile_kernel(int64_t rows, int vectors) {
  switch (vectors) {
    case 1: return tile_kernel<1, kEdge, kRole>(rows);
    case 2: return tile_kernel<2, kEdge, kRole>(rows);
    case 3:
      if constexpr (tile_rows(3) > 0) return tile_kernel<3, kEdge, kRole>(rows);
      [[fallthrough]];
    case 4: return tile_kernel<4, kEdge, kRole>(rows);
    default: return tile_kernel<8, kEdge, kRole>(rows);
  }
}

LW_INLINE TileKernel tile_kernel(int64_t rows, int vectors, Edge edge) {
  switch (edge) {
    case Edge::full: return tile_kernel<Edge::full>(rows, vectors);
    case Edge::padded: return tile_kernel<Edge::padded>(rows, vectors);
    default: return tile_kernel<Edge::ragged>(rows, vectors);
  }
}

LW_INLINE TileKernel turned_tile_kernel(int64_t rows, int vectors, Edge edge) {
  if constexpr (joins_steps(kTileVectors)) {
    if (vectors == kTileVectors && edge == Edge::full) return tile_kernel<kTileVectors, Edge::full, Role::turned>(rows);
    if (vectors == kTileVectors && edge == Edge::padded) return tile_kernel<kTileVectors, Edge::padded, Role::turned>(rows);
  }
  return tile_kernel(rows, vectors, edge);
}

LW_INLINE TileKernel copying_tile_kernel(int64_t rows, int vectors, bool full) {
  if (vectors == 1) return full ? tile_kernel<1, Edge::full, Role::copied>(rows) : tile_kernel<1, Edge::ragged, Role::copied>(rows);
  return full ? tile_kernel<2, Edge::full, Role::copied>(rows) : tile_kernel<2, Edge::ragged, Role::copied>(rows);
}

}  // namespace
}  // namespace lanewise::LW_ISA
