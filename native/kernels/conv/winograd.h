// 3×3 convolutions with stride 1 by Winograd's F(4×4, 3×3): 36 multiplications for 16 pixels instead of 144.
//
// y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ d B)]A for each tile of 4 × 4 output pixels and the 6 × 6 pixels d it sees; ⊙ becomes one product of gemm.h over
// the channels for each of the 36 positions. The polynomials are evaluated at 0, ±√½, ±√2 and ∞: with the usual ±1 and ±2 the error is
// twice as large. The transforms go in a fixed order, columns first, so the bits depend on the sizes alone. An infinite value spoils its
// whole tile. After Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016.
#pragma once
#include "shape.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int kTileSide = 4, kInputSide = 6, kTaps = 9, kPositions = kWinogradPositions;
static_assert(kPositions == kInputSide * kInputSide);
// Transformed pixels of a task lie in scratch, of at most so many channels · tiles for each position (442 KB). Fewer than
// kLeastTiles would read the weights too often.
constexpr int64_t kNearTiles = 3072, kLeastTiles = 24, kMostTiles = 96;
static_assert(kNearTiles <= kLeastTiles * kMaxWinogradChannels);
static_assert(kPositions * (kLeastTiles * kMaxWinogradChannels + kMostTiles * kTileColumns + 4 * kLine) * sizeof(float) <= kScratchBytes);
// So many tasks are wanted; where there are fewer blocks of tiles each has a part of the output channels, at least kLeastOutputs.
constexpr int64_t kWinogradTasks = 192, kLeastOutputs = 32;
// Of the gradient to the weights: the depth of a product, and the part of the sums that a task holds: 12 positions (196 KB).
constexpr int64_t kGradientTiles = 32, kGradientInputs = 64, kGradientOutputs = 64, kKeptTiles = 128;
// A task has a part of the block's columns; neighbours are merged into one product.
constexpr int64_t kGradientColumns = 16, kGradientParts = kGradientOutputs / kGradientColumns;
constexpr int kThirds = 3, kThirdPositions = kPositions / kThirds;
static_assert((kProductScratch + kThirdPositions * (kKeptTiles * kGradientInputs + kGradientTiles * kGradientOutputs + 4 * kLine)) *
                  sizeof(float) <=
              kScratchBytes);

constexpr float kRootHalf = 0.70710678f, kRootTwo = 1.41421356f;

LW_INLINE int64_t tiles_down(const WinogradShape& s) { return divide_up(s.oh, kTileSide); }
LW_INLINE int64_t tiles_across(const WinogradShape& s) { return divide_up(s.ow, kTileSide); }
LW_INLINE int64_t winograd_tiles(const WinogradShape& s) { return s.n * tiles_down(s) * tiles_across(s); }

// What the channels of a pixel outside the image are.
alignas(64) constexpr float kOutsidePixel[kMaxWinogradChannels + kLanes] = {};

// The pixels that a tile of the input sees.
LW_INLINE void input_pixels(const WinogradShape& s, const float* x, const Pixel& at, int64_t c0, const float* (&pixel)[kPositions]) {
  const int64_t top = kTileSide * at.i - s.pad_top, left = kTileSide * at.j - s.pad_left;
  for (int64_t i = 0; i < kInputSide; ++i) {
    const bool inside = top + i >= 0 && top + i < s.h;
    const int64_t row = inside ? ((at.n * s.h + top + i) * s.w + left) * s.c + c0 : 0;
    for (int64_t j = 0; j < kInputSide; ++j)
      pixel[kInputSide * i + j] = inside && left + j >= 0 && left + j < s.w ? x + (row + j * s.c) : kOutsidePixel;
  }
}

