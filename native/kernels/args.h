// The arguments of every kernel: plain data, shared by the decoder, the raw exports and the ISA objects.
//
// Letters: M, N, K rows, columns and depth of a product; sizes and strides are in elements, `bytes` in bytes.
// A kernel `x` is two functions of one table row (see kernels.def):
//   int64_t x_tasks(const XArgs&)                        how many independent tasks the work falls into: a function of the arguments only
//   int64_t x(const XArgs&, int64_t begin, int64_t end, void* scratch)
//                                                        runs tasks [begin, end); returns kOk or the flat position of the first bad index
// Which thread runs a task never changes a bit of the result. `scratch` is kScratchBytes long, 64-byte aligned, private to the caller.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace lanewise {

constexpr int64_t kOk = -1;
constexpr size_t kScratchBytes = 3u << 20;
constexpr int kMaxRank = 6;

enum class DType : int32_t { f32, i32, u8, count };

enum class Activation : int32_t { none, relu, sigmoid, tanh, count };

// C[b] = activation(A[b] · B[b] (+ C[b] if accumulate) + bias), b < batch.
// A element (i, p) is a[i * a_row + p * a_col]; B element (p, j) is b[p * b_row + j * b_col]; C is row-major with pitch c_row.
struct GemmArgs {
  int64_t m, n, k;
  int64_t batch, inner;  // so many products, of which each `inner` follow one another in steps of `_batch`; those runs in steps of `_outer`
  const float* a;
  int64_t a_row, a_col, a_batch, a_outer;
  const float* b;
  int64_t b_row, b_col, b_batch, b_outer;
  float* c;
  int64_t c_row, c_batch, c_outer;
  const float* bias;  // [n] or null
  Activation activation;
  bool accumulate;
  bool cold_b;  // B is no longer in the cache, whatever its size
};

// One fused elementwise program over an index space of `rank` dimensions.
// Registers: inputs first, then constants, then temporaries (one per instruction: instruction i writes register inputs + constants + i).
// clang-format off
#define LW_MAP_OPS(op) \
  op(add) op(sub) op(mul) op(div) op(maximum) op(minimum) op(fma) /* fma(a, b, c) = a·b + c */ \
  op(neg) op(abs) op(sign) op(sqrt) op(square) op(reciprocal) op(floor) op(round) /* reciprocal is a true division */ \
  op(exp) op(expm1) op(log) op(log1p) op(tanh) op(sigmoid) op(erf) op(sin) op(cos) \
  op(less) op(less_equal) op(equal) op(not_equal) /* 1 or 0 */ \
  op(select) /* a != 0 ? b : c */ \
  op(relu) op(is_finite) op(pow) /* relu(NaN) = NaN; pow(a, b) */ \
  op(mul_add) op(mul_sub) op(sub_mul) /* a·b + c, a·b − c, c − a·b, each operation rounded */
// clang-format on
enum class MapOp : int32_t {
#define LW_MAP_OP(name) name,
  LW_MAP_OPS(LW_MAP_OP)
#undef LW_MAP_OP
      count
};
// How many registers an operation reads. Internal linkage: ISA objects may hold no weak symbol.
static constexpr int map_arity(MapOp op) {
  switch (op) {
    case MapOp::fma:
    case MapOp::mul_add:
    case MapOp::mul_sub:
    case MapOp::sub_mul:
    case MapOp::select: return 3;
    case MapOp::add:
    case MapOp::sub:
    case MapOp::mul:
    case MapOp::div:
    case MapOp::maximum:
    case MapOp::minimum:
    case MapOp::less:
    case MapOp::less_equal:
    case MapOp::equal:
    case MapOp::not_equal:
    case MapOp::pow: return 2;
    default: return 1;
  }
}
struct MapInstruction {
  MapOp op;
  int32_t a, b, c;  // registers; unused ones are -1
};
struct MapInput {
  const void* data;
  DType dtype;
  int64_t stride[kMaxRank];  // 0 where broadcast
};
struct MapOutput {
  float* data;  // contiguous in the index space; may equal an input of the same layout
  DType dtype;  // f32, or i32 / u8 (converted by truncation)
  int32_t reg;
};
constexpr int kMaxMapInputs = 24, kMaxMapConstants = 24, kMaxMapInstructions = 64, kMaxMapOutputs = 8;
struct MapArgs {
  int32_t rank, inputs, constants, instructions, outputs;
  int32_t known;  // 1 + its place in the list of known_maps.h, or 0
  int64_t dims[kMaxRank];
  MapInput input[kMaxMapInputs];
  float constant[kMaxMapConstants];
  MapInstruction instruction[kMaxMapInstructions];
  MapOutput output[kMaxMapOutputs];
};

