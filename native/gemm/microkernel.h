// C tile = A rows · B columns over one depth block: rows × vectors accumulators that never leave the registers.
//
// c[i][j] = (add_c ? c[i][j] : 0) + Σ_p a[i·a_row + p·a_k] · b[p·b_k + j], then + bias[j], then relu.
// The sum starts at 0 and is one chain of FMAs in order of p, for every tile shape and ISA: the tile chosen never shows in the bits.
#pragma once
#include "blocking.h"

namespace lanewise::LW_ISA {
namespace {

// What comes next is fetched into the L2 cache while a tile is computed: at every step of k a line for each vector of the tile, `also`
// elements apart, then `step` elements on, and after `run` of those `jump` on.
struct Ahead {
  const float* at;
  int64_t also, step, run, jump;
  int64_t tiles, next;  // the first tiles of a row of them do so, each beginning `next` elements further
};

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
  bool add_c, relu, far_c;        // far_c: C is fetched while the sum runs
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

// kAhead: the tile fetches what comes next. The others leave that out: its instructions cost five rows of 8 lanes a tenth of their speed.
template <int kRows, int kVectors, Edge kEdge, bool kCopy, bool kAhead>
LW_INLINE void one_tile(const Tile& t, const float* t_a, float* t_c, const float* ahead) {
  F32 acc[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < kVectors; ++j) acc[i][j] = zero();

  if (t.far_c) {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
      for (int j = 0; j < kVectors; ++j) prefetch(t_c + i * t.c_row + j * kLanes);
  }

  // One pointer for three rows keeps twelve rows within the general registers.
  constexpr int kGroups = (kRows + 2) / 3;
  const float* a[kGroups];
#pragma GCC unroll 16
  for (int g = 0; g < kGroups; ++g) a[g] = t_a + 3 * g * t.a_row;
  const float* b = t.b;
  float* copy = t.copy;
  const int64_t a_row = t.a_row, a_k = t.a_k, b_k = t.b_k;
  const int last = t.last;
  const int64_t also = t.ahead.also;
  int64_t run = t.ahead.run;
  for (int64_t p = t.depth; p > 0; --p) {
    F32 column[kVectors];
#pragma GCC unroll 16
    for (int j = 0; j < kVectors; ++j) {
      column[j] = kEdge == Edge::ragged && j == kVectors - 1 ? load_n(b + j * kLanes, last) : load(b + j * kLanes);
      if (kAhead) prefetch_l2(ahead + j * also);
    }
    if (kCopy) {
#pragma GCC unroll 16
      for (int j = 0; j < kVectors; ++j) store(copy + j * kLanes, column[j]);
      copy += kVectors * kLanes;
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const F32 element = set1(a[i / 3][(i % 3) * a_row]);
#pragma GCC unroll 16
      for (int j = 0; j < kVectors; ++j) acc[i][j] = fma(element, column[j], acc[i][j]);
    }
    b += b_k;
#pragma GCC unroll 16
    for (int g = 0; g < kGroups; ++g) a[g] += a_k;
    if (kAhead) {
      ahead += t.ahead.step;
      if (--run == 0) {
        ahead += t.ahead.jump;
        run = t.ahead.run;
      }
    }
  }

  finish<kRows, kVectors, kEdge>(t, acc, t_c);
}

template <int kRows, int kVectors, Edge kEdge, bool kCopy>
void tile(const Tile& t) {
  const float* a = t.a;
  float* c = t.c;
  const float* ahead = t.ahead.at;
  for (int64_t i = 0; i < t.count; ++i) {
    if (i < t.ahead.tiles) {
      one_tile<kRows, kVectors, kEdge, kCopy, true>(t, a, c, ahead);
    } else {
      one_tile<kRows, kVectors, kEdge, kCopy, false>(t, a, c, ahead);
    }
    a += t.a_next;
    c += t.c_next;
    ahead += t.ahead.next;
  }
}

using TileKernel = void (*)(const Tile&);

// Two row tiles or more share a panel when it is copied, so the first has more than half the rows of a full one.
template <int kVectors, Edge kEdge, bool kCopy, int kRows = tile_rows(kVectors)>
LW_INLINE TileKernel tile_kernel(int64_t rows) {
  if constexpr (kRows == (kCopy ? kTileRows / 2 + 1 : 1)) {
    return tile<kRows, kVectors, kEdge, kCopy>;
  } else {
    return rows == kRows ? tile<kRows, kVectors, kEdge, kCopy> : tile_kernel<kVectors, kEdge, kCopy, kRows - 1>(rows);
  }
}

template <Edge kEdge>
LW_INLINE TileKernel tile_kernel(int64_t rows, int vectors) {
  switch (vectors) {
    case 1: return tile_kernel<1, kEdge, false>(rows);
    case 2: return tile_kernel<2, kEdge, false>(rows);
    case 4: return tile_kernel<4, kEdge, false>(rows);
    default: return tile_kernel<8, kEdge, false>(rows);
  }
}

LW_INLINE TileKernel tile_kernel(int64_t rows, int vectors, Edge edge) {
  switch (edge) {
    case Edge::full: return tile_kernel<Edge::full>(rows, vectors);
    case Edge::padded: return tile_kernel<Edge::padded>(rows, vectors);
    default: return tile_kernel<Edge::ragged>(rows, vectors);
  }
}

LW_INLINE TileKernel copying_tile_kernel(int64_t rows, int vectors, bool full) {
  if (vectors == 1) return full ? tile_kernel<1, Edge::full, true>(rows) : tile_kernel<1, Edge::ragged, true>(rows);
  return full ? tile_kernel<2, Edge::full, true>(rows) : tile_kernel<2, Edge::ragged, true>(rows);
}

}  // namespace
}  // namespace lanewise::LW_ISA
