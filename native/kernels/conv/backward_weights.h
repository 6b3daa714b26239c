// dw of each part and group as the product of the transposed windows [KH·KW·C/G, pixels] with dy [pixels, OC/G]: bit for bit that of the
// im2col matrix, so K of the numerical contract in gemm.h is the number of the part's pixels.
#pragma once
#include "depthwise_backward_weights.h"
#include "padded.h"

namespace lanewise::LW_ISA {
namespace {

// A panel of rows of at most so many floats the processor fetches ahead by itself.
constexpr int64_t kFollowed = 64;

// The largest part, the first one, stands for all in the grid.
GemmArgs conv_backward_weights_product(const ConvBackwardWeightsArgs& a) {
  const ConvShape& s = a.shape;
  GemmArgs g = {};
  g.m = s.kh * s.kw * group_inputs(s), g.n = group_outputs(s), g.k = divide_up(output_pixels(s), a.parts), g.batch = s.groups * a.parts;
  g.b = a.dy, g.b_row = s.oc, g.b_col = 1;
  g.cold_b = output_pixels(s) * g.n > kFar && s.oc > kFollowed;
  g.c = a.dw, g.c_row = s.oc;
  return g;
}

int64_t conv_backward_weights_tasks(const ConvBackwardWeightsArgs& a) {
  const ConvShape& s = a.shape;
  if (s.oc == 0 || s.c == 0 || s.kh == 0 || s.kw == 0) return 0;
  return is_depthwise(s) ? depthwise_backward_weights_tasks(a) : gemm_tasks(conv_backward_weights_product(a));
}

int64_t conv_backward_weights(const ConvBackwardWeightsArgs& a, int64_t begin, int64_t end, void* scratch) {
  if (begin == end) return kOk;  // the sizes may be those of no memory
  float* const floats = static_cast<float*>(scratch);
  const ConvShape& s = a.shape;
  if (is_depthwise(s)) return depthwise_backward_weights(a, begin, end, floats);
  const GemmArgs product = conv_backward_weights_product(a);
  for_each_rectangle(make_grid(product), product.m, product.n, begin, end,
                     [&](int64_t item, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
                       const int64_t part = item / s.groups, group = item % s.groups, pixels = output_pixels(s);
                       const int64_t first = smaller(part * product.k, pixels);
                       GemmArgs g = product;
                       g.k = smaller(product.k, pixels - first);
                       g.b += first * s.oc + group * g.n;
                       g.c += part * g.m * s.oc + group * g.n;
                       const Window window = input_window(s, a.x, group);
                       const WindowPixelOperand windows = {window, 0, first};
                       const int64_t rows = m1 - m0;
                       if (is_pointwise(s)) {
                         g.a = window.image + first * s.c, g.a_row = 1, g.a_col = s.c;
                         if (n0 == 0 && n1 == g.n && better_transposed(g, rows)) {
                           gemm_transposed(g, m0, m1, floats);
                         } else {
                           gemm_rectangle(g, m0, m1, n0, n1, floats);
                         }
                         return;
                       }
                       if (fits_padded_block(window, smaller(depth_block(larger(g.k, 1)), larger(g.k, 1)))) {
                         padded_gradient(g, window, first, m0, m1, n0, n1, floats);
                         return;
                       }
                       if (g.n <= kMaxTransposed && g.n * divide_up(rows, kLanes) < rows * divide_up(g.n, kLanes)) {
                         gemm_transposed(g, m0, m1, floats, windows);
                       } else {
                         gemm_rectangle(g, m0, m1, n0, n1, floats, windows);
                       }
                     });
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
