// The matrix of what windows of a channels-last image see: element (pixel (n, oh, ow), k = (kh, kw, c)), 0 outside the image. It is never
// held as a whole: its parts are copied into the panels of a product, a run of contiguous floats at a time.
#pragma once
#include "../../gemm/operand.h"
#include "../../gemm/pack.h"

namespace lanewise::LW_ISA {
namespace {

// Window (oh, ow) has its tap (kh, kw) at row first_h + oh·stride_h + kh·step_h of the image, and the column likewise.
struct Window {
  const float* image;        // [N, H, W, pitch], at the first of the channels
  int64_t h, w, pitch;       // pitch: distance between pixels
  int64_t oh, ow;            // windows down and across
  int64_t kh, kw, channels;  // of one window
  int64_t stride_h, stride_w, step_h, step_w, first_h, first_w;
};

LW_INLINE int64_t window_depth(const Window& v) { return v.kh * v.kw * v.channels; }

// Output pixels in order.
struct Pixel {
  int64_t n, i, j;
};
LW_INLINE Pixel pixel_at(int64_t p, int64_t oh, int64_t ow) { return {p / (oh * ow), p / ow % oh, p % ow}; }
LW_INLINE void advance(Pixel& p, int64_t oh, int64_t ow) {
  if (++p.j < ow) return;
  p.j = 0;
  if (++p.i < oh) return;
  p.i = 0;
  ++p.n;
}

// Whole vectors are written: up to kLanes − 1 floats beyond the end.
LW_INLINE void copy_over(int64_t count, const float* in, float* out) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(out + i, load(in + i));
  if (i < count) store(out + i, load_n(in + i, static_cast<int>(count - i)));
}
LW_INLINE void zero_over(int64_t count, float* out) {
  if (count <= 0) return;
  store(out, zero());  // apart, as the compiler makes the loop a call of memset
  for (int64_t i = kLanes; i < count; i += kLanes) store(out + i, zero());
}

// Neighbouring taps of a row are one run where their channels follow each other in the image.
struct Run {
  int64_t taps, length, per_row;
};
LW_INLINE Run run_of(const Window& v) {
  const bool joined = v.step_w == 1 && v.channels == v.pitch;
  return joined ? Run{v.kw, v.kw * v.channels, 1} : Run{1, v.channels, v.kw};
}

// Floats [offset, offset + length) of a run whose first tap lies at (row, column), 0 outside the image.
LW_INLINE void copy_run(const Window& v, const float* image, const Run& run, int64_t row, int64_t column, int64_t offset, int64_t length,
                        float* out) {
  if (row < 0 || row >= v.h || column >= v.w || column <= -run.taps) return zero_over(length, out);
  const int64_t end = offset + length;
  const int64_t low = larger(offset, smaller(end, larger(-column, 0) * v.channels));
  const int64_t high = larger(low, smaller(end, smaller(v.w - column, run.taps) * v.channels));
  zero_over(low - offset, out);
  copy_over(high - low, image + row * v.w * v.pitch + (column * v.pitch + low), out + (low - offset));
  zero_over(end - high, out + (high - offset));
}

// Runs of at most a vector, one a row of taps: they are clipped alike.
LW_INLINE void copy_short_runs(const Window& v, const float* image, const Run& run, int64_t row, int64_t column, int64_t depth,
                               float* out) {
  const int64_t low = smaller(larger(-column, 0), run.taps), high = smaller(larger(v.w - column, low), run.taps);
  const int count = static_cast<int>((high - low) * v.channels);
  for (int64_t p = 0; p < depth; p += run.length, row += v.step_h) {
    if (low > 0 || count == 0 || row < 0 || row >= v.h) store(out + p, zero());
    if (count > 0 && row >= 0 && row < v.h) store(out + p + low * v.channels, load_n(image + (row * v.w + column + low) * v.pitch, count));
  }
}

// Windows that share nothing read pixels for the first time: a row's are fetched so many windows ahead.
constexpr int64_t kWindowsAhead = 12;

// out[i][p] (pitch `pitch`) = element (pixel + i, k + p) for `pixels` × depth of them. Writes up to kLanes − 1 floats beyond the last row,
// and beyond each row before the next one is written.
void copy_windows(const Window& v, int64_t pixel, int64_t pixels, int64_t k, int64_t depth, float* out, int64_t pitch) {
  if (depth == 0 || pixels == 0) return;
  if (v.h == 0 || v.w == 0) {  // there is no image
    for (int64_t i = 0; i < pixels; ++i) zero_over(depth, out + i * pitch);
    return;
  }
  const Run run = run_of(v);
  const int64_t first_run = k / run.length, first_offset = k % run.length;
  const int64_t first_kh = first_run / run.per_row, first_r = first_run % run.per_row;
  const int64_t last_kh = first_kh + (first_offset + depth + (first_r * run.length) - 1) / (run.length * run.per_row);
  // Whole short runs, one vector each: the usual first layer.
  const bool is_short = run.per_row == 1 && run.length <= kLanes && first_offset == 0 && depth % run.length == 0;
  const int64_t reach = (v.kw - 1) * v.step_w + 1;
  const int64_t ahead = v.stride_w >= reach ? kWindowsAhead * v.stride_w * v.pitch : 0;
  Pixel at = pixel_at(pixel, v.oh, v.ow);
  for (int64_t i = 0; i < pixels; ++i, advance(at, v.oh, v.ow), out += pitch) {
    const int64_t top = v.first_h + at.i * v.stride_h, left = v.first_w + at.j * v.stride_w;
    const float* const image = v.image + at.n * v.h * v.w * v.pitch;
    const int64_t first_row = top + first_kh * v.step_h;
    const bool inside = left >= 0 && left + reach <= v.w && first_row >= 0 && top + last_kh * v.step_h < v.h;
    if (is_short) {
      copy_short_runs(v, image, run, first_row, left, depth, out);
      continue;
    }
    int64_t kh = first_kh, r = first_r, offset = first_offset;
    for (int64_t p = 0; p < depth;) {
      const int64_t length = smaller(run.length - offset, depth - p);
      const int64_t row = top + kh * v.step_h, column = left + r * v.step_w;
      if (ahead > 0) {
        const float* const next = image + (row * v.w + column) * v.pitch + offset + ahead;
        for (int64_t c = 0; c < length; c += kLine) prefetch_l2(next + c);
      }
      if (inside) {
        copy_over(length, image + (row * v.w + column) * v.pitch + offset, out + p);
      } else {
        copy_run(v, image, run, row, column, offset, length, out + p);
      }
      p += length;
      offset = 0;
      if (++r == run.per_row) {
        r = 0;
        ++kh;
      }
    }
  }
}

// `count` floats of an image row from `column` on, 0 outside. `exactly`: nothing beyond is written.
LW_INLINE void copy_row(const float* row, int64_t w, int64_t column, int64_t count, bool exactly, float* out) {
  if (column >= 0 && column + count <= w && !exactly) return copy_over(count, row + column, out);
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t left = column + i, part = smaller(kLanes, count - i);
    const int64_t low = smaller(larger(-left, 0), part), high = smaller(larger(w - left, low), part);
    if (low > 0 || high == low) store_n(out + i, zero(), static_cast<int>(part));
    if (high > low) store_n(out + i + low, load_n(row + left + low, static_cast<int>(high - low)), static_cast<int>(part - low));
  }
}

