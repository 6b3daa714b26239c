// Few rows times columns whose k is contiguous (matrix · vector and its like): B is transposed in registers and never written, since there
// is no second row tile to use it again. Same sums in the same order as `tile`, so the same bits.
#pragma once
#include "microkernel.h"
#include "pack.h"

namespace lanewise::LW_ISA {
namespace {

// kLanes transposed vectors of B, the sums and an element of A share the registers.
constexpr int kFewRows = kVectorRegisters == 32 ? 4 : 2;

// t.b is the first column, t.b_k the distance between columns.
template <int kRows, int kVectors, Edge kEdge>
void columns_tile(Tile& t) {
  F32 acc[kRows][kVectors];
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kVectors; ++j) acc[i][j] = zero();
  // The first step is short where it must be for the others to read whole cache lines.
  int64_t count = kLanes - static_cast<int64_t>(reinterpret_cast<uintptr_t>(t.b) / sizeof(float) % kLanes);
  for (int64_t p = 0; p < t.depth; p += count, count = kLanes) {
    count = smaller(count, t.depth - p);
    const float* const a = t.a + p * t.a_k;
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) {
      const int valid = kEdge != Edge::full && j == kVectors - 1 ? t.last : kLanes;
      const float* const b = t.b + j * kLanes * t.b_k + p;
      F32 columns[kLanes];
      load_turned(b, t.b_k, static_cast<int>(count), valid, columns);
      if (count == kLanes) {
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; ++i) {
#pragma GCC unroll 4
          for (int r = 0; r < kRows; ++r) acc[r][j] = fma(set1(a[r * t.a_row + i * t.a_k]), columns[i], acc[r][j]);
        }
      } else {
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; ++i) {
          if (i >= count) break;
#pragma GCC unroll 4
          for (int r = 0; r < kRows; ++r) acc[r][j] = fma(set1(a[r * t.a_row + i * t.a_k]), columns[i], acc[r][j]);
        }
      }
    }
  }
  finish<kRows, kVectors, kEdge>(t, acc, t.c);
}

template <int kVectors, Edge kEdge, int kRows = kFewRows>
LW_INLINE TileKernel columns_tile_kernel(int64_t rows) {
  if constexpr (kRows == 1) {
    return columns_tile<1, kVectors, kEdge>;
  } else {
    return rows == kRows ? columns_tile<kRows, kVectors, kEdge> : columns_tile_kernel<kVectors, kEdge, kRows - 1>(rows);
  }
}

LW_INLINE TileKernel columns_tile_kernel(int64_t rows, int vectors, bool full) {
  if (vectors == 1) return full ? columns_tile_kernel<1, Edge::full>(rows) : columns_tile_kernel<1, Edge::padded>(rows);
  return full ? columns_tile_kernel<2, Edge::full>(rows) : columns_tile_kernel<2, Edge::padded>(rows);
}

}  // namespace
}  // namespace lanewise::LW_ISA