// body(tile, channel, lanes, where the tile's pixels lie, Group) for every vector of tiles [first, first + count), while the pixels of the
// tile after it are fetched; locate(tile's place, pixels) says where they lie.
template <int kCount, class Locate, class Body>
LW_INLINE void each_tile_vector(const WinogradShape& s, int64_t first, int64_t count, int64_t channels, const Locate& locate,
                                const Body& body) {
  if (count == 0) return;  // there may be no tiles at all
  Pixel at = pixel_at(first, tiles_down(s), tiles_across(s));
  const float* now[kCount];
  const float* next[kCount];
  locate(at, next);
  for (int64_t t = 0; t < count; ++t) {
    for (int p = 0; p < kCount; ++p) now[p] = next[p];
    if (t + 1 < count) {
      advance(at, tiles_down(s), tiles_across(s));
      locate(at, next);
    }
    each_group<1>(0, channels, [&](int64_t c, int lanes, auto group) {
      if (c % kLine == 0) {
        for (int p = 0; p < kCount; ++p) prefetch_l2(next[p] + c);
      }
      body(t, c, lanes, now, group);
    });
  }
}

// Rows 0 and 5, 1 and 2, or 3 and 4 of Bᵀ times six values.
LW_INLINE void input_ends(const F32 (&d)[kInputSide], F32& first, F32& last) {
  const F32 factor = set1(2.5f);
  first = fnma(factor, d[2], add(d[0], d[4]));
  last = fnma(factor, d[3], add(d[1], d[5]));
}
LW_INLINE void input_pair(const F32 (&d)[kInputSide], float square, float root, F32& plus, F32& minus) {
  const F32 even = fnma(set1(square), d[2], d[4]), odd = fnma(set1(square), d[1], d[3]);
  plus = fma(set1(root), odd, even);
  minus = fnma(set1(root), odd, even);
}
LW_INLINE void transform_input(F32 (&d)[kInputSide]) {
  F32 out[kInputSide];
  input_ends(d, out[0], out[5]);
  input_pair(d, 2.0f, kRootHalf, out[1], out[2]);
  input_pair(d, 0.5f, kRootTwo, out[3], out[4]);
#pragma GCC unroll 6
  for (int i = 0; i < kInputSide; ++i) d[i] = out[i];
}

// v [36][count][C] (positions at distance `pitch`) from tiles [first, first + count).
void input_tiles(const WinogradShape& s, const float* x, int64_t first, int64_t count, float* v, int64_t pitch) {
  const auto locate = [&](const Pixel& at, const float*(&pixel)[kPositions]) { input_pixels(s, x, at, 0, pixel); };
  each_tile_vector<kPositions>(s, first, count, s.c, locate, [&](int64_t t, int64_t c, int lanes, const auto& pixel, auto group) {
    F32 d[kInputSide][kInputSide];
#pragma GCC unroll 6
    for (int j = 0; j < kInputSide; ++j) {
      F32 column[kInputSide];
#pragma GCC unroll 6
      for (int i = 0; i < kInputSide; ++i) column[i] = load_lanes<group.kWhole>(pixel[kInputSide * i + j] + c, lanes);
      transform_input(column);
#pragma GCC unroll 6
      for (int i = 0; i < kInputSide; ++i) d[i][j] = column[i];
    }
    float* const out = v + t * s.c + c;
#pragma GCC unroll 6
    for (int i = 0; i < kInputSide; ++i) {
      transform_input(d[i]);
#pragma GCC unroll 6
      for (int j = 0; j < kInputSide; ++j) store_lanes<group.kWhole>(out + (kInputSide * i + j) * pitch, d[i][j], lanes);
    }
  });
}

// Aᵀ of six values.
LW_INLINE void transform_output(const F32 (&m)[kInputSide], F32 (&y)[kTileSide]) {
  const F32 sum1 = add(m[1], m[2]), difference1 = sub(m[1], m[2]), sum2 = add(m[3], m[4]), difference2 = sub(m[3], m[4]);
  y[0] = add(add(m[0], sum1), sum2);
  y[1] = fma(set1(kRootTwo), difference2, mul(set1(kRootHalf), difference1));
  y[2] = fma(set1(2.0f), sum2, mul(set1(0.5f), sum1));
  y[3] = fma(set1(2 * kRootTwo), difference2, fma(set1(kRootHalf / 2), difference1, m[5]));
}