// out[o, i] = reduction over r of in[o, r, i]; in is [outer, count, inner] contiguous, out [outer, inner].
// Sums run in chunks and trees fixed by the sizes alone. An empty count gives 0 (sum), NaN (mean), ∓inf (max, min).
enum class ReduceKind : int32_t { sum, mean, max, min, sum_squares, count };
struct ReduceArgs {
  ReduceKind kind;
  int64_t outer, count, inner;
  const float* in;
  float* out;
};

// out[r] = index of the first maximum (minimum) of row r; NaN wins.
struct ArgReduceArgs {
  bool minimum;
  int64_t rows, columns;
  const float* in;
  int32_t* out;
};

// softmax, log-softmax: out [rows, columns]; log-sum-exp: out [rows].
enum class SoftmaxKind : int32_t { softmax, log_softmax, log_sum_exp, count };
struct SoftmaxArgs {
  SoftmaxKind kind;
  int64_t rows, columns;
  const float* in;
  float* out;
};

// Of softmax, or log-softmax if logarithmic: dx from the result y and its gradient dy, all [rows, columns]; dx may equal y or dy.
struct SoftmaxBackwardArgs {
  bool logarithmic;
  int64_t rows, columns;
  const float *y, *dy;
  float* dx;
};

// loss[r] = logsumexp(logits[r]) − logits[r, ids[r]]; 0 where ids[r] == ignore_index. A bad id is reported, its loss is 0.
struct CrossEntropyArgs {
  int64_t rows, columns;
  int32_t ignore_index;
  const float* logits;
  const int32_t* ids;
  float* loss;
};

// dlogits[r] = dloss[r] · (softmax(logits[r]) − onehot(ids[r])); 0 where ignored. dlogits may equal logits.
struct CrossEntropyBackwardArgs {
  int64_t rows, columns;
  int32_t ignore_index;
  const float* logits;
  const int32_t* ids;
  const float* dloss;
  float* dlogits;
};

// N rows of up to T frames with logp[n][t][class], and up to `labels` labels each, −1 behind the last.
struct CtcShape {
  int64_t n, t, classes, labels;
  int32_t blank;
};
constexpr int64_t kMaxCtcLabels = 16384;

// The losses [N] and what the backward pass goes on from, alpha [N, T, 2·labels + 1]. See ctc.h.
struct CtcArgs {
  CtcShape shape;
  const float* logp;
  const int32_t* ids;     // [N, labels]
  const int32_t* frames;  // [N], each 0 … T: beyond it counts as the nearer of them
  float* loss;
  float* alpha;
};

// dlogp [N, T, classes] of Σ dloss · loss.
struct CtcBackwardArgs {
  CtcShape shape;
  const float* logp;
  const int32_t* ids;
  const int32_t* frames;
  const float* loss;
  const float* alpha;
  const float* dloss;
  float* dlogp;
};

// out[i] = table[ids[i]], rows of row_bytes bytes. A bad id is reported, its row is zeroed.
struct GatherRowsArgs {
  int64_t count, table_rows, row_bytes;
  const uint8_t* table;
  const int32_t* ids;
  uint8_t* out;
};

