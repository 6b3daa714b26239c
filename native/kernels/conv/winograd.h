// 3×3 convolutions with stride 1 by Winograd's F(2×2, 3×3): 16 multiplications for 4 pixels instead of 36.
//
// y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ d B)]A for each tile of 2 × 2 output pixels and the 4 × 4 pixels d it sees; ⊙ becomes one product of gemm.h over
// the channels for each of the 16 positions. The transforms add, subtract and halve in a fixed order, columns first, so the bits depend on
// the sizes alone. An infinite value spoils its whole tile. After Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
// 2016.
#pragma once
#include "shape.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int kPositions = 16;
// Input and output of the products of a task lie in scratch. So many tiles · channels of one position leave half of an L2 cache of 512 KB
// to the weights; fewer than kLeastTiles would read those too often.
constexpr int64_t kNearTiles = 2048, kLeastTiles = 24;
constexpr int64_t kTileFloats = kLeastTiles * kMaxWinogradChannels;
static_assert(kNearTiles <= kTileFloats && 2 * kPositions * (kTileFloats + 2 * kLine) * sizeof(float) <= kScratchBytes);
// Of the gradient to the weights: the depth of a product, and the part of the sums that a task holds (256 KB).
constexpr int64_t kGradientTiles = 32, kGradientInputs = 64, kGradientOutputs = 64;
static_assert((kProductScratch + kPositions * (kGradientTiles * (kGradientInputs + kGradientOutputs) + 4 * kLine)) * sizeof(float) <=
              kScratchBytes);

// Whole multiples of a row tile of the product.
LW_INLINE int64_t tiles_at_once(const WinogradShape& s) { return larger(kLeastTiles, kNearTiles / larger(s.c, s.oc) / 12 * 12); }
LW_INLINE int64_t tiles_down(const WinogradShape& s) { return divide_up(s.oh, 2); }
LW_INLINE int64_t tiles_across(const WinogradShape& s) { return divide_up(s.ow, 2); }
LW_INLINE int64_t winograd_tiles(const WinogradShape& s) { return s.n * tiles_down(s) * tiles_across(s); }

// Bᵀ of four values.
LW_INLINE void transform_input(F32& a, F32& b, F32& c, F32& d) {
  const F32 first = sub(a, c), second = add(b, c), third = sub(c, b), fourth = sub(b, d);
  a = first, b = second, c = third, d = fourth;
}

// v [16][count][channels] (positions at distance `pitch`) from channels [c0, c0 + channels) of tiles [first, first + count).
void input_tiles(const WinogradShape& s, const float* x, int64_t first, int64_t count, int64_t c0, int64_t channels, float* v,
                 int64_t pitch) {
  if (count == 0) return;  // there may be no tiles at all
  Pixel at = pixel_at(first, tiles_down(s), tiles_across(s));
  for (int64_t t = 0; t < count; ++t, advance(at, tiles_down(s), tiles_across(s))) {
    const int64_t top = 2 * at.i - s.pad_top, left = 2 * at.j - s.pad_left;
    const float* pixel[kPositions];
    bool inside = true;
    for (int64_t p = 0; p < kPositions; ++p) {
      const int64_t row = top + p / 4, column = left + p % 4;
      const bool in = row >= 0 && row < s.h && column >= 0 && column < s.w;
      pixel[p] = in ? x + ((at.n * s.h + row) * s.w + column) * s.c + c0 : nullptr;
      inside = inside && in;
    }
    for (int64_t c = 0; c < channels; c += kLanes) {
      const int lanes = static_cast<int>(smaller(kLanes, channels - c));
      F32 d[kPositions];
      if (inside && lanes == kLanes) {
#pragma GCC unroll 16
        for (int p = 0; p < kPositions; ++p) d[p] = load(pixel[p] + c);
      } else {
#pragma GCC unroll 16
        for (int p = 0; p < kPositions; ++p) d[p] = pixel[p] != nullptr ? load_n(pixel[p] + c, lanes) : zero();
      }
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) transform_input(d[j], d[4 + j], d[8 + j], d[12 + j]);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) transform_input(d[4 * i], d[4 * i + 1], d[4 * i + 2], d[4 * i + 3]);
      float* const out = v + t * channels + c;
#pragma GCC unroll 16
      for (int p = 0; p < kPositions; ++p) {
        if (lanes == kLanes) {
          store(out + p * pitch, d[p]);
        } else {
          store_n(out + p * pitch, d[p], lanes);
        }
      }
    }
  }
}

// Aᵀ of four values.
LW_INLINE void transform_output(F32 a, F32 b, F32 c, F32 d, F32& first, F32& second) {
  first = add(add(a, b), c);
  second = sub(sub(b, c), d);
}

