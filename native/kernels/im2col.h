// The matrix of the pixels each output pixel sees, and its adjoint. Any geometry; groups are ignored.
#pragma once

#include "args.h"
#include "lanes.h"

namespace lanewise::LW_ISA {
namespace {

int64_t im2col_tasks(const Im2colArgs& a) { return a.shape.n; }

int64_t im2col(const Im2colArgs& a, int64_t begin, int64_t end, void*) {
  const ConvShape& s = a.shape;
  float* out = a.columns + begin * s.oh * s.ow * s.kh * s.kw * s.c;
  for (int64_t n = begin; n < end; ++n)
    for (int64_t i = 0; i < s.oh; ++i)
      for (int64_t j = 0; j < s.ow; ++j)
        for (int64_t kh = 0; kh < s.kh; ++kh)
          for (int64_t kw = 0; kw < s.kw; ++kw) {
            const int64_t row = i * s.stride_h - s.pad_top + kh * s.dilation_h, column = j * s.stride_w - s.pad_left + kw * s.dilation_w;
            const bool inside = row >= 0 && row < s.h && column >= 0 && column < s.w;
            for (int64_t c = 0; c < s.c; ++c) *out++ = inside ? a.x[((n * s.h + row) * s.w + column) * s.c + c] : 0;
          }
  return kOk;
}

int64_t col2im_tasks(const Col2imArgs& a) { return a.shape.n; }

int64_t col2im(const Col2imArgs& a, int64_t begin, int64_t end, void*) {
  const ConvShape& s = a.shape;
  for (int64_t n = begin; n < end; ++n)
    for (int64_t row = 0; row < s.h; ++row)
      for (int64_t column = 0; column < s.w; ++column)
        for (int64_t c = 0; c < s.c; ++c) {
          float sum = 0;
          for (int64_t kh = 0; kh < s.kh; ++kh)
            for (int64_t kw = 0; kw < s.kw; ++kw) {
              const int64_t i = row + s.pad_top - kh * s.dilation_h, j = column + s.pad_left - kw * s.dilation_w;
              if (i < 0 || j < 0 || i % s.stride_h != 0 || j % s.stride_w != 0 || i / s.stride_h >= s.oh || j / s.stride_w >= s.ow)
                continue;
              const int64_t pixel = (n * s.oh + i / s.stride_h) * s.ow + j / s.stride_w;
              sum += a.columns[((pixel * s.kh + kh) * s.kw + kw) * s.c + c];
            }
          a.dx[((n * s.h + row) * s.w + column) * s.c + c] = sum;
        }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
