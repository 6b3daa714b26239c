// Maximum and average over windows of channels-last images, and their gradients, which gather: no window writes where another does.
#pragma once

#include "args.h"
#include "lanes.h"

namespace lanewise::LW_ISA {
namespace {

// The part of window `i` that lies in [0, size).
struct Span {
  int64_t begin, end;  // taps
};
LW_INLINE Span inside(int64_t i, int64_t stride, int64_t pad, int64_t taps, int64_t size) {
  const int64_t start = i * stride - pad;
  return {max_size(0, -start), max_size(max_size(0, -start), min_size(taps, size - start))};
}

int64_t max_pool_tasks(const MaxPoolArgs& a) { return a.shape.n; }

int64_t max_pool(const MaxPoolArgs& a, int64_t begin, int64_t end, void*) {
  const PoolShape& s = a.shape;
  for (int64_t n = begin; n < end; ++n)
    for (int64_t i = 0; i < s.oh; ++i)
      for (int64_t j = 0; j < s.ow; ++j) {
        const Span down = inside(i, s.stride_h, s.pad_top, s.kh, s.h), across = inside(j, s.stride_w, s.pad_left, s.kw, s.w);
        for (int64_t c = 0; c < s.c; ++c) {
          float best = -kInfinity;
          int64_t at = -1;
          for (int64_t kh = down.begin; kh < down.end; ++kh)
            for (int64_t kw = across.begin; kw < across.end; ++kw) {
              const int64_t row = i * s.stride_h - s.pad_top + kh, column = j * s.stride_w - s.pad_left + kw;
              const float x = a.x[((n * s.h + row) * s.w + column) * s.c + c];
              if (at >= 0 && (best != best || x <= best)) continue;
              best = x;
              at = kh * s.kw + kw;
            }
          const int64_t out = ((n * s.oh + i) * s.ow + j) * s.c + c;
          a.y[out] = best;
          if (a.index != nullptr) a.index[out] = static_cast<int32_t>(at);
        }
      }
  return kOk;
}

// The windows [begin, end) of `count` that contain position `at` of one axis.
LW_INLINE Span windows(int64_t at, int64_t stride, int64_t pad, int64_t taps, int64_t count) {
  const int64_t last = (at + pad) / stride, first = at + pad < taps ? 0 : (at + pad - taps) / stride + 1;
  return {first, max_size(first, min_size(count, last + 1))};
}

int64_t max_pool_backward_tasks(const MaxPoolBackwardArgs& a) { return a.shape.n; }

int64_t max_pool_backward(const MaxPoolBackwardArgs& a, int64_t begin, int64_t end, void*) {
  const PoolShape& s = a.shape;
  for (int64_t n = begin; n < end; ++n)
    for (int64_t row = 0; row < s.h; ++row)
      for (int64_t column = 0; column < s.w; ++column) {
        const Span down = windows(row, s.stride_h, s.pad_top, s.kh, s.oh), across = windows(column, s.stride_w, s.pad_left, s.kw, s.ow);
        for (int64_t c = 0; c < s.c; ++c) {
          float sum = 0;
          for (int64_t i = down.begin; i < down.end; ++i)
            for (int64_t j = across.begin; j < across.end; ++j) {
              const int64_t tap = (row + s.pad_top - i * s.stride_h) * s.kw + column + s.pad_left - j * s.stride_w;
              const int64_t out = ((n * s.oh + i) * s.ow + j) * s.c + c;
              if (a.index[out] == tap) sum += a.dy[out];
            }
          a.dx[((n * s.h + row) * s.w + column) * s.c + c] = sum;
        }
      }
  return kOk;
}

// What a window's sum is divided by.
LW_INLINE int64_t window_count(const PoolShape& s, bool count_padding, int64_t i, int64_t j) {
  if (count_padding) {
    const int64_t down = min_size(s.kh, s.h + s.pad_top + s.pad_bottom - i * s.stride_h);
    return max_size(0, down) * max_size(0, min_size(s.kw, s.w + s.pad_left + s.pad_right - j * s.stride_w));
  }
  const Span down = inside(i, s.stride_h, s.pad_top, s.kh, s.h), across = inside(j, s.stride_w, s.pad_left, s.kw, s.w);
  return (down.end - down.begin) * (across.end - across.begin);
}

int64_t avg_pool_tasks(const AvgPoolArgs& a) { return a.shape.n; }

int64_t avg_pool(const AvgPoolArgs& a, int64_t begin, int64_t end, void*) {
  const PoolShape& s = a.shape;
  for (int64_t n = begin; n < end; ++n)
    for (int64_t i = 0; i < s.oh; ++i)
      for (int64_t j = 0; j < s.ow; ++j) {
        const Span down = inside(i, s.stride_h, s.pad_top, s.kh, s.h), across = inside(j, s.stride_w, s.pad_left, s.kw, s.w);
        const int64_t count = window_count(s, a.count_padding, i, j);
        for (int64_t c = 0; c < s.c; ++c) {
          float sum = 0;
          for (int64_t kh = down.begin; kh < down.end; ++kh)
            for (int64_t kw = across.begin; kw < across.end; ++kw)
              sum += a.x[((n * s.h + i * s.stride_h - s.pad_top + kh) * s.w + j * s.stride_w - s.pad_left + kw) * s.c + c];
          a.y[((n * s.oh + i) * s.ow + j) * s.c + c] = count > 0 ? sum / static_cast<float>(count) : 0;
        }
      }
  return kOk;
}

int64_t avg_pool_backward_tasks(const AvgPoolBackwardArgs& a) { return a.shape.n; }

int64_t avg_pool_backward(const AvgPoolBackwardArgs& a, int64_t begin, int64_t end, void*) {
  const PoolShape& s = a.shape;
  for (int64_t n = begin; n < end; ++n)
    for (int64_t row = 0; row < s.h; ++row)
      for (int64_t column = 0; column < s.w; ++column) {
        const Span down = windows(row, s.stride_h, s.pad_top, s.kh, s.oh), across = windows(column, s.stride_w, s.pad_left, s.kw, s.ow);
        for (int64_t c = 0; c < s.c; ++c) {
          float sum = 0;
          for (int64_t i = down.begin; i < down.end; ++i)
            for (int64_t j = across.begin; j < across.end; ++j)
              sum += a.dy[((n * s.oh + i) * s.ow + j) * s.c + c] / static_cast<float>(window_count(s, a.count_padding, i, j));
          a.dx[((n * s.h + row) * s.w + column) * s.c + c] = sum;
        }
      }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