// dtable (overwritten, zero elsewhere)[ids[i]] += dy[i], in order of i.
struct ScatterAddRowsArgs {
  int64_t count, table_rows, columns;
  const float* dy;
  const int32_t* ids;
  float* dtable;
};

// The rows of dy [count, columns] of one id added up where the id comes first: see kernels/merge_rows.h. count is below 2^31.
struct MergeRowsArgs {
  int64_t count, table_rows, columns;
  const float* dy;
  const int32_t* ids;
  float* sums;      // [count, columns]
  int32_t* owners;  // [count]
};

// table[ids[i]] = in[i] in order of i, where ids[i] is a row of the table: others are skipped.
struct WriteRowsArgs {
  int64_t count, table_rows, columns;
  const float* in;
  const int32_t* ids;
  float* table;
};

// Strided copy of an index space; element_bytes 1 or 4.
struct CopyArgs {
  int32_t rank, element_bytes;
  int64_t dims[kMaxRank];
  const uint8_t* in;
  int64_t in_stride[kMaxRank];
  uint8_t* out;
  int64_t out_stride[kMaxRank];
};

struct FillArgs {
  int64_t count;
  float value;
  float* out;
};

// Philox4x32-10: element e is word e % 4 of the block with counter (first block + e / 4, stream, step low, step high) and key (seed low,
// seed high).
enum class RandomKind : int32_t { uniform, bits };  // uniform in [0, 1): the top 24 bits × 2^-24
struct RandomArgs {
  RandomKind kind;
  int64_t count;
  uint64_t seed, step;
  uint32_t stream;
  float* out;  // bits: the same memory as uint32
  int64_t first_block = 0;
};

// Images are [N, H, W, C]. Output pixel (i, j) sees input pixels (i·stride_h − pad_top + kh·dilation_h, j·stride_w − pad_left +
// kw·dilation_w); what lies outside the image counts as 0. Any geometry is allowed, also outputs that see padding alone. Weights are [KH,
// KW, C/G, OC]: group g takes the g-th part of the channels to the g-th part of OC.
struct ConvShape {
  int64_t n, h, w, c, oh, ow, oc, kh, kw;
  int64_t stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left, groups;
};

// y = activation(x ∗ w + bias): y [N, OH, OW, OC].
struct ConvForwardArgs {
  ConvShape shape;
  const float* x;
  const float* w;
  const float* bias;  // [OC] or null
  Activation activation;
  float* y;
};

// dx [N, H, W, C] (overwritten) of the convolution, from dy [N, OH, OW, OC].
struct ConvBackwardDataArgs {
  ConvShape shape;
  const float* dy;
  const float* w;
  float* dx;
};

// dw [parts, KH, KW, C/G, OC] (overwritten): part p sums output pixels [p·S, (p + 1)·S), S = ceil(N·OH·OW / parts).
struct ConvBackwardWeightsArgs {
  ConvShape shape;
  int64_t parts;
  const float* x;
  const float* dy;
  float* dw;
};

// Convolution with a 3×3 kernel and stride 1 by Winograd's F(4×4, 3×3): see kernels/conv/winograd.h. Output pixel (i, j) sees input pixels
// (i − pad_top … i − pad_top + 2, j − pad_left … ). No extent of channels is 0 or above kMaxWinogradChannels.
constexpr int64_t kMaxWinogradChannels = 512;
constexpr int64_t kWinogradTile = 4, kWinogradPositions = 36;
struct WinogradShape {
  int64_t n, h, w, c, oh, ow, oc, pad_top, pad_left;
};

