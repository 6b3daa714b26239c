// Maximum and average over windows of channels-last images, and their gradients, which gather: no window writes where another does.
//
// Channels fill the vectors. Sums run in the order args.h gives, so the bits depend neither on tasks nor on the ISA. A task is one row of
// the result.
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
  const int64_t start = i * stride - pad, first = larger(0, -start);
  return {first, larger(first, smaller(taps, size - start))};
}

// The windows of `count` that contain position `at` of one axis.
LW_INLINE Span windows(int64_t at, int64_t stride, int64_t pad, int64_t taps, int64_t count) {
  const int64_t last = (at + pad) / stride, first = at + pad < taps ? 0 : (at + pad - taps) / stride + 1;
  return {first, larger(first, smaller(count, last + 1))};
}

// Calls run<vectors>(first channel, lanes of each vector) for all channels, up to four vectors at a time.
template <class Run>
LW_INLINE void each_channels(int64_t channels, const Run& run) {
  int64_t c = 0;
  for (; c + 4 * kLanes <= channels; c += 4 * kLanes) run.template operator()<4>(c, kLanes);
  for (; c + 2 * kLanes <= channels; c += 2 * kLanes) run.template operator()<2>(c, kLanes);
  for (; c < channels; c += kLanes) run.template operator()<1>(c, static_cast<int>(smaller(kLanes, channels - c)));
}

// What one window sees: its first pixel in the image, how many rows and columns there are, and the first one's tap.
struct Seen {
  const float* x;
  int64_t down, across;
  int32_t tap;
};