LW_INLINE F32 activated(Activation activation, F32 x) {
  switch (activation) {
    case Activation::relu: return max_second(zero(), x);
    case Activation::sigmoid: return sigmoid(x);
    case Activation::tanh: return tanh(x);
    default: return x;
  }
}

// Output channels [o0, o0 + columns) of tiles [first, first + count) from m [36][count][columns].
void output_tiles(const WinogradConvArgs& a, int64_t first, int64_t count, int64_t o0, int64_t columns, const float* m, int64_t pitch) {
  const WinogradShape& s = a.shape;
  Pixel at = pixel_at(first, tiles_down(s), tiles_across(s));
  for (int64_t t = 0; t < count; ++t) {
    float* const y = a.y + ((at.n * s.oh + kTileSide * at.i) * s.ow + kTileSide * at.j) * s.oc + o0;
    const int64_t rows = smaller(kTileSide, s.oh - kTileSide * at.i), across = smaller(kTileSide, s.ow - kTileSide * at.j);
    advance(at, tiles_down(s), tiles_across(s));
    if (t + 1 < count) {  // what the next tile will write
      const float* const next = a.y + ((at.n * s.oh + kTileSide * at.i) * s.ow + kTileSide * at.j) * s.oc + o0;
      for (int64_t i = 0; i < kTileSide; ++i)
        for (int64_t j = 0; j < kTileSide; ++j) prefetch(next + (i * s.ow + j) * s.oc);
    }
    each_group<1>(0, columns, [&](int64_t o, int lanes, auto group) {
      const float* const in = m + t * columns + o;
      F32 half[kTileSide][kInputSide];
#pragma GCC unroll 6
      for (int j = 0; j < kInputSide; ++j) {
        F32 column[kInputSide], sums[kTileSide];
#pragma GCC unroll 6
        for (int i = 0; i < kInputSide; ++i) column[i] = load_lanes<group.kWhole>(in + (kInputSide * i + j) * pitch, lanes);
        transform_output(column, sums);
#pragma GCC unroll 4
        for (int i = 0; i < kTileSide; ++i) half[i][j] = sums[i];
      }
      const F32 bias = a.bias != nullptr ? load_lanes<group.kWhole>(a.bias + o0 + o, lanes) : zero();
      F32 result[kTileSide][kTileSide];
#pragma GCC unroll 4
      for (int i = 0; i < kTileSide; ++i) {
        transform_output(half[i], result[i]);
        if (a.bias != nullptr) {
#pragma GCC unroll 4
          for (int j = 0; j < kTileSide; ++j) result[i][j] = add(result[i][j], bias);
        }
      }
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < across; ++j)
          store_lanes<group.kWhole>(y + (i * s.ow + j) * s.oc + o, activated(a.activation, result[i][j]), lanes);
    });
  }
}

// The transformed weights lie in panels of kTileColumns output channels, [36][C][columns]: where (c, o) of position 0 lies, and how far the
// next position is.
LW_INLINE int64_t weight_place(int64_t inputs, int64_t outputs, int64_t c, int64_t o, int64_t& next) {
  const int64_t panel = o / kTileColumns * kTileColumns, columns = smaller(kTileColumns, outputs - panel);
  next = inputs * columns;
  return panel * inputs * kPositions + c * columns + (o - panel);
}

// C [rows, columns] = A [rows, k] · a panel [k, columns]: the sums of gemm.h, with nothing left to pack.
void panel_product(int64_t rows, int64_t k, int64_t columns, const float* a, const float* panel, float* c) {
  const int64_t step = larger(depth_block(k), 1);
  const RowTiles tiles = row_tiles(rows, divide_up(rows, kTileRows));
  const int vectors = panel_vectors(kTileVectors, columns);
  const Edge edge = columns == vectors * kLanes ? Edge::full : Edge::ragged;
  Tile tile = {};
  tile.a_row = k, tile.a_k = 1, tile.c_row = columns, tile.b_k = columns;
  tile.last = static_cast<int>(columns - (vectors - 1) * kLanes);
  for (int64_t p = 0; p == 0 || p < k; p += step) {
    tile.depth = smaller(step, k - p);
    tile.add_c = p > 0;
    tile.b = panel + p * columns;
    // Meanwhile what follows, the next panel.
    const int64_t lines = divide_up(tile.depth * columns, kLine);
    tile.ahead = fetch_evenly(tile.b + k * columns, kLine, lines, 0, lines, tiles.count, tile.depth);
    for (int64_t t = 0; t < tiles.count; t += tile.count) {
      const int64_t size = tiles.size(t), i = tiles.start(t);
      tile.count = (t < tiles.longer ? tiles.longer : tiles.count) - t;
      tile.a = a + i * k + p, tile.a_next = size * k;
      tile.c = c + i * columns, tile.c_next = size * columns;
      tile_kernel(size, vectors, edge)(tile);
    }
  }
}

