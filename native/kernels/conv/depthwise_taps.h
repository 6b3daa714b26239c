// Depthwise: every channel has a kernel of its own, and channels fill the vectors. Taps are taken by rows: up to three neighbours of a row
// meet a row of windows, a few vectors of channels at a time, and what neighbouring windows share of the image stays in registers.
//
// Taps outside the image are multiplied with 0 as well, so -0, infinities and NaN come out as those of the product do.
#pragma once
#include "shape.h"

namespace lanewise::LW_ISA {
namespace {

// Below so many channels the product of each is faster, as most of a vector would be empty.
constexpr int64_t kFewChannels = 2;
LW_INLINE bool is_depthwise(const ConvShape& s) { return s.groups == s.c && s.oc == s.c && s.c >= kFewChannels; }

// An image and a result of more elements than this (1 MB) are not expected in the L2 cache.
constexpr int64_t kFarImages = 256 * 1024;
LW_INLINE bool far_images(const ConvShape& s) { return (s.n * s.h * s.w + output_pixels(s)) * s.c > kFarImages; }

// Of tap (kh, kw) of the window: first + kh·down + kw·across, [C].
struct DepthwiseWeights {
  const float* first;
  int64_t down, across;
};

// A row of windows of one image.
struct DepthwiseRow {
  const Window& window;
  const DepthwiseWeights& weights;
  const float* image;
  int64_t top;        // the row of the first tap
  const float* bias;  // or null
  bool relu;
  float* out;                   // of window 0, [C]
  int64_t out_step, out_below;  // to the next window's, to those of the row below
  bool far;                     // too large for the L2 cache: fetched ahead
};

// Neighbouring taps, and of `taps` that are left in a row how many to take, so that all takes are as equal as can be.
constexpr int64_t kMostTaps = 3;
LW_INLINE int64_t next_taps(int64_t taps) { return divide_up(taps, divide_up(taps, kMostTaps)); }

// Vectors of channels at a time: each has a register for what belongs to a tap, one for the pixel it sees, and one besides.
constexpr int vectors_at_once(int taps) { return 4 * (2 * taps + 1) <= kVectorRegisters ? 4 : 2; }

// What taps outside the image see.
alignas(64) constexpr float kOutside[4 * kLanes] = {};

// The windows that see no column outside the image with `taps` taps from `tap` on.
struct Between {
  int64_t begin, end;
};
LW_INLINE Between between_edges(const Window& v, int64_t tap, int64_t taps) {
  const int64_t left = v.first_w + tap * v.step_w, right = v.w - 1 - (left + (taps - 1) * v.step_w);
  const int64_t begin = left >= 0 ? 0 : smaller(v.ow, v.stride_w == 1 ? -left : divide_up(-left, v.stride_w));
  const int64_t end = right < 0 ? 0 : smaller(v.ow, (v.stride_w == 1 ? right : right / v.stride_w) + 1);
  return {begin, larger(begin, end)};
}

// Neighbouring taps of a row, and where they meet windows [begin, end) of a row of windows: [first, last) see no column outside, or nothing
// but rows outside.
struct TapRow {
  const Window& window;
  const float* pixels;  // the row of the image, or null where it lies outside
  int64_t left;         // column of the first tap in window `begin`
  int64_t begin, first, last, end;
  bool fetches;  // the row of the image that the windows below meet
};

// Taps [kw, kw + columns) of row `kh` of windows whose first tap lies in row `top` of the image.
LW_INLINE TapRow tap_row(const Window& v, const float* image, int64_t top, int64_t begin, int64_t end, int64_t kh, int64_t kw,
                         int64_t columns, bool far) {
  const int64_t y = top + kh * v.step_h, left = v.first_w + begin * v.stride_w + kw * v.step_w;
  if (y < 0 || y >= v.h) return {v, nullptr, left, begin, begin, end, end, false};
  const Between inside = between_edges(v, kw, columns);
  const int64_t first = larger(begin, smaller(end, inside.begin)), last = larger(first, smaller(end, inside.end));
  const bool fetches = far && kh >= v.kh - v.stride_h;  // the rows that these windows are the first to see
  return {v, image + y * v.w * v.pitch, left, begin, first, last, end, fetches};
}

// Whether window `j` sees a column of the image through the t-th tap.
LW_INLINE bool sees(const TapRow& taps, int64_t j, int64_t t) {
  const Window& v = taps.window;
  const int64_t column = taps.left + (j - taps.begin) * v.stride_w + t * v.step_w;
  return column >= 0 && column < v.w;
}

// Of what a window sees through its taps its neighbour sees all but so many columns again; kMostTaps: nothing.
LW_INLINE int64_t columns_between(const Window& v) {
  return v.stride_w % v.step_w == 0 ? smaller(v.stride_w / v.step_w, kMostTaps) : kMostTaps;
}

// What the first window sees through the first tap, or zeros, and the distances to the next tap's and the next window's.
struct Pixels {
  const float* first;
  int64_t across, next;
};
LW_INLINE Pixels first_pixel(const TapRow& taps, int64_t c) {
  const Window& v = taps.window;
  if (taps.pixels == nullptr) return {kOutside, 0, 0};
  return {taps.pixels + taps.left * v.pitch + c, v.step_w * v.pitch, v.stride_w * v.pitch};
}

}  // namespace
}  // namespace lanewise::LW_ISA