// u = the transform of w [3, 3, C, OC], 36·C·OC floats in the order that winograd_conv of the same ISA reads; turned: that of the kernel
// turned by half a turn, for the gradient to the data.
struct WinogradWeightsArgs {
  int64_t c, oc;
  bool turn;
  const float* w;
  float* u;
};
// y = activation(x ∗ w + bias), w given as its transform u.
struct WinogradConvArgs {
  WinogradShape shape;
  const float* x;
  const float* u;
  const float* bias;  // [OC] or null
  Activation activation;
  float* y;
};
// sums [parts, 36, C, OC] (overwritten): part p sums tiles [p·S, (p + 1)·S), S = ceil(tiles / parts).
struct WinogradBackwardWeightsArgs {
  WinogradShape shape;
  int64_t parts;
  const float* x;
  const float* dy;
  float* sums;
};
// dw [3, 3, C, OC] from those sums.
struct WinogradGradientArgs {
  int64_t c, oc, parts;
  const float* sums;
  float* dw;
};

// columns [N·OH·OW, KH·KW·C]: the pixels each output pixel sees. Groups are ignored.
struct Im2colArgs {
  ConvShape shape;
  const float* x;
  float* columns;
};
// dx [N, H, W, C] (overwritten) = sums of the columns that came from each input pixel, in order of (kh, kw).
struct Col2imArgs {
  ConvShape shape;
  const float* columns;
  float* dx;
};

// Windows as in ConvShape with dilation 1.
struct PoolShape {
  int64_t n, h, w, c, oh, ow, kh, kw, stride_h, stride_w, pad_top, pad_left;
};

// y [N, OH, OW, C] = the maximum of the window's pixels inside the image, −∞ if there is none; index = kh·KW + kw of the first maximum
// (−1 if none); KH·KW < 2^31. The first NaN wins.
struct MaxPoolArgs {
  PoolShape shape;
  const float* x;
  float* y;
  int32_t* index;  // null: not wanted
};
// dx [N, H, W, C] (overwritten) = Σ dy over the windows whose index points at the pixel, in order of (oh, ow).
struct MaxPoolBackwardArgs {
  PoolShape shape;
  const float* dy;
  const int32_t* index;
  float* dx;
};

// y = (Σ of the window's pixels inside the image) / count; count: those pixels, or with count_padding the whole window within
// [−pad_top, H + pad_top) × [−pad_left, W + pad_left). An empty window gives 0. In order of (kh, kw), but for windows of more than
// kPoolPiece pixels so many rows at a time, or that many pixels of one row, and then these sums.
constexpr int64_t kPoolPiece = 512;
static constexpr int64_t pool_piece_rows(const PoolShape& s) { return s.kw < kPoolPiece ? kPoolPiece / s.kw : 1; }
struct AvgPoolArgs {
  PoolShape shape;
  bool count_padding;
  const float* x;
  float* y;
};
struct AvgPoolBackwardArgs {
  PoolShape shape;
  bool count_padding;
  const float* dy;
  float* dx;
};

// Statistics of columns come in chunks of rows. Where there are several, round 0 leaves those of each in `chunks` [outer, chunks, 2,
// columns], and round 1 combines them.
constexpr int64_t kChunkRows = 512, kSingleColumnChunkRows = 4096;
static constexpr int64_t chunk_rows(int64_t columns) { return columns == 1 ? kSingleColumnChunkRows : kChunkRows; }
static constexpr int64_t row_chunks(int64_t rows, int64_t columns) {
  return rows <= chunk_rows(columns) ? 1 : (rows - 1) / chunk_rows(columns) + 1;
}

// Of each column of x [outer, rows, columns]: mean and variance (divided by rows) [outer, columns].
struct ColumnMomentsArgs {
  int64_t outer, rows, columns;
  const float* x;
  float* mean;
  float* variance;
  float* chunks;
  int64_t round;
};
// sum = Σ dy, product = Σ dy·(x − mean) over the rows: [outer, columns].
struct ColumnProductsArgs {
  int64_t outer, rows, columns;
  const float* x;
  const float* mean;
  const float* dy;
  float* sum;
  float* product;
  float* chunks;
  int64_t round;
};