// Tasks take so many tiles, an even number of equal parts, and so many output channels. No bit depends on it.
struct WinogradPlan {
  int64_t blocks, tiles, groups, outputs;
};
LW_INLINE WinogradPlan winograd_plan(const WinogradShape& s) {
  const int64_t all = winograd_tiles(s), most = smaller(kMostTiles, larger(kLeastTiles, kNearTiles / s.c / 12 * 12));
  const int64_t parts = divide_up(all, most), tiles = divide_up(all, larger(parts + (parts > 1 ? parts % 2 : 0), 1));
  const int64_t blocks = divide_up(all, larger(tiles, 1));
  const int64_t groups = larger(1, smaller(kWinogradTasks / larger(blocks, 1), s.oc / kLeastOutputs));
  return {blocks, tiles, groups, divide_up(divide_up(s.oc, groups), kTileColumns) * kTileColumns};
}

int64_t winograd_conv_tasks(const WinogradConvArgs& a) {
  const WinogradPlan plan = winograd_plan(a.shape);
  return plan.blocks * plan.groups;
}

int64_t winograd_conv(const WinogradConvArgs& a, int64_t begin, int64_t end, void* scratch) {
  if (begin == end) return kOk;
  const WinogradShape& s = a.shape;
  const WinogradPlan plan = winograd_plan(s);
  const int64_t v_pitch = panel_pitch(plan.tiles * s.c), m_pitch = panel_pitch(plan.tiles * kTileColumns);
  float* const v = static_cast<float*>(scratch);
  float* const m = v + kPositions * v_pitch;
  for (int64_t task = begin; task < end; ++task) {
    const int64_t block = task / plan.groups, group = task % plan.groups;
    const int64_t first = block * plan.tiles, count = smaller(plan.tiles, winograd_tiles(s) - first);
    if (task == begin || group == 0) input_tiles(s, a.x, first, count, v, v_pitch);
    const int64_t beyond = smaller(s.oc, (group + 1) * plan.outputs);
    for (int64_t o = group * plan.outputs; o < beyond; o += kTileColumns) {
      const int64_t columns = smaller(kTileColumns, beyond - o);
      const float* const panel = a.u + o * s.c * kPositions;
      for (int64_t p = 0; p < kPositions; ++p)
        panel_product(count, s.c, columns, v + p * v_pitch, panel + p * s.c * columns, m + p * m_pitch);
      output_tiles(a, first, count, o, columns, m, m_pitch);
    }
  }
  return kOk;
}

// G of three values.
LW_INLINE void transform_weights(F32 a, F32 b, F32 c, F32 (&out)[kInputSide]) {
  const F32 even1 = mul(set1(-2.0f / 3), fma(set1(0.5f), c, a)), odd1 = mul(set1(-2.0f / 3 * kRootHalf), b);
  const F32 even2 = mul(set1(1.0f / 6), fma(set1(2.0f), c, a)), odd2 = mul(set1(kRootTwo / 6), b);
  out[0] = a, out[1] = add(even1, odd1), out[2] = sub(even1, odd1), out[3] = add(even2, odd2), out[4] = sub(even2, odd2), out[5] = c;
}