LW_INLINE F32 activated(Activation activation, F32 x) {
  switch (activation) {
    case Activation::relu: return max_second(zero(), x);
    case Activation::sigmoid: return sigmoid(x);
    case Activation::tanh: return tanh(x);
    default: return x;
  }
}

void output_tiles(const WinogradConvArgs& a, int64_t first, int64_t count, const float* m, int64_t pitch) {
  const WinogradShape& s = a.shape;
  if (count == 0) return;  // there may be no tiles at all
  Pixel at = pixel_at(first, tiles_down(s), tiles_across(s));
  for (int64_t t = 0; t < count; ++t, advance(at, tiles_down(s), tiles_across(s))) {
    float* const y = a.y + ((at.n * s.oh + 2 * at.i) * s.ow + 2 * at.j) * s.oc;
    const bool below = 2 * at.i + 1 < s.oh, right = 2 * at.j + 1 < s.ow;
    for (int64_t o = 0; o < s.oc; o += kLanes) {
      const int lanes = static_cast<int>(smaller(kLanes, s.oc - o));
      const float* const in = m + t * s.oc + o;
      const F32 bias = a.bias != nullptr ? load_n(a.bias + o, lanes) : zero();
      F32 half[2][4], result[2][2];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        F32 column[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) column[i] = load_n(in + (4 * i + j) * pitch, lanes);
        transform_output(column[0], column[1], column[2], column[3], half[0][j], half[1][j]);
      }
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) transform_output(half[i][0], half[i][1], half[i][2], half[i][3], result[i][0], result[i][1]);
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i)
#pragma GCC unroll 2
        for (int j = 0; j < 2; ++j) {
          if ((i == 1 && !below) || (j == 1 && !right)) continue;
          const F32 sum = a.bias != nullptr ? add(result[i][j], bias) : result[i][j];
          store_n(y + (i * s.ow + j) * s.oc + o, activated(a.activation, sum), lanes);
        }
    }
  }
}

// Of each position the transformed weights lie in panels of kTileColumns output channels, [C][columns]: where (c, o) lies.
LW_INLINE int64_t weight_place(int64_t inputs, int64_t outputs, int64_t c, int64_t o) {
  const int64_t panel = o / kTileColumns * kTileColumns;
  return panel * inputs + c * smaller(kTileColumns, outputs - panel) + (o - panel);
}

// C [rows, n] = A [rows, k] · such panels: the sums of gemm.h, with nothing left to pack.
void panels_product(int64_t rows, int64_t k, int64_t n, const float* a, const float* panels, float* c) {
  const int64_t step = larger(depth_block(k), 1);
  const RowTiles tiles = row_tiles(rows, divide_up(rows, kTileRows));
  Tile tile = {};
  tile.a_row = k, tile.a_k = 1, tile.c_row = n;
  for (int64_t p = 0; p == 0 || p < k; p += step) {
    tile.depth = smaller(step, k - p);
    tile.add_c = p > 0;
    for (int64_t j = 0; j < n; j += kTileColumns) {
      const int64_t columns = smaller(kTileColumns, n - j);
      const int vectors = panel_vectors(kTileVectors, columns);
      tile.b = panels + j * k + p * columns, tile.b_k = columns;
      tile.last = static_cast<int>(columns - (vectors - 1) * kLanes);
      const Edge edge = columns == vectors * kLanes ? Edge::full : Edge::ragged;
      // Meanwhile what follows, the next panel.
      const int64_t lines = divide_up(tile.depth * columns, kLine);
      tile.ahead = fetch_evenly(tile.b + k * columns, kLine, lines, 0, lines, tiles.count, tile.depth);
      for (int64_t t = 0; t < tiles.count; t += tile.count) {
        const int64_t size = tiles.size(t), i = tiles.start(t);
        tile.count = (t < tiles.longer ? tiles.longer : tiles.count) - t;
        tile.a = a + i * k + p, tile.a_next = size * k;
        tile.c = c + i * n + j, tile.c_next = size * n;
        tile_kernel(size, vectors, edge)(tile);
      }
    }
  }
}

int64_t winograd_conv_tasks(const WinogradConvArgs& a) { return divide_up(winograd_tiles(a.shape), tiles_at_once(a.shape)); }

int64_t winograd_conv(const WinogradConvArgs& a, int64_t begin, int64_t end, void* scratch) {
  if (begin == end) return kOk;
  const WinogradShape& s = a.shape;
  const int64_t most = tiles_at_once(s), v_pitch = panel_pitch(most * s.c), m_pitch = panel_pitch(most * s.oc);
  float* const v = static_cast<float*>(scratch);
  float* const m = v + kPositions * v_pitch;
  for (int64_t task = begin; task < end; ++task) {
    const int64_t first = task * most, count = smaller(most, winograd_tiles(s) - first);
    input_tiles(s, a.x, first, count, 0, s.c, v, v_pitch);
    for (int64_t p = 0; p < kPositions; ++p) panels_product(count, s.c, s.oc, v + p * v_pitch, a.u + p * s.c * s.oc, m + p * m_pitch);
    output_tiles(a, first, count, m, m_pitch);
  }
  return kOk;
}

