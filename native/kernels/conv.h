// Convolution of channels-last images and its two gradients. See ConvShape in args.h for the geometry.
// Every element is one chain of FMAs: over (kh, kw, c) forward, (kh, kw, oc) to the data, the pixels in order to the weights.
#pragma once

#include "args.h"
#include "lanes.h"

namespace lanewise::LW_ISA {
namespace {

LW_INLINE int64_t group_channels(const ConvShape& s) { return s.c / s.groups; }

int64_t conv_forward_tasks(const ConvForwardArgs& a) { return a.shape.n; }

int64_t conv_forward(const ConvForwardArgs& a, int64_t begin, int64_t end, void*) {
  const ConvShape& s = a.shape;
  const int64_t depth = group_channels(s), width = s.oc / s.groups;
  for (int64_t n = begin; n < end; ++n)
    for (int64_t i = 0; i < s.oh; ++i)
      for (int64_t j = 0; j < s.ow; ++j)
        for (int64_t o = 0; o < s.oc; ++o) {
          float sum = 0;
          for (int64_t kh = 0; kh < s.kh; ++kh)
            for (int64_t kw = 0; kw < s.kw; ++kw) {
              const int64_t row = i * s.stride_h - s.pad_top + kh * s.dilation_h, column = j * s.stride_w - s.pad_left + kw * s.dilation_w;
              if (row < 0 || row >= s.h || column < 0 || column >= s.w) continue;
              const float* x = a.x + ((n * s.h + row) * s.w + column) * s.c + o / width * depth;
              for (int64_t c = 0; c < depth; ++c) sum += x[c] * a.w[((kh * s.kw + kw) * depth + c) * s.oc + o];
            }
          if (a.bias != nullptr) sum += a.bias[o];
          const F32 v = set1(sum);
          const F32 y = a.activation == Activation::relu      ? max_second(zero(), v)
                        : a.activation == Activation::sigmoid ? sigmoid(v)
                        : a.activation == Activation::tanh    ? tanh(v)
                                                              : v;
          store_n(a.y + ((n * s.oh + i) * s.ow + j) * s.oc + o, y, 1);
        }
  return kOk;
}

int64_t conv_backward_data_tasks(const ConvBackwardDataArgs& a) { return a.shape.n; }

int64_t conv_backward_data(const ConvBackwardDataArgs& a, int64_t begin, int64_t end, void*) {
  const ConvShape& s = a.shape;
  const int64_t depth = group_channels(s), width = s.oc / s.groups;
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
              const int64_t first = c / depth * width;
              const float* dy = a.dy + ((n * s.oh + i / s.stride_h) * s.ow + j / s.stride_w) * s.oc + first;
              const float* w = a.w + ((kh * s.kw + kw) * depth + c % depth) * s.oc + first;
              for (int64_t o = 0; o < width; ++o) sum += dy[o] * w[o];
            }
          a.dx[((n * s.h + row) * s.w + column) * s.c + c] = sum;
        }
  return kOk;
}

int64_t conv_backward_weights_tasks(const ConvBackwardWeightsArgs& a) { return a.parts; }

int64_t conv_backward_weights(const ConvBackwardWeightsArgs& a, int64_t begin, int64_t end, void*) {
  const ConvShape& s = a.shape;
  const int64_t depth = group_channels(s), width = s.oc / s.groups, pixels = s.n * s.oh * s.ow, share = ceil_div(pixels, a.parts);
  float* dw = a.dw + begin * s.kh * s.kw * depth * s.oc;
  for (int64_t part = begin; part < end; ++part)
    for (int64_t kh = 0; kh < s.kh; ++kh)
      for (int64_t kw = 0; kw < s.kw; ++kw)
        for (int64_t c = 0; c < depth; ++c)
          for (int64_t o = 0; o < s.oc; ++o) {
            float sum = 0;
            for (int64_t p = part * share; p < min_size(pixels, (part + 1) * share); ++p) {
              const int64_t n = p / (s.oh * s.ow), i = p / s.ow % s.oh, j = p % s.ow;
              const int64_t row = i * s.stride_h - s.pad_top + kh * s.dilation_h, column = j * s.stride_w - s.pad_left + kw * s.dilation_w;
              if (row < 0 || row >= s.h || column < 0 || column >= s.w) continue;
              sum += a.x[((n * s.h + row) * s.w + column) * s.c + o / width * depth + c] * a.dy[p * s.oc + o];
            }
            *dw++ = sum;
          }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