// One vector of output channels of input channel c: all positions.
template <bool kWhole>
LW_INLINE void weight_vector(const WinogradWeightsArgs& a, int64_t c, int64_t o, int lanes, F32 (&out)[kPositions]) {
  F32 columns[3][kInputSide];
#pragma GCC unroll 3
  for (int j = 0; j < 3; ++j) {
    F32 w[3];
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i) w[i] = load_lanes<kWhole>(a.w + ((a.turn ? 8 - (3 * i + j) : 3 * i + j) * a.c + c) * a.oc + o, lanes);
    transform_weights(w[0], w[1], w[2], columns[j]);
  }
#pragma GCC unroll 6
  for (int i = 0; i < kInputSide; ++i) {
    F32 row[kInputSide];
    transform_weights(columns[0][i], columns[1][i], columns[2][i], row);
#pragma GCC unroll 6
    for (int j = 0; j < kInputSide; ++j) out[kInputSide * i + j] = row[j];
  }
}

// A piece of the transformed weights: `rows` of at most kLanes input channels of a panel, made in scratch as [36][rows][columns], so that
// each position is written as one run. Positions lie a line more than a power of two apart: a vector of all of them meets many sets of L1.
constexpr int64_t kPiecePitch = kLanes * kTileColumns + kLine, kSquarePitch = kLanes * kLanes + kLine;
struct WeightPiece {
  int64_t row, rows, column, columns;
  float* out;
};

// As the weights lie: rows are input channels. Meanwhile the weights of the next panel are fetched; turned, that would cost a tenth.
void fill_piece(const WinogradWeightsArgs& a, const WeightPiece& piece) {
  for (int64_t r = 0; r < piece.rows; ++r) {
    each_group<1>(0, piece.columns, [&](int64_t o, int lanes, auto group) {
      F32 u[kPositions];
      weight_vector<group.kWhole>(a, piece.row + r, piece.column + o, lanes, u);
      for (int t = 0; t < kTaps; ++t) prefetch_l2(a.w + (t * a.c + piece.row + r) * a.oc + piece.column + o + kTileColumns);
      for (int p = 0; p < kPositions; ++p) store_lanes<group.kWhole>(piece.out + p * kPiecePitch + r * piece.columns + o, u[p], lanes);
    });
  }
}

// Turned: rows are output channels. `squares`: room for [36][kLanes][kLanes].
template <bool kWhole>
void fill_turned_piece(const WinogradWeightsArgs& a, const WeightPiece& piece, float* squares) {
  const int lanes = static_cast<int>(piece.rows);
  for (int64_t c0 = 0; c0 < piece.columns; c0 += kLanes) {
    const int count = static_cast<int>(smaller(kLanes, piece.columns - c0));
    for (int c = 0; c < count; ++c) {
      F32 u[kPositions];
      weight_vector<kWhole>(a, piece.column + c0 + c, piece.row, lanes, u);
      for (int p = 0; p < kPositions; ++p) store(squares + p * kSquarePitch + c * kLanes, u[p]);
    }
    for (int64_t p = 0; p < kPositions; ++p) {
      F32 square[kLanes];
#pragma GCC unroll 16
      for (int c = 0; c < kLanes; ++c) square[c] = c < count ? load(squares + p * kSquarePitch + c * kLanes) : zero();
      transpose(square);
#pragma GCC unroll 16
      for (int r = 0; r < kLanes; ++r)
        if (r < lanes) store_n(piece.out + p * kPiecePitch + r * piece.columns + c0, square[r], count);
    }
  }
}

// From scratch to their place, each position while the run of the next one is fetched.
void write_piece(const WeightPiece& piece, float* place, int64_t next) {
  const int64_t size = piece.rows * piece.columns;
  for (int64_t p = 0; p < kPositions; ++p) {
    const float* const from = piece.out + p * kPiecePitch;
    float* const to = place + p * next;
    each_group<1>(0, size, [&](int64_t i, int lanes, auto group) {
      if (p + 1 < kPositions) prefetch(to + next + i);
      store_lanes<group.kWhole>(to + i, load_lanes<group.kWhole>(from + i, lanes), lanes);
    });
  }
}

