// The matrix of the pixels each output pixel sees, and its adjoint. Any geometry; groups are ignored.
#pragma once

#include "args.h"
#include "conv/window.h"

namespace lanewise::LW_ISA {
namespace {

int64_t im2col_tasks(const Im2colArgs& a) { return a.shape.n; }

// Copies of windows end in whole vectors: those that would reach beyond their image's rows go through scratch, so many floats at a time.
constexpr int64_t kColumnsAside = 4096;
static_assert((kColumnsAside + kLanes) * sizeof(float) <= kScratchBytes);

int64_t im2col(const Im2colArgs& a, int64_t begin, int64_t end, void* scratch) {
  const ConvShape& s = a.shape;
  const Window v = {a.x, s.h,        s.w,        s.c,          s.oh,         s.ow,       s.kh,       s.kw,
                    s.c, s.stride_h, s.stride_w, s.dilation_h, s.dilation_w, -s.pad_top, -s.pad_left};
  const int64_t depth = window_depth(v), pixels = s.oh * s.ow;
  if (depth == 0 || pixels == 0) return kOk;
  float* const aside = static_cast<float*>(scratch);
  const int64_t direct = pixels - smaller(pixels, divide_up(kLanes, depth));
  for (int64_t n = begin; n < end; ++n) {
    float* const out = a.columns + n * pixels * depth;
    copy_windows(v, n * pixels, direct, 0, depth, out, depth);
    for (int64_t i = direct; i < pixels; ++i)
      for (int64_t k = 0; k < depth; k += kColumnsAside) {
        const int64_t count = smaller(kColumnsAside, depth - k);
        copy_windows(v, n * pixels + i, 1, k, count, aside, count);
        for (int64_t p = 0; p < count; p += kLanes)
          store_n(out + i * depth + k + p, load(aside + p), static_cast<int>(smaller(kLanes, count - p)));
      }
  }
  return kOk;
}

int64_t col2im_tasks(const Col2imArgs& a) { return a.shape.n; }

int64_t col2im(const Col2imArgs& a, int64_t begin, int64_t end, void*) {
  const ConvShape& s = a.shape;
  const int64_t taps_down = s.oh == 0 || s.ow == 0 || s.kw == 0 ? 0 : s.kh;  // without columns nothing bounds kh
  for (int64_t n = begin; n < end; ++n)
    for (int64_t row = 0; row < s.h; ++row)
      for (int64_t column = 0; column < s.w; ++column)
        for (int64_t c = 0; c < s.c; c += kLanes) {
          const int lanes = static_cast<int>(smaller(kLanes, s.c - c));
          F32 sum = zero();
          for (int64_t kh = 0; kh < taps_down; ++kh)
            for (int64_t kw = 0; kw < s.kw; ++kw) {
              const int64_t i = row + s.pad_top - kh * s.dilation_h, j = column + s.pad_left - kw * s.dilation_w;
              if (i < 0 || j < 0 || i % s.stride_h != 0 || j % s.stride_w != 0 || i / s.stride_h >= s.oh || j / s.stride_w >= s.ow)
                continue;
              const int64_t pixel = (n * s.oh + i / s.stride_h) * s.ow + j / s.stride_w;
              sum = add(sum, load_n(a.columns + ((pixel * s.kh + kh) * s.kw + kw) * s.c + c, lanes));
            }
          store_n(a.dx + ((n * s.h + row) * s.w + column) * s.c + c, sum, lanes);
        }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
