// y = activation(x ∗ w + bias) where every channel has a kernel of its own. A task is up to kTaskWindows windows of one row.
#pragma once
#include "depthwise_row.h"

namespace lanewise::LW_ISA {
namespace {

int64_t depthwise_forward_tasks(const ConvForwardArgs& a) { return a.shape.n * a.shape.oh * divide_up(a.shape.ow, kTaskWindows); }

int64_t depthwise_forward(const ConvForwardArgs& a, int64_t begin, int64_t end, float* scratch) {
  const ConvShape& s = a.shape;
  const Window window = input_window(s, a.x, 0);
  const DepthwiseWeights weights = {a.w, s.kw * s.c, s.c};
  const int64_t pieces = divide_up(s.ow, kTaskWindows);
  for (int64_t task = begin; task < end; ++task) {
    const int64_t line = task / pieces, j = task % pieces * kTaskWindows, beyond = smaller(s.ow, j + kTaskWindows);
    float* const out = a.y + line * s.ow * s.c;
    const DepthwiseRow row = {window,
                              weights,
                              a.x + line / s.oh * s.h * s.w * s.c,
                              line % s.oh * s.stride_h - s.pad_top,
                              a.bias,
                              a.activation == Activation::relu,
                              out,
                              s.c,
                              s.ow * s.c,
                              far_images(s)};
    depthwise_row(row, j, beyond, scratch);
    activate(a.activation, beyond - j, s.c, out + j * s.c, s.c);
  }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