// Input channels of a task.
constexpr int64_t kWeightTask = 16;
static_assert(kWeightTask % kLanes == 0 && kPositions * (kPiecePitch + kSquarePitch) * sizeof(float) <= kScratchBytes);
LW_INLINE int64_t weight_inputs(const WinogradWeightsArgs& a) { return a.turn ? a.oc : a.c; }
int64_t winograd_weights_tasks(const WinogradWeightsArgs& a) { return divide_up(weight_inputs(a), kWeightTask); }

int64_t winograd_weights(const WinogradWeightsArgs& a, int64_t begin, int64_t end, void* scratch) {
  float* const out = static_cast<float*>(scratch);
  const int64_t inputs = weight_inputs(a), outputs = a.turn ? a.c : a.oc, beyond = smaller(inputs, end * kWeightTask);
  for (int64_t row = begin * kWeightTask; row < beyond; row += kLanes) {
    for (int64_t column = 0; column < outputs; column += kTileColumns) {
      const WeightPiece piece = {row, smaller(kLanes, beyond - row), column, smaller(kTileColumns, outputs - column), out};
      float* const squares = out + kPositions * kPiecePitch;
      if (!a.turn) {
        fill_piece(a, piece);
      } else if (piece.rows == kLanes) {
        fill_turned_piece<true>(a, piece, squares);
      } else {
        fill_turned_piece<false>(a, piece, squares);
      }
      int64_t next = 0;
      float* const place = a.u + weight_place(inputs, outputs, row, column, next);
      write_piece(piece, place, next);
    }
  }
  return kOk;
}

// The gradient to the weights is made in thirds, of two rows of positions each, so that what a task holds stays near.
struct Third {
  int rows[2];
  float square, root;  // of its points, which are the ends 0 and ∞ where root is 0
};
constexpr Third kThird[kThirds] = {{{0, 5}, 0, 0}, {{1, 2}, 0.5f, kRootHalf}, {{3, 4}, 2.0f, kRootTwo}};

template <bool kWhole>
LW_INLINE void store_third(float* out, int64_t pitch, const F32 (&first)[kInputSide], const F32 (&second)[kInputSide], int lanes) {
#pragma GCC unroll 6
  for (int j = 0; j < kInputSide; ++j) {
    store_lanes<kWhole>(out + j * pitch, first[j], lanes);
    store_lanes<kWhole>(out + (kInputSide + j) * pitch, second[j], lanes);
  }
}

// v [12][count][channels] of channels [c0, c0 + channels): the third's rows of Bᵀ d B.
template <bool kEnds>
void input_third(const WinogradShape& s, const Third& third, const float* x, int64_t first, int64_t count, int64_t c0, int64_t channels,
                 float* v, int64_t pitch) {
  const auto locate = [&](const Pixel& at, const float*(&pixel)[kPositions]) { input_pixels(s, x, at, c0, pixel); };
  each_tile_vector<kPositions>(s, first, count, channels, locate, [&](int64_t t, int64_t c, int lanes, const auto& pixel, auto group) {
    F32 rows[2][kInputSide];
#pragma GCC unroll 6
    for (int j = 0; j < kInputSide; ++j) {
      F32 column[kInputSide];
#pragma GCC unroll 6
      for (int i = kEnds ? 0 : 1; i < (kEnds ? kInputSide : kInputSide - 1); ++i)
        column[i] = load_lanes<group.kWhole>(pixel[kInputSide * i + j] + c, lanes);
      if constexpr (kEnds) {
        input_ends(column, rows[0][j], rows[1][j]);
      } else {
        input_pair(column, 1 / third.square, third.root, rows[0][j], rows[1][j]);
      }
    }
    transform_input(rows[0]);
    transform_input(rows[1]);
    store_third<group.kWhole>(v + t * channels + c, pitch, rows[0], rows[1], lanes);
  });
}