// G of three values.
LW_INLINE void transform_weights(F32 a, F32 b, F32 c, F32 (&out)[4]) {
  const F32 half = set1(0.5f), ends = add(a, c);
  out[0] = a, out[1] = mul(half, add(ends, b)), out[2] = mul(half, sub(ends, b)), out[3] = c;
}

// One vector of output channels of input channel c: all positions.
LW_INLINE void weight_vector(const WinogradWeightsArgs& a, int64_t c, int64_t o, int lanes, F32 (&out)[kPositions]) {
  F32 columns[3][4];
#pragma GCC unroll 3
  for (int j = 0; j < 3; ++j) {
    F32 w[3];
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i) w[i] = load_n(a.w + ((3 * i + j) * a.c + c) * a.oc + o, lanes);
    transform_weights(w[0], w[1], w[2], columns[j]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    F32 row[4];
    transform_weights(columns[0][i], columns[1][i], columns[2][i], row);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) out[4 * i + j] = row[j];
  }
}

// Input channels of a task.
constexpr int64_t kWeightTask = 16;
int64_t winograd_weights_tasks(const WinogradWeightsArgs& a) { return divide_up(a.c, kWeightTask); }

// Turned by half a turn, the kernel has rows and columns 0 and 3 of its transform exchanged.
LW_INLINE int64_t turned(int64_t position) {
  const auto other = [](int64_t i) { return i == 0 ? 3 : i == 3 ? 0 : i; };
  return other(position / 4) * 4 + other(position % 4);
}

int64_t winograd_weights(const WinogradWeightsArgs& a, int64_t begin, int64_t end, void* scratch) {
  float* const block = static_cast<float*>(scratch);  // [16][kLanes][kLanes]
  const int64_t size = a.c * a.oc;
  for (int64_t c0 = begin * kWeightTask; c0 < smaller(a.c, end * kWeightTask); c0 += kLanes) {
    const int64_t rows = smaller(kLanes, smaller(a.c, end * kWeightTask) - c0);
    for (int64_t o = 0; o < a.oc; o += kLanes) {
      const int lanes = static_cast<int>(smaller(kLanes, a.oc - o));
      for (int64_t r = 0; r < rows; ++r) {
        F32 u[kPositions];
        weight_vector(a, c0 + r, o, lanes, u);
#pragma GCC unroll 16
        for (int p = 0; p < kPositions; ++p) {
          if (a.turn) {
            store(block + (p * kLanes + r) * kLanes, u[p]);
          } else {
            store_n(a.u + p * size + weight_place(a.c, a.oc, c0 + r, o), u[p], lanes);
          }
        }
      }
      if (!a.turn) continue;
      for (int64_t p = 0; p < kPositions; ++p) {
        F32 square[kLanes];
#pragma GCC unroll 16
        for (int r = 0; r < kLanes; ++r) square[r] = r < rows ? load(block + (p * kLanes + r) * kLanes) : zero();
        transpose(square);
#pragma GCC unroll 16
        for (int r = 0; r < kLanes; ++r)
          if (r < lanes) store_n(a.u + turned(p) * size + weight_place(a.oc, a.c, o + r, c0), square[r], static_cast<int>(rows));
      }
    }
  }
  return kOk;
}

// d [16][count][outputs] = A dy Aᵀ of each tile; pixels beyond the image are 0.
void gradient_tiles(const WinogradShape& s, const float* dy, int64_t first, int64_t count, int64_t o0, int64_t outputs, float* d,
                    int64_t pitch) {
  if (count == 0) return;  // there may be no tiles at all
  Pixel at = pixel_at(first, tiles_down(s), tiles_across(s));
  for (int64_t t = 0; t < count; ++t, advance(at, tiles_down(s), tiles_across(s))) {
    const float* const in = dy + ((at.n * s.oh + 2 * at.i) * s.ow + 2 * at.j) * s.oc + o0;
    const bool below = 2 * at.i + 1 < s.oh, right = 2 * at.j + 1 < s.ow;
    for (int64_t o = 0; o < outputs; o += kLanes) {
      const int lanes = static_cast<int>(smaller(kLanes, outputs - o));
      const F32 y00 = load_n(in + o, lanes), y01 = right ? load_n(in + s.oc + o, lanes) : zero();
      const F32 y10 = below ? load_n(in + s.ow * s.oc + o, lanes) : zero();
      const F32 y11 = below && right ? load_n(in + (s.ow + 1) * s.oc + o, lanes) : zero();
      const F32 rows[4][2] = {{y00, y01}, {add(y00, y10), add(y01, y11)}, {sub(y00, y10), sub(y01, y11)}, {neg(y10), neg(y11)}};
      float* const out = d + t * outputs + o;
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        store_n(out + (4 * i) * pitch, rows[i][0], lanes);
        store_n(out + (4 * i + 1) * pitch, add(rows[i][0], rows[i][1]), lanes);
        store_n(out + (4 * i + 2) * pitch, sub(rows[i][0], rows[i][1]), lanes);
        store_n(out + (4 * i + 3) * pitch, neg(rows[i][1]), lanes);
      }
    }
  }
}

