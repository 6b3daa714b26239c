// Maximum and average over windows of channels-last images, and their gradients, which gather: no window writes where another does.
//
// Channels fill the vectors. Sums run in the order args.h gives, each window or pixel in one chain, so the bits depend neither on
// tasks nor on the ISA. A task is one row of the result.
#pragma once

#include "args.h"
#include "lanes.h"

namespace lanewise::LW_ISA {
namespace {

// The taps of window `i` that lie in [0, size).
struct Span {
  int64_t begin, end;
};
LW_INLINE Span inside(int64_t i, int64_t stride, int64_t pad, int64_t taps, int64_t size) {
  const int64_t start = i * stride - pad, first = max_size(0, -start);
  return {first, max_size(first, min_size(taps, size - start))};
}

// The windows of `count` that contain position `at` of one axis.
LW_INLINE Span windows(int64_t at, int64_t stride, int64_t pad, int64_t taps, int64_t count) {
  const int64_t last = (at + pad) / stride, first = at + pad < taps ? 0 : (at + pad - taps) / stride + 1;
  return {first, max_size(first, min_size(count, last + 1))};
}

// n elements of `room` from p on, as a whole vector where that many may be read, or are still to be written: the next ones replace what is
// beyond. Where a vector has room for several pixels that is a fifth faster.
LW_INLINE F32 load_over(const float* p, int n, int64_t room) { return room >= kLanes ? load(p) : load_n(p, n); }
LW_INLINE void store_over(float* p, F32 x, int n, int64_t room) { room >= kLanes ? store(p, x) : store_n(p, x, n); }
LW_INLINE void store_i_over(int32_t* p, I32 x, int n, int64_t room) { room >= kLanes ? store_i(p, x) : store_i_n(p, x, n); }

int64_t max_pool_tasks(const MaxPoolArgs& a) { return a.shape.n * a.shape.oh; }

// NaN wins: once the best is NaN nothing replaces it, and x replaces the best unless x <= best.
int64_t max_pool(const MaxPoolArgs& a, int64_t begin, int64_t end, void*) {
  const PoolShape s = a.shape;  // of its own: vectors written might overlap the arguments
  const float* const beyond = a.x + s.n * s.h * s.w * s.c;
  for (int64_t task = begin; task < end; ++task) {
    const int64_t n = task / s.oh, i = task % s.oh, top = i * s.stride_h - s.pad_top, row_end = (task + 1) * s.ow * s.c;
    const Span down = inside(i, s.stride_h, s.pad_top, s.kh, s.h);
    for (int64_t j = 0; j < s.ow; ++j) {
      const int64_t left = j * s.stride_w - s.pad_left, out = (task * s.ow + j) * s.c;
      const Span across = inside(j, s.stride_w, s.pad_left, s.kw, s.w);
      const bool empty = down.begin == down.end || across.begin == across.end;
      const float* const corner = empty ? a.x : a.x + ((n * s.h + top + down.begin) * s.w + left + across.begin) * s.c;
      const I32 first = set1_i(static_cast<int32_t>(empty ? -1 : down.begin * s.kw + across.begin)), one = set1_i(1);
      for (int64_t c = 0; c < s.c; c += kLanes) {
        const int lanes = static_cast<int>(min_size(kLanes, s.c - c));
        F32 best = empty ? set1(-kInfinity) : load_over(corner + c, lanes, beyond - (corner + c)), at = bits_to_float(first);
        I32 row_tap = first;
        const float* row = corner + c;
        for (int64_t kh = down.begin; kh < down.end; ++kh, row += s.w * s.c) {
          I32 tap = row_tap;
          const float* x_at = row;
          for (int64_t kw = across.begin; kw < across.end; ++kw, x_at += s.c) {
            const F32 x = load_over(x_at, lanes, beyond - x_at);
            const Mask keep = mask_or(less_equal(x, best), unordered(best, best));
            best = select(keep, best, x);
            at = select(keep, at, bits_to_float(tap));
            tap = add_i(tap, one);
          }
          row_tap = add_i(row_tap, set1_i(static_cast<int32_t>(s.kw)));
        }
        const int64_t room = row_end - (out + c);
        store_over(a.y + out + c, best, lanes, room);
        if (a.index != nullptr) store_i_over(a.index + out + c, float_to_bits(at), lanes, room);
      }
    }
  }
  return kOk;
}

// dx = the sum of term(input pixel's row and column, window's row and column, its first element, lanes) over the windows that see the
// pixel.
template <class Term>
LW_INLINE void sum_windows(const PoolShape& s, float* dx, int64_t begin, int64_t end, const Term& term) {
  for (int64_t task = begin; task < end; ++task) {
    const int64_t n = task / s.h, row = task % s.h;
    const Span down = windows(row, s.stride_h, s.pad_top, s.kh, s.oh);
    for (int64_t column = 0; column < s.w; ++column) {
      const Span across = windows(column, s.stride_w, s.pad_left, s.kw, s.ow);
      for (int64_t c = 0; c < s.c; c += kLanes) {
        const int lanes = static_cast<int>(min_size(kLanes, s.c - c));
        F32 sum = zero();
        for (int64_t i = down.begin; i < down.end; ++i)
          for (int64_t j = across.begin; j < across.end; ++j)
            sum = add(sum, term(row, column, i, j, ((n * s.oh + i) * s.ow + j) * s.c + c, lanes));
        store_n(dx + (task * s.w + column) * s.c + c, sum, lanes);
      }
    }
  }
}

int64_t max_pool_backward_tasks(const MaxPoolBackwardArgs& a) { return a.shape.n * a.shape.h; }

// Windows side by side without padding: every pixel is seen by one window at most.
LW_INLINE bool windows_tile(const PoolShape& s) { return s.stride_h == s.kh && s.stride_w == s.kw && s.pad_top == 0 && s.pad_left == 0; }

void max_pool_backward_tiles(const MaxPoolBackwardArgs& a, int64_t begin, int64_t end) {
  const PoolShape s = a.shape;
  for (int64_t task = begin; task < end; ++task) {
    const int64_t n = task / s.h, i = task % s.h / s.kh, kh = task % s.h % s.kh, windows = i < s.oh ? s.ow : 0;
    float* const dx = a.dx + task * s.w * s.c;
    for (int64_t j = 0; j < windows; ++j) {
      const int64_t in = ((n * s.oh + i) * s.ow + j) * s.c, taps = min_size(s.kw, s.w - j * s.kw);
      for (int64_t c = 0; c < s.c; c += kLanes) {
        const int lanes = static_cast<int>(min_size(kLanes, s.c - c));
        const F32 dy = add(zero(), load_n(a.dy + in + c, lanes));  // as a sum, which never is −0
        const I32 index = load_i_n(a.index + in + c, lanes);
        for (int64_t kw = 0; kw < taps; ++kw) {
          const Mask chosen = equal_i(index, set1_i(static_cast<int32_t>(kh * s.kw + kw)));
          store_n(dx + (j * s.kw + kw) * s.c + c, select(chosen, dy, zero()), lanes);
        }
      }
    }
    for (int64_t e = min_size(s.w, windows * s.kw) * s.c; e < s.w * s.c; ++e) dx[e] = 0;
  }
}

int64_t max_pool_backward(const MaxPoolBackwardArgs& a, int64_t begin, int64_t end, void*) {
  if (windows_tile(a.shape)) {
    max_pool_backward_tiles(a, begin, end);
    return kOk;
  }
  const PoolShape& s = a.shape;
  sum_windows(
      s, a.dx, begin, end, [&](int64_t row, int64_t column, int64_t i, int64_t j, int64_t out, int lanes) __attribute__((always_inline)) {
        const int64_t tap = (row + s.pad_top - i * s.stride_h) * s.kw + column + s.pad_left - j * s.stride_w;
        const Mask chosen = equal_i(load_i_n(a.index + out, lanes), set1_i(static_cast<int32_t>(tap)));
        return select(chosen, load_n(a.dy + out, lanes), zero());
      });
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

int64_t avg_pool_tasks(const AvgPoolArgs& a) { return a.shape.n * a.shape.oh; }

int64_t avg_pool(const AvgPoolArgs& a, int64_t begin, int64_t end, void*) {
  const PoolShape& s = a.shape;
  for (int64_t task = begin; task < end; ++task) {
    const int64_t n = task / s.oh, i = task % s.oh, top = i * s.stride_h - s.pad_top;
    const Span down = inside(i, s.stride_h, s.pad_top, s.kh, s.h);
    for (int64_t j = 0; j < s.ow; ++j) {
      const int64_t left = j * s.stride_w - s.pad_left;
      const Span across = inside(j, s.stride_w, s.pad_left, s.kw, s.w);
      const F32 count = set1(static_cast<float>(max_size(1, window_count(s, a.count_padding, i, j))));
      for (int64_t c = 0; c < s.c; c += kLanes) {
        const int lanes = static_cast<int>(min_size(kLanes, s.c - c));
        F32 sum = zero();
        for (int64_t kh = down.begin; kh < down.end; ++kh)
          for (int64_t kw = across.begin; kw < across.end; ++kw)
            sum = add(sum, load_n(a.x + ((n * s.h + top + kh) * s.w + left + kw) * s.c + c, lanes));
        store_n(a.y + (task * s.ow + j) * s.c + c, div(sum, count), lanes);
      }
    }
  }
  return kOk;
}

int64_t avg_pool_backward_tasks(const AvgPoolBackwardArgs& a) { return a.shape.n * a.shape.h; }

int64_t avg_pool_backward(const AvgPoolBackwardArgs& a, int64_t begin, int64_t end, void*) {
  sum_windows(
      a.shape, a.dx, begin, end, [&](int64_t, int64_t, int64_t i, int64_t j, int64_t out, int lanes) __attribute__((always_inline)) {
        const F32 count = set1(static_cast<float>(window_count(a.shape, a.count_padding, i, j)));
        return div(load_n(a.dy + out, lanes), count);
      });
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
