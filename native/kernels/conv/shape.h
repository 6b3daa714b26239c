// What the three passes of a convolution share.
#pragma once
#include "../lanes.h"
#include "window.h"

namespace lanewise::LW_ISA {
namespace {

LW_INLINE int64_t group_inputs(const ConvShape& s) { return s.c / s.groups; }
LW_INLINE int64_t group_outputs(const ConvShape& s) { return s.oc / s.groups; }
LW_INLINE int64_t output_pixels(const ConvShape& s) { return s.n * s.oh * s.ow; }

// What the output pixels see of x in one group.
LW_INLINE Window input_window(const ConvShape& s, const float* x, int64_t group) {
  const int64_t channels = group_inputs(s);
  return {x + group * channels, s.h,        s.w,          s.c,          s.oh,       s.ow,       s.kh, s.kw, channels,
          s.stride_h,           s.stride_w, s.dilation_h, s.dilation_w, -s.pad_top, -s.pad_left};
}

// Every window is one pixel, in order: the image is the matrix.
LW_INLINE bool is_pointwise(const ConvShape& s) {
  return s.kh == 1 && s.kw == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_top == 0 && s.pad_left == 0 && s.oh == s.h && s.ow == s.w;
}

// The operand's room in scratch lies behind that of the product.
constexpr int64_t kProductScratch = kScratchA + kScratchB + kTransposedC;
constexpr int64_t kSpare = kMaxVectors * kLanes * (kMaxDepth + 2 * kLine) + kLanes;
static_assert((kProductScratch + kSpare) * sizeof(float) <= kScratchBytes);

}  // namespace
}  // namespace lanewise::LW_ISA