// y[n, i, j] = x[n] at row θ0·i + θ1·j + θ2 and column θ3·i + θ4·j + θ5, bilinear between pixels; pixels outside are `fill`.
// A pixel of weight 0 counts for nothing, not even NaN. x [N, H, W, C] float or bytes, theta [N, 6], y [N, OH, OW, C]. NaN coordinates give
// `fill`.
struct AffineSampleArgs {
  int64_t n, h, w, c, oh, ow;
  const void* x;
  DType dtype;  // f32 or u8
  const float* theta;
  float fill;
  float* y;
};

// A recurrence over t steps of n rows with h hidden units, time-major: g [T, N, G·H] holds what the inputs add to the G gates (x·W + b),
// u [H, G·H] the recurrent weights. Gates stand in PyTorch's order.
//   elman      h' = tanh(g + h·U) or relu                                              G = 1
//   lstm       i, f, o = sigmoid, k = tanh of g + h·U, order i f k o; c' = f·c + i·k, h' = o·tanh(c')     G = 4
//   gru        r, z = sigmoid(g + h·U), q = h·U_n + bias, m = tanh(g_n + r·q), h' = m + z·(h − m)         G = 3
//   gru_before likewise with q = r·h, m = tanh(g_n + q·U_n)
// states [T + 1, N, H]: forwards step t reads states[t] and writes states[t + 1]; in reverse, steps run from T − 1 down and step t reads
// states[t + 1] and writes states[t]. The initial state is copied to its place. At t ≥ lengths[n] row n carries its state unchanged.
enum class Cell : int32_t { elman_tanh, elman_relu, lstm, gru, gru_before, count };
static constexpr bool is_elman(Cell cell) { return cell == Cell::elman_tanh || cell == Cell::elman_relu; }
static constexpr bool is_gru(Cell cell) { return cell == Cell::gru || cell == Cell::gru_before; }
static constexpr int64_t cell_gates(Cell cell) { return cell == Cell::lstm ? 4 : is_gru(cell) ? 3 : 1; }
struct RecurrentShape {
  Cell cell;
  int64_t t, n, h;
  bool reverse;
  bool panels;  // u is given as recurrent_panels writes it: turned for the backward pass
  bool split;   // tasks are blocks of hidden units, a round for each step; else tasks are rows, and one round runs all steps
};
// Memory for panels is that of whole blocks of so many units. How wide a panel is in it, at most that, each instruction set decides.
constexpr int64_t kPanelUnits = 32;

// The activated gates are saved for the backward pass, which for elman needs none.
struct RecurrentForwardArgs {
  RecurrentShape shape;
  int64_t round;
  const float* g;
  const float* u;
  const float* bias;       // gru: [H] or null
  const float* h0;         // [N, H]
  const float* c0;         // lstm: [N, H]
  const int32_t* lengths;  // [N], each 1 … T, or null. A bad one is reported.
  float* states;           // [T + 1, N, H]
  float* cells;            // lstm: [T + 1, N, H]
  float* gates;            // all but elman: [T, N, G·H]; may equal g
  float* q;                // gru: [T, N, H]
};
// From dy [T, N, H], added to the state each step writes, and the adjoint dh [N, H] of the last one (lstm: dc of the last cells):
// dgates, the gradient of g; dh0 and dc0; for gru the gradient dq of q. For gru_before dq is room for as many floats.
struct RecurrentBackwardArgs {
  RecurrentShape shape;
  int64_t round;
  const float* u;
  const float* states;
  const float* cells;
  const float* gates;
  const float* q;
  const float* dy;  // or null
  const float* dh;  // or null
  const float* dc;  // or null
  const int32_t* lengths;
  float* dgates;  // may equal gates
  float* dq;
  float* dh0;
  float* dc0;
};

// u [H, G·H] in panels of W columns, zeros beyond the last one and to the end of the last kPanelUnits: panels [H / W, G, H, W]; turned, of
// its transpose: [H / W, G·H, W]. W divides kPanelUnits.
struct RecurrentPanelsArgs {
  int64_t h, gates;
  bool turned;
  const float* u;
  float* panels;
};

}  // namespace lanewise