int64_t winograd_backward_weights_tasks(const WinogradBackwardWeightsArgs& a) {
  return a.parts * divide_up(a.shape.c, kGradientInputs) * divide_up(a.shape.oc, kGradientOutputs);
}

// Tiles enter a sum in order, kGradientTiles of them as one product.
int64_t winograd_backward_weights(const WinogradBackwardWeightsArgs& a, int64_t begin, int64_t end, void* scratch) {
  if (begin == end) return kOk;
  const WinogradShape& s = a.shape;
  const int64_t across = divide_up(s.oc, kGradientOutputs), blocks = divide_up(s.c, kGradientInputs) * across;
  const int64_t tiles = winograd_tiles(s), share = divide_up(tiles, a.parts);
  float* const floats = static_cast<float*>(scratch);
  float* const v = floats + kProductScratch;
  for (int64_t task = begin; task < end; ++task) {
    const int64_t part = task / blocks, c0 = task % blocks / across * kGradientInputs, o0 = task % across * kGradientOutputs;
    GemmArgs g = {};
    g.m = smaller(kGradientInputs, s.c - c0), g.n = smaller(kGradientOutputs, s.oc - o0), g.batch = 1;
    const int64_t v_pitch = panel_pitch(kGradientTiles * g.m), d_pitch = panel_pitch(kGradientTiles * g.n);
    float* const d = v + kPositions * v_pitch;
    g.a_row = 1, g.a_col = g.m, g.b_row = g.n, g.b_col = 1, g.c_row = s.oc;
    const int64_t first = smaller(tiles, part * share), beyond = smaller(tiles, first + share);
    for (int64_t t = first; t == first || t < beyond; t += kGradientTiles) {
      g.k = smaller(kGradientTiles, beyond - t);
      input_tiles(s, a.x, t, g.k, c0, g.m, v, v_pitch);
      gradient_tiles(s, a.dy, t, g.k, o0, g.n, d, d_pitch);
      g.accumulate = t > first;
      for (int64_t p = 0; p < kPositions; ++p) {
        g.a = v + p * v_pitch, g.b = d + p * d_pitch, g.c = a.sums + ((part * kPositions + p) * s.c + c0) * s.oc + o0;
        gemm_rectangle(g, 0, g.m, 0, g.n, floats);
      }
    }
  }
  return kOk;
}

// Gᵀ of four values.
LW_INLINE void transform_gradient(F32 a, F32 b, F32 c, F32 d, F32& first, F32& second, F32& third) {
  const F32 half = set1(0.5f), middle = mul(half, add(b, c));
  first = add(a, middle), second = mul(half, sub(b, c)), third = add(middle, d);
}

int64_t winograd_gradient_tasks(const WinogradGradientArgs& a) { return divide_up(a.c, kWeightTask); }

// The parts are added in order.
int64_t winograd_gradient(const WinogradGradientArgs& a, int64_t begin, int64_t end, void*) {
  const int64_t size = a.c * a.oc, last = smaller(a.c, end * kWeightTask) * a.oc;
  for (int64_t e = begin * kWeightTask * a.oc; e < last; e += kLanes) {
    const int lanes = static_cast<int>(smaller(kLanes, last - e));
    F32 half[3][4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      F32 s[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) s[i] = load_n(a.sums + (4 * i + j) * size + e, lanes);
      for (int64_t part = 1; part < a.parts; ++part)
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) s[i] = add(s[i], load_n(a.sums + (part * kPositions + 4 * i + j) * size + e, lanes));
      transform_gradient(s[0], s[1], s[2], s[3], half[0][j], half[1][j], half[2][j]);
    }
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i) {
      F32 row[3];
      transform_gradient(half[i][0], half[i][1], half[i][2], half[i][3], row[0], row[1], row[2]);
#pragma GCC unroll 3
      for (int j = 0; j < 3; ++j) store_n(a.dw + (3 * i + j) * size + e, row[j], lanes);
    }
  }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