// A of four values.
LW_INLINE void gradient_pair(const F32 (&y)[kTileSide], float square, float root, F32& plus, F32& minus) {
  const F32 even = fma(set1(square), y[2], y[0]), odd = fma(set1(square), y[3], y[1]);
  plus = fma(set1(root), odd, even);
  minus = fnma(set1(root), odd, even);
}
LW_INLINE void transform_gradient(const F32 (&y)[kTileSide], F32 (&d)[kInputSide]) {
  d[0] = y[0], d[5] = y[3];
  gradient_pair(y, 0.5f, kRootHalf, d[1], d[2]);
  gradient_pair(y, 2.0f, kRootTwo, d[3], d[4]);
}

// d [12][count][outputs] of output channels [o0, o0 + outputs): the third's rows of A dy Aᵀ; pixels beyond the image are 0.
template <bool kEnds>
void gradient_third(const WinogradShape& s, const Third& third, const float* dy, int64_t first, int64_t count, int64_t o0, int64_t outputs,
                    float* d, int64_t pitch) {
  const auto locate = [&](const Pixel& at, const float*(&pixel)[kTileSide * kTileSide]) {
    for (int64_t i = 0; i < kTileSide; ++i)
      for (int64_t j = 0; j < kTileSide; ++j) {
        const int64_t row = kTileSide * at.i + i, column = kTileSide * at.j + j;
        const bool inside = row < s.oh && column < s.ow;
        pixel[kTileSide * i + j] = inside ? dy + ((at.n * s.oh + row) * s.ow + column) * s.oc + o0 : kOutsidePixel;
      }
  };
  constexpr int kPixels = kTileSide * kTileSide;
  each_tile_vector<kPixels>(s, first, count, outputs, locate, [&](int64_t t, int64_t o, int lanes, const auto& pixel, auto group) {
    F32 rows[2][kTileSide];
#pragma GCC unroll 4
    for (int j = 0; j < kTileSide; ++j) {
      if constexpr (kEnds) {
        rows[0][j] = load_lanes<group.kWhole>(pixel[j] + o, lanes),
        rows[1][j] = load_lanes<group.kWhole>(pixel[3 * kTileSide + j] + o, lanes);
      } else {
        F32 column[kTileSide];
#pragma GCC unroll 4
        for (int i = 0; i < kTileSide; ++i) column[i] = load_lanes<group.kWhole>(pixel[kTileSide * i + j] + o, lanes);
        gradient_pair(column, third.square, third.root, rows[0][j], rows[1][j]);
      }
    }
    F32 out[2][kInputSide];
    transform_gradient(rows[0], out[0]);
    transform_gradient(rows[1], out[1]);
    store_third<group.kWhole>(d + t * outputs + o, pitch, out[0], out[1], lanes);
  });
}

int64_t winograd_backward_weights_tasks(const WinogradBackwardWeightsArgs& a) {
  return a.parts * kThirds * divide_up(a.shape.c, kGradientInputs) * divide_up(a.shape.oc, kGradientColumns);
}

