// y = activation(x ∗ w + bias) as the product of the windows [pixels, KH·KW·C/G] with w [KH·KW·C/G, OC/G] of each group.
// Bit for bit the product of the im2col matrix: see gemm.h.
#pragma once
#include "depthwise_forward.h"
#include "padded.h"
#include "planes.h"

namespace lanewise::LW_ISA {
namespace {

GemmArgs conv_forward_product(const ConvForwardArgs& a) {
  const ConvShape& s = a.shape;
  GemmArgs g = {};
  g.m = output_pixels(s), g.n = group_outputs(s), g.k = s.kh * s.kw * group_inputs(s), g.batch = s.groups;
  g.b = a.w, g.b_row = s.oc, g.b_col = 1, g.b_batch = g.n;
  g.c = a.y, g.c_row = s.oc, g.c_batch = g.n;
  g.bias = a.bias;
  g.activation = a.activation;
  return g;
}

// Work in vectors · rows, counting what it takes to bring a window into columns.
LW_INLINE bool windows_better_transposed(const Window& v, int64_t rows, int64_t columns) {
  if (columns > kMaxTransposed || rows < 2 * kLanes) return false;
  return columns + (is_single_channel(v) ? 2 : 7) < divide_up(columns, kLanes) * kLanes;
}

int64_t conv_forward_tasks(const ConvForwardArgs& a) {
  const ConvShape& s = a.shape;
  if (s.oc == 0 || s.n == 0 || s.oh == 0 || s.ow == 0) return 0;
  return is_depthwise(s) ? depthwise_forward_tasks(a) : gemm_tasks(conv_forward_product(a));
}

int64_t conv_forward(const ConvForwardArgs& a, int64_t begin, int64_t end, void* scratch) {
  if (begin == end) return kOk;  // the sizes may be those of no memory
  if (is_depthwise(a.shape)) return depthwise_forward(a, begin, end, static_cast<float*>(scratch));
  float* const floats = static_cast<float*>(scratch);
  const GemmArgs product = conv_forward_product(a);
  for_each_rectangle(make_grid(product), product.m, product.n, begin, end,
                     [&](int64_t group, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
                       GemmArgs g = product;
                       g.b += group * g.b_batch;
                       g.c += group * g.c_batch;
                       if (g.bias != nullptr) g.bias += group * g.n;
                       const Window window = input_window(a.shape, a.x, group);
                       if (is_pointwise(a.shape)) {
                         g.a = window.image, g.a_row = window.pitch, g.a_col = 1;
                         if (better_transposed(g, m1 - m0)) {
                           gemm_transposed(g, m0, m1, floats);
                         } else {
                           gemm_rectangle(g, m0, m1, n0, n1, floats);
                         }
                         return;
                       }
                       if (n0 == 0 && n1 == g.n && fits_planes(window, g.n)) {
                         g.c += m0 * g.c_row;
                         plane_product(g, window, m0, m1, g.b, g.b_row, floats);
                         return;
                       }
                       if (suits_padded(window, g.n)) {
                         g.c += m0 * g.c_row;
                         padded_product(g, window, m0, m1, n0, n1, floats);
                         return;
                       }
                       const WindowOperand windows = {window, floats + kProductScratch, 0};
                       if (windows_better_transposed(window, m1 - m0, g.n)) {
                         gemm_transposed(g, m0, m1, floats, windows);
                       } else {
                         gemm_rectangle(g, m0, m1, n0, n1, floats, windows);
                       }
                     });
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