// The largest of each of kCount vectors, `x_step` apart in the image and `y_step` in y, to y and which tap it was to `index`, if there is
// one. NaN wins: once the best is NaN nothing replaces it, and x replaces the best unless x <= best.
template <int kCount>
LW_INLINE void max_of_taps(const PoolShape& s, const Seen& w, int lanes, int64_t x_step, float* y, int32_t* index, int64_t y_step) {
  F32 best[kCount], at[kCount];
#pragma GCC unroll 8
  for (int v = 0; v < kCount; ++v) best[v] = load_n(w.x + v * x_step, lanes), at[v] = bits_to_float(set1_i(w.tap));
  for (int64_t kh = 0; kh < w.down; ++kh) {
    const int64_t first = kh == 0;  // the very first tap is the best so far
    I32 tap = set1_i(static_cast<int32_t>(w.tap + kh * s.kw + first));
    const float* pixel = w.x + (kh * s.w + first) * s.c;
    for (int64_t kw = first; kw < w.across; ++kw, pixel += s.c, tap = add_i(tap, set1_i(1))) {
#pragma GCC unroll 8
      for (int v = 0; v < kCount; ++v) {
        const F32 x = load_n(pixel + v * x_step, lanes);
        const Mask keep = mask_or(less_equal(x, best[v]), unordered(best[v], best[v]));
        best[v] = select(keep, best[v], x);
        at[v] = select(keep, at[v], bits_to_float(tap));
      }
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < kCount; ++v) {
    store_n(y + v * y_step, best[v], lanes);
    if (index != nullptr) store_i_n(index + v * y_step, float_to_bits(at[v]), lanes);
  }
}

int64_t max_pool_tasks(const MaxPoolArgs& a) { return a.shape.n * a.shape.oh; }

// Windows side by side at a time, as many as the registers hold, where one vector has all channels.
constexpr int kTogether = kVectorRegisters == 32 ? 8 : 4;

// The next windows of a row, `count` of which are whole: so many were taken, up to kMost.
template <int kMost = kTogether>
LW_INLINE int64_t max_of_windows(const PoolShape& s, const Seen& w, int64_t count, float* y, int32_t* index) {
  if constexpr (kMost > 1) {
    if (count < kMost) return max_of_windows<kMost / 2>(s, w, count, y, index);
  }
  max_of_taps<kMost>(s, w, static_cast<int>(s.c), s.stride_w * s.c, y, index, s.c);
  return kMost;
}

// Vectors are taken several at a time: channels of one window, or where one vector holds them all, neighbouring windows.
int64_t max_pool(const MaxPoolArgs& a, int64_t begin, int64_t end, void*) {
  const PoolShape& s = a.shape;
  for (int64_t task = begin; task < end; ++task) {
    const int64_t n = task / s.oh, i = task % s.oh, top = i * s.stride_h - s.pad_top;
    const Span down = inside(i, s.stride_h, s.pad_top, s.kh, s.h);
    for (int64_t j = 0; j < s.ow;) {
      const Span across = inside(j, s.stride_w, s.pad_left, s.kw, s.w);
      const int64_t out = (task * s.ow + j) * s.c, left = j * s.stride_w - s.pad_left;
      float* const y = a.y + out;
      int32_t* const index = a.index == nullptr ? nullptr : a.index + out;
      if (down.begin == down.end || across.begin == across.end) {
        for (int64_t c = 0; c < s.c; ++c) y[c] = -kInfinity;
        for (int64_t c = 0; c < s.c && index != nullptr; ++c) index[c] = -1;
        ++j;
        continue;
      }
      const Seen seen = {a.x + ((n * s.h + top + down.begin) * s.w + left + across.begin) * s.c, down.end - down.begin,
                         across.end - across.begin, static_cast<int32_t>(down.begin * s.kw + across.begin)};
      if (s.c <= kLanes && across.begin == 0 && left + s.kw <= s.w) {
        const int64_t whole = smaller(s.ow - j, (s.w - s.kw - left) / s.stride_w + 1);
        j += max_of_windows(s, seen, whole, y, index);
        continue;
      }
      each_channels(
          s.c, [&]<int kCount>(int64_t c, int lanes) __attribute__((always_inline)) {
            const Seen vectors = {seen.x + c, seen.down, seen.across, seen.tap};
            max_of_taps<kCount>(s, vectors, lanes, kLanes, y + c, index == nullptr ? nullptr : index + c, kLanes);
          });
      ++j;
    }
  }
  return kOk;
}

// sum[v] = the sum of term(i, j, v) over i of `down` and j of `across`, in this order.
template <int kCount, class Term>
LW_INLINE void sum_terms(const Span& down, const Span& across, F32 (&sum)[kCount], const Term& term) {
#pragma GCC unroll 8
  for (int v = 0; v < kCount; ++v) sum[v] = zero();
  for (int64_t i = down.begin; i < down.end; ++i)
    for (int64_t j = across.begin; j < across.end; ++j)
#pragma GCC unroll 8
      for (int v = 0; v < kCount; ++v) sum[v] = add(sum[v], term(i, j, v));
}

// dx = the sum of term(input pixel's row and column, window's row and column, its first element, lanes) over the windows that see the
// pixel. What a term takes from its first four arguments is computed once for several vectors of channels.
template <class Term>
LW_INLINE void gather_windows(const PoolShape& s, float* dx, int64_t begin, int64_t end, const Term& term) {
  for (int64_t task = begin; task < end; ++task) {
    const int64_t n = task / s.h, row = task % s.h;
    const Span down = windows(row, s.stride_h, s.pad_top, s.kh, s.ow == 0 ? 0 : s.oh);  // without pixels nothing bounds oh
    for (int64_t column = 0; column < s.w; ++column) {
      const Span across = windows(column, s.stride_w, s.pad_left, s.kw, s.ow);
      each_channels(
          s.c, [&]<int kCount>(int64_t c, int lanes) __attribute__((always_inline)) {
            F32 sum[kCount];
            sum_terms(
                down, across, sum, [&](int64_t i, int64_t j, int v) __attribute__((always_inline)) {
                  return term(row, column, i, j, ((n * s.oh + i) * s.ow + j) * s.c + c + v * kLanes, lanes);
                });
#pragma GCC unroll 4
            for (int v = 0; v < kCount; ++v) store_n(dx + (task * s.w + column) * s.c + c + v * kLanes, sum[v], lanes);
          });
    }
  }
}

int64_t max_pool_backward_tasks(const MaxPoolBackwardArgs& a) { return a.shape.n * a.shape.h; }

// Windows side by side without padding: every pixel is seen by one window at most.
LW_INLINE bool windows_tile(const PoolShape& s) { return s.stride_h == s.kh && s.stride_w == s.kw && s.pad_top == 0 && s.pad_left == 0; }

// Few channels: how a vector of a row of dx draws on the windows' dy and taps. The pattern comes back after `count` vectors, `windows` on.
struct Spread {
  static constexpr int64_t kMost = 32;
  int64_t count, windows;  // no vectors: the windows that one sees do not fit into a vector
  int64_t base[kMost];     // the first float of dy, from the windows' first on
  int32_t which[kMost][kLanes], tap[kMost][kLanes];
};
LW_INLINE void spread_of(const PoolShape& s, Spread& spread) {
  const int64_t window = s.kw * s.c;
  int64_t windows = 1;
  while (windows <= kLanes && windows * window % kLanes != 0) windows *= 2;  // kLanes is a power of two
  spread.windows = windows, spread.count = windows * window / kLanes;
  if (2 * s.c > kLanes || spread.count > Spread::kMost) spread.count = 0;
  for (int64_t v = 0; v < spread.count; ++v) {
    int64_t from[kLanes], low = windows * s.c, high = 0;
    for (int64_t l = 0; l < kLanes; ++l) {
      const int64_t at = v * kLanes + l;
      from[l] = at / window * s.c + at % s.c;
      spread.tap[v][l] = static_cast<int32_t>(at % window / s.c);
      low = smaller(low, from[l]), high = larger(high, from[l]);
    }
    if (high - low >= kLanes) {
      spread.count = 0;
      return;
    }
    spread.base[v] = low;
    for (int64_t l = 0; l < kLanes; ++l) spread.which[v][l] = static_cast<int32_t>(from[l] - low);
  }
}

// `windows` windows of few channels to a row of dx: value(first float of the windows, how many of them, vector of the pattern, whether
// those are a whole vector) gives what of them each lane draws.
template <class Value>
LW_INLINE void spread_row(const PoolShape& s, const Spread& spread, int64_t windows, float* to, const Value& value) {
  const int64_t floats = windows * s.kw * s.c, last = windows * s.c - kLanes;
  for (int64_t v = 0, at = 0, group = 0; at < floats; at += kLanes) {
    const int64_t from = group + spread.base[v];
    if (from <= last && at + kLanes <= floats) {
      store(to + at, value(from, kLanes, v, Group<1, true>()));
    } else {
      const int loaded = static_cast<int>(smaller(kLanes, last + kLanes - from));
      store_n(to + at, value(from, loaded, v, Group<1, false>()), static_cast<int>(smaller(kLanes, floats - at)));
    }
    if (++v == spread.count) v = 0, group += spread.windows * s.c;
  }
}

void max_pool_backward_tiles(const MaxPoolBackwardArgs& a, int64_t begin, int64_t end) {
  const PoolShape s = a.shape;
  Spread spread;
  spread_of(s, spread);
  for (int64_t task = begin; task < end; ++task) {
    const int64_t n = task / s.h, i = task % s.h / s.kh, kh = task % s.h % s.kh, windows = i < s.oh ? s.ow : 0;
    const I32 first_tap = set1_i(static_cast<int32_t>(kh * s.kw));
    float *to = a.dx + task * s.w * s.c, *const row_end = to + s.w * s.c;
    const float* dy = a.dy + (n * s.oh + i) * s.ow * s.c;
    const int32_t* index = a.index + (n * s.oh + i) * s.ow * s.c;
    const int64_t whole = spread.count > 0 ? smaller(windows, s.w / s.kw) : 0;
    spread_row(
        s, spread, whole, to, [&](int64_t from, int count, int64_t v, auto group) __attribute__((always_inline)) {
          const I32 which = load_i(spread.which[v]), tap = add_i(load_i(spread.tap[v]), first_tap);
          const I32 index_of = group.kWhole ? load_i(index + from) : load_i_n(index + from, count);
          const F32 taps = permute(bits_to_float(index_of), which), g = permute(load_lanes<group.kWhole>(dy + from, count), which);
          return select(equal_i(float_to_bits(taps), tap), add(zero(), g), zero());  // g as a sum, which never is −0
        });
    to += whole * s.kw * s.c, dy += whole * s.c, index += whole * s.c;
    for (int64_t j = whole; j < windows; ++j, dy += s.c, index += s.c) {
      float* const window_end = to + smaller(s.kw * s.c, row_end - to);
      for (int64_t c = 0; c < s.c; c += kLanes) {
        const int lanes = static_cast<int>(smaller(kLanes, s.c - c));
        const F32 g = add(zero(), load_n(dy + c, lanes));  // as a sum, which never is −0
        const I32 chosen = load_i_n(index + c, lanes);
        I32 tap = first_tap;
        for (float* pixel = to + c; pixel < window_end; pixel += s.c, tap = add_i(tap, set1_i(1)))
          store_n(pixel, select(equal_i(chosen, tap), g, zero()), lanes);
      }
      to = window_end;
    }
    for (; to < row_end; ++to) *to = 0;
  }
}

int64_t max_pool_backward(const MaxPoolBackwardArgs& a, int64_t begin, int64_t end, void*) {
  if (windows_tile(a.shape)) {
    max_pool_backward_tiles(a, begin, end);
    return kOk;
  }
  const PoolShape& s = a.shape;
  gather_windows(
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
    const int64_t down = smaller(s.kh, s.h + 2 * s.pad_top - i * s.stride_h);
    return larger(0, down) * larger(0, smaller(s.kw, s.w + 2 * s.pad_left - j * s.stride_w));
  }
  const Span down = inside(i, s.stride_h, s.pad_top, s.kh, s.h), across = inside(j, s.stride_w, s.pad_left, s.kw, s.w);
  return (down.end - down.begin) * (across.end - across.begin);
}

// sum_terms piece by piece: a single chain over 1024 × 1024 pixels would be off by 1 %.
template <int kCount, class Term>
LW_INLINE void sum_pieces(const Span& down, const Span& across, int64_t rows, F32 (&sum)[kCount], const Term& term) {
#pragma GCC unroll 4
  for (int v = 0; v < kCount; ++v) sum[v] = zero();
  for (int64_t i = down.begin; i < down.end; i += rows)
    for (int64_t j = across.begin; j < across.end; j += kPoolPiece) {
      F32 piece[kCount];
      sum_terms({i, smaller(down.end, i + rows)}, {j, smaller(across.end, j + kPoolPiece)}, piece, term);
#pragma GCC unroll 4
      for (int v = 0; v < kCount; ++v) sum[v] = add(sum[v], piece[v]);
    }
}

int64_t avg_pool_tasks(const AvgPoolArgs& a) { return a.shape.n * a.shape.oh; }

// The means of the next windows of a row, `count` of which are whole: so many were taken, up to kMost.
template <int kMost = kTogether>
LW_INLINE int64_t mean_of_windows(const PoolShape& s, const Seen& w, int64_t count, F32 divisor, float* y) {
  if constexpr (kMost > 1) {
    if (count < kMost) return mean_of_windows<kMost / 2>(s, w, count, divisor, y);
  }
  const int lanes = static_cast<int>(s.c);
  F32 sum[kMost];
  sum_terms(
      {0, w.down}, {0, w.across}, sum, [&](int64_t kh, int64_t kw, int v) __attribute__((always_inline)) {
        return load_n(w.x + (kh * s.w + kw + v * s.stride_w) * s.c, lanes);
      });
#pragma GCC unroll 8
  for (int v = 0; v < kMost; ++v) store_n(y + v * s.c, div(sum[v], divisor), lanes);
  return kMost;
}

// Vectors are taken several at a time, as for max_pool.
int64_t avg_pool(const AvgPoolArgs& a, int64_t begin, int64_t end, void*) {
  const PoolShape& s = a.shape;
  const bool is_short = s.kh * s.kw <= kPoolPiece;
  for (int64_t task = begin; task < end; ++task) {
    const int64_t n = task / s.oh, i = task % s.oh, top = i * s.stride_h - s.pad_top;
    const Span down = inside(i, s.stride_h, s.pad_top, s.kh, s.w == 0 ? 0 : s.h);  // without columns nothing bounds h
    for (int64_t j = 0; j < s.ow;) {
      const int64_t left = j * s.stride_w - s.pad_left;
      const Span across = inside(j, s.stride_w, s.pad_left, s.kw, s.w);
      const F32 count = set1(static_cast<float>(larger(1, window_count(s, a.count_padding, i, j))));
      const int64_t first = ((n * s.h + top) * s.w + left) * s.c;  // it may lie outside
      float* const y = a.y + (task * s.ow + j) * s.c;
      if (is_short && s.c <= kLanes && across.begin == 0 && left + s.kw <= s.w) {
        const Seen seen = {a.x + (first + down.begin * s.w * s.c), down.end - down.begin, s.kw, 0};
        j += mean_of_windows(s, seen, smaller(s.ow - j, (s.w - s.kw - left) / s.stride_w + 1), count, y);
        continue;
      }
      each_channels(
          s.c, [&]<int kCount>(int64_t c, int lanes) __attribute__((always_inline)) {
            const auto pixel = [&](int64_t kh, int64_t kw, int v) __attribute__((always_inline)) {
              return load_n(a.x + (first + (kh * s.w + kw) * s.c + c + v * kLanes), lanes);
            };
            F32 sum[kCount];
            if (is_short) {
              sum_terms(down, across, sum, pixel);
            } else {
              sum_pieces(down, across, pool_piece_rows(s), sum, pixel);
            }
#pragma GCC unroll 4
            for (int v = 0; v < kCount; ++v) store_n(y + c + v * kLanes, div(sum[v], count), lanes);
          });
      ++j;
    }
  }
  return kOk;
}

int64_t avg_pool_backward_tasks(const AvgPoolBackwardArgs& a) { return a.shape.n * a.shape.h; }

// A row of dx is the quotients of its windows, each for all its pixels.
void avg_pool_backward_tiles(const AvgPoolBackwardArgs& a, int64_t begin, int64_t end) {
  const PoolShape& s = a.shape;
  Spread spread;
  spread_of(s, spread);
  for (int64_t task = begin; task < end; ++task) {
    const int64_t n = task / s.h, i = task % s.h / s.kh, windows = i < s.oh ? s.ow : 0;
    float *to = a.dx + task * s.w * s.c, *const row_end = to + s.w * s.c;
    const float* dy = a.dy + (n * s.oh + i) * s.ow * s.c;
    const auto quotient = [&](F32 g, int64_t j) __attribute__((always_inline)) {
      return add(zero(), div(g, set1(static_cast<float>(window_count(s, a.count_padding, i, j)))));  // as a sum, which never is −0
    };
    const int64_t whole = spread.count > 0 ? smaller(windows, s.w / s.kw) : 0;
    spread_row(
        s, spread, whole, to, [&](int64_t from, int count, int64_t v, auto group) __attribute__((always_inline)) {
          return quotient(permute(load_lanes<group.kWhole>(dy + from, count), load_i(spread.which[v])), 0);
        });
    to += whole * s.kw * s.c, dy += whole * s.c;
    for (int64_t j = whole; j < windows; ++j, dy += s.c) {
      float* const window_end = to + smaller(s.kw * s.c, row_end - to);
      for (int64_t c = 0; c < s.c; c += kLanes) {
        const int lanes = static_cast<int>(smaller(kLanes, s.c - c));
        const F32 g = quotient(load_n(dy + c, lanes), j);
        for (float* pixel = to + c; pixel < window_end; pixel += s.c) store_n(pixel, g, lanes);
      }
      to = window_end;
    }
    for (; to < row_end; ++to) *to = 0;
  }
}

int64_t avg_pool_backward(const AvgPoolBackwardArgs& a, int64_t begin, int64_t end, void*) {
  if (windows_tile(a.shape)) {
    avg_pool_backward_tiles(a, begin, end);
    return kOk;
  }
  gather_windows(
      a.shape, a.dx, begin, end, [&](int64_t, int64_t, int64_t i, int64_t j, int64_t out, int lanes) __attribute__((always_inline)) {
        const F32 count = set1(static_cast<float>(window_count(a.shape, a.count_padding, i, j)));
        return div(load_n(a.dy + out, lanes), count);
      });
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