// Tiles enter a sum in order, kGradientTiles of them as one product. Few tiles are transformed once for all blocks of output channels that
// the caller takes.
int64_t winograd_backward_weights(const WinogradBackwardWeightsArgs& a, int64_t begin, int64_t end, void* scratch) {
  if (begin == end) return kOk;
  const WinogradShape& s = a.shape;
  const int64_t across = divide_up(s.oc, kGradientColumns), down = divide_up(s.c, kGradientInputs);
  const int64_t tiles = winograd_tiles(s), share = divide_up(tiles, a.parts);
  const bool keeps = share <= kKeptTiles;
  float* const floats = static_cast<float*>(scratch);
  float* const v = floats + kProductScratch;
  for (int64_t task = begin, joined; task < end; task += joined) {
    const int64_t line = task / across, column = task % across, part = line / (kThirds * down);
    joined = smaller(smaller(end - task, across - column), kGradientParts - column % kGradientParts);
    const Third& third = kThird[line / down % kThirds];
    const int64_t c0 = line % down * kGradientInputs, o0 = column * kGradientColumns;
    GemmArgs g = {};
    g.m = smaller(kGradientInputs, s.c - c0), g.n = smaller(joined * kGradientColumns, s.oc - o0), g.batch = 1;
    const int64_t v_pitch = panel_pitch((keeps ? kKeptTiles : kGradientTiles) * g.m), d_pitch = panel_pitch(kGradientTiles * g.n);
    float* const d = v + kThirdPositions * v_pitch;
    g.a_row = 1, g.a_col = g.m, g.b_row = g.n, g.b_col = 1, g.c_row = s.oc;
    const int64_t first = smaller(tiles, part * share), beyond = smaller(tiles, first + share);
    const auto transform_inputs = [&](int64_t t, int64_t count) {
      (third.root == 0 ? input_third<true> : input_third<false>)(s, third, a.x, t, count, c0, g.m, v, v_pitch);
    };
    if (keeps && (task == begin || o0 == 0)) transform_inputs(first, beyond - first);
    for (int64_t t = first; t == first || t < beyond; t += kGradientTiles) {
      g.k = smaller(kGradientTiles, beyond - t);
      if (g.k > 0) {  // else the sums are 0
        if (!keeps) transform_inputs(t, g.k);
        const auto gradients = third.root == 0 ? gradient_third<true> : gradient_third<false>;
        gradients(s, third, a.dy, t, g.k, o0, g.n, d, d_pitch);
      }
      g.accumulate = t > first;
      for (int64_t p = 0; p < kThirdPositions; ++p) {
        const int64_t position = third.rows[p / kInputSide] * kInputSide + p % kInputSide;
        g.a = v + p * v_pitch + (keeps ? (t - first) * g.m : 0), g.b = d + p * d_pitch;
        g.c = a.sums + ((part * kPositions + position) * s.c + c0) * s.oc + o0;
        gemm_rectangle(g, 0, g.m, 0, g.n, floats);
      }
    }
  }
  return kOk;
}

// Gᵀ of six values.
LW_INLINE void sum_gradient(const F32 (&m)[kInputSide], F32 (&g)[3]) {
  const F32 sum1 = add(m[1], m[2]), difference1 = sub(m[1], m[2]), sum2 = add(m[3], m[4]), difference2 = sub(m[3], m[4]);
  g[0] = fma(set1(1.0f / 6), sum2, fnma(set1(2.0f / 3), sum1, m[0]));
  g[1] = fma(set1(kRootTwo / 6), difference2, mul(set1(-2.0f / 3 * kRootHalf), difference1));
  g[2] = fma(set1(1.0f / 3), sum2, fnma(set1(1.0f / 3), sum1, m[5]));
}

// Weights of a task.
constexpr int64_t kSumTask = 512;
int64_t winograd_gradient_tasks(const WinogradGradientArgs& a) { return divide_up(a.c * a.oc, kSumTask); }

// The parts are added in order.
int64_t winograd_gradient(const WinogradGradientArgs& a, int64_t begin, int64_t end, void*) {
  const int64_t size = a.c * a.oc, first = begin * kSumTask, last = smaller(size, end * kSumTask);
  each_group<1>(0, last - first, [&](int64_t at, int lanes, auto group) {
    const float* const from = a.sums + first + at;
    F32 half[3][kInputSide];
    for (int j = 0; j < kInputSide; ++j) {
      F32 s[kInputSide], sums[3];
#pragma GCC unroll 6
      for (int i = 0; i < kInputSide; ++i) s[i] = load_lanes<group.kWhole>(from + (kInputSide * i + j) * size, lanes);
      for (int64_t part = 1; part < a.parts; ++part)
#pragma GCC unroll 6
        for (int i = 0; i < kInputSide; ++i)
          s[i] = add(s[i], load_lanes<group.kWhole>(from + (part * kPositions + kInputSide * i + j) * size, lanes));
      sum_gradient(s, sums);
#pragma GCC unroll 3
      for (int i = 0; i < 3; ++i) half[i][j] = sums[i];
    }
    for (int i = 0; i < 3; ++i) {
      F32 row[3];
      sum_gradient(half[i], row);
#pragma GCC unroll 3
      for (int j = 0; j < 3; ++j) store_lanes<group.kWhole>(a.dw + (3 * i + j) * size + first + at, row[j], lanes);
    }
  });
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
