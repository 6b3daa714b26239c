// dw of each part and group as the product of the transposed windows [KH·KW·C/G, pixels] with dy [pixels, OC/G]: bit for bit that of the
// im2col matrix, so K of the numerical contract in gemm.h is the number of the part's pixels.
#pragma once
#include "depthwise_backward_weights.h"
#include "paired.h"

namespace lanewise::LW_ISA {
namespace {

// Windows of many channels: so many channels at a time are copied into padded rows, as those of few channels are, once for all taps; and
// columns so many at a time. A task is one row of taps of a slice of channels: neighbours share the copy.
constexpr int64_t kSliceChannels = 32, kSliceColumns = 128;
// Shorter rows of windows cost their tiles more than the copies did; pixels that few taps see are not worth it.
constexpr int64_t kSliceRow = 12, kSliceTaps = 4;

struct SliceGrid {
  int64_t channels, slices, column_blocks;  // channels of a slice at most; no slices: this way does not suit
};

SliceGrid slice_grid(const ConvBackwardWeightsArgs& a) {
  const ConvShape& s = a.shape;
  const SliceGrid none = {0, 0, 0};
  const int64_t channels = group_inputs(s), columns = group_outputs(s), pixels = divide_up(output_pixels(s), a.parts);
  if (channels <= kPaddedChannels || pixels == 0 || s.ow < kSliceRow) return none;
  if (s.kh * s.kw / s.stride_h / s.stride_w < kSliceTaps) return none;
  if (columns <= kMaxTransposed && columns * 4 < divide_up(columns, kLanes) * kLanes * 3) return none;  // too many empty lanes
  const int64_t depth = depth_block(pixels);
  for (int64_t most = kSliceChannels; most >= kPaddedChannels; most /= 2) {
    const int64_t slices = divide_up(channels, most);
    Window window = input_window(s, a.x, 0);
    window.channels = divide_up(channels, slices);
    if (has_room_padded(window, rows_of(window, depth), images_of(window, depth)))
      return {window.channels, slices, divide_up(columns, kSliceColumns)};
  }
  return none;
}

// Channels and rows of taps of one slice.
struct Slice {
  int64_t c, channels, begin, end;
};

// Those rows of dw, columns [n0, n1).
void sliced_gradient(const GemmArgs& g, const Window& all, int64_t first, const Slice& slice, int64_t n0, int64_t n1, float* scratch) {
  Window window = all;
  window.image += slice.c;
  window.channels = slice.channels;
  window.kh = slice.end - slice.begin;
  window.first_h += slice.begin * window.step_h;
  GemmArgs part = g;
  part.c += (slice.begin * window.kw * all.channels + slice.c) * g.c_row;
  padded_gradient(part, window, first, {0, window.kh * window.kw, slice.channels, all.channels * g.c_row}, n0, n1, scratch);
}

// A panel of rows of at most so many floats the processor fetches ahead by itself.
constexpr int64_t kFollowed = 64;

// The largest part, the first one, stands for all in the grid.
GemmArgs conv_backward_weights_product(const ConvBackwardWeightsArgs& a) {
  const ConvShape& s = a.shape;
  GemmArgs g = {};
  g.m = s.kh * s.kw * group_inputs(s), g.n = group_outputs(s), g.k = divide_up(output_pixels(s), a.parts), g.batch = s.groups * a.parts;
  g.b = a.dy, g.b_row = s.oc, g.b_col = 1;
  g.cold_b = output_pixels(s) * g.n > kFar;
  g.c = a.dw, g.c_row = s.oc;
  return g;
}

int64_t conv_backward_weights_tasks(const ConvBackwardWeightsArgs& a) {
  const ConvShape& s = a.shape;
  if (s.oc == 0 || s.c == 0 || s.kh == 0 || s.kw == 0) return 0;
  if (is_depthwise(s)) return depthwise_backward_weights_tasks(a);
  const SliceGrid grid = slice_grid(a);
  return grid.slices > 0 ? a.parts * s.groups * grid.column_blocks * grid.slices * s.kh : gemm_tasks(conv_backward_weights_product(a));
}

// The product of one part and group.
struct PartProduct {
  GemmArgs g;
  Window window;
  int64_t first;  // pixel
};
LW_INLINE PartProduct part_product(const ConvBackwardWeightsArgs& a, const GemmArgs& product, int64_t item) {
  const ConvShape& s = a.shape;
  const int64_t part = item / s.groups, group = item % s.groups, pixels = output_pixels(s), first = smaller(part * product.k, pixels);
  GemmArgs g = product;
  g.k = smaller(product.k, pixels - first);
  g.b += first * s.oc + group * g.n;
  g.c += part * g.m * s.oc + group * g.n;
  return {g, input_window(s, a.x, group), first};
}

// Whether parts are of the same size, begin with an image and can be summed by twos.
LW_INLINE bool pairs_parts(const ConvBackwardWeightsArgs& a, const GemmArgs& product) {
  const ConvShape& s = a.shape;
  if (a.parts < 2 || s.groups > 1 || is_pointwise(s) || product.k * a.parts != output_pixels(s)) return false;
  return fits_pairs(input_window(s, a.x, 0), product.n, product.k);
}

void sliced_backward_weights(const ConvBackwardWeightsArgs& a, const SliceGrid& grid, int64_t begin, int64_t end, float* scratch) {
  const ConvShape& s = a.shape;
  const GemmArgs product = conv_backward_weights_product(a);
  for (int64_t task = begin, count; task < end; task += count) {
    const int64_t tap = task % s.kh, slice = task / s.kh % grid.slices, block = task / s.kh / grid.slices;
    count = smaller(end - task, s.kh - tap);
    const PartProduct part = part_product(a, product, block / grid.column_blocks);
    const int64_t n0 = block % grid.column_blocks * kSliceColumns, n1 = smaller(product.n, n0 + kSliceColumns);
    const int64_t c0 = slice * grid.channels, channels = smaller(grid.channels, part.window.channels - c0);
    sliced_gradient(part.g, part.window, part.first, {c0, channels, tap, tap + count}, n0, n1, scratch);
  }
}

int64_t conv_backward_weights(const ConvBackwardWeightsArgs& a, int64_t begin, int64_t end, void* scratch) {
  if (begin == end) return kOk;  // the sizes may be those of no memory
  float* const floats = static_cast<float*>(scratch);
  const ConvShape& s = a.shape;
  if (is_depthwise(s)) return depthwise_backward_weights(a, begin, end, floats);
  if (const SliceGrid grid = slice_grid(a); grid.slices > 0) {
    sliced_backward_weights(a, grid, begin, end, floats);
    return kOk;
  }
  const GemmArgs product = conv_backward_weights_product(a);
  if (pairs_parts(a, product)) {
    // Whole parts by twos, from the end.
    const int64_t tasks = gemm_tasks(product) / product.batch;
    for (; end % tasks == 0 && end - 2 * tasks >= begin; end -= 2 * tasks) {
      const PartProduct one = part_product(a, product, end / tasks - 2), other = part_product(a, product, end / tasks - 1);
      paired_gradient(one.g, one.window, one.first, other.first, other.g.b, other.g.c, floats);
    }
  }
  for_each_rectangle(
      make_grid(product), product.m, product.n, begin, end,
      [&](int64_t item, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
        PartProduct part = part_product(a, product, item);
        GemmArgs& g = part.g;
        const Window& window = part.window;
        const int64_t rows = m1 - m0, first = part.first, pixels = depth_block(larger(g.k, 1));
        if (!is_pointwise(s) && window.ow > 0 && window.oh > 0 && fits_padded(window, rows_of(window, pixels), images_of(window, pixels))) {
          g.c += m0 * g.c_row;
          padded_gradient(g, window, first, {m0, 1, rows, 0}, n0, n1, floats);
          return;
        }
        g.cold_b = g.cold_b && s.oc > kFollowed;
        if (is_pointwise(s)) {
          g.a = window.image + first * s.c, g.a_row = 1, g.a_col = s.c;
          if (n0 == 0 && n1 == g.n && better_transposed(g, rows)) {
            gemm_transposed(g, m0, m1, floats);
          } else {
            gemm_rectangle(g, m0, m1, n0, n1, floats);
          }
          return;
        }
        const WindowPixelOperand windows = {window, 0, first};
        if (g.n <= kMaxTransposed && g.n * divide_up(rows, kLanes) < rows * divide_up(g.n, kLanes)) {
          gemm_transposed(g, m0, m1, floats, windows);
        } else {
          gemm_rectangle(g, m0, m1, n0, n1, floats, windows);
        }
      },
      true);
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