// A single channel: out[p][i] = element (pixel + i, k + p), the windows of one image row being neighbours in the image when stride_w is 1.
// Those written after others of a later row of `out` must not write beyond their own.
void copy_channel(const Window& v, int64_t k, int64_t depth, int64_t pixel, int64_t pixels, int64_t width, float* out) {
  if (depth == 0) return;
  const int64_t first_kh = k / v.kw, first_kw = k % v.kw;
  Pixel at = pixel_at(pixel, v.oh, v.ow);
  for (int64_t i = 0; i < pixels;) {
    const int64_t count = smaller(v.ow - at.j, pixels - i), left = v.first_w + at.j;
    int64_t row = v.first_h + at.i * v.stride_h + first_kh * v.step_h, kw = first_kw;
    for (int64_t p = 0; p < depth; ++p) {
      const bool inside = row >= 0 && row < v.h;
      copy_row(inside ? v.image + (at.n * v.h + row) * v.w : v.image, inside ? v.w : 0, left + kw * v.step_w, count,
               i + count + kLanes > width, out + p * width + i);
      if (++kw == v.kw) {
        kw = 0;
        row += v.step_h;
      }
    }
    i += count;
    at.j = v.ow - 1;
    advance(at, v.oh, v.ow);
  }
}

LW_INLINE bool is_single_channel(const Window& v) { return v.channels == 1 && v.pitch == 1 && v.stride_w == 1; }

// Outer: pixels, depth: taps and channels.
struct WindowOperand {
  static constexpr bool kGathered = true, kDepthMajor = false;
  const Window& window;
  float* spare;  // kSpare floats for `panel`
  int64_t first;

  void rows(int64_t i, int64_t count, int64_t p, int64_t depth, float* out, int64_t pitch) const {
    copy_windows(window, first + i, count, p, depth, out, pitch);
  }
  void panel(int64_t p, int64_t depth, int64_t i, int64_t count, int64_t width, float* out) const {
    if (is_single_channel(window)) {
      copy_channel(window, p, depth, first + i, count, width, out);
    } else {
      const int64_t pitch = panel_pitch(depth);
      copy_windows(window, first + i, count, p, depth, spare, pitch);
      pack_panel(depth, count, width, spare, 1, pitch, out);
    }
  }
  WindowOperand from(int64_t i) const { return {window, spare, first + i}; }
};

// Outer: taps and channels, depth: pixels.
struct WindowPixelOperand {
  static constexpr bool kGathered = true, kDepthMajor = true;
  const Window& window;
  int64_t first, pixel;

  void rows(int64_t, int64_t, int64_t, int64_t, float*, int64_t) const {}
  void panel(int64_t p, int64_t depth, int64_t i, int64_t count, int64_t width, float* out) const {
    copy_windows(window, pixel + p, depth, first + i, count, out, width);
  }
  WindowPixelOperand from(int64_t i) const { return {window, first + i, pixel}; }
};

}  // namespace
}  // namespace lanewise::LW_ISA
