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

// Neighbouring taps of a row, and where they meet neighbouring windows of a row.
struct TapRow {
  const Window& window;
  const float* pixels;  // the row of the image, or null where it lies outside
  int64_t left;         // column of the first tap in the first window
  int64_t windows;
  bool fetches;  // the row of the image that the windows below meet
};

// Taps from (kh, kw) on of windows [begin, end) whose first tap lies in row `top` of the image.
LW_INLINE TapRow tap_row(const Window& v, const float* image, int64_t top, int64_t begin, int64_t end, int64_t kh, int64_t kw, bool far) {
  const int64_t y = top + kh * v.step_h, left = v.first_w + begin * v.stride_w + kw * v.step_w;
  const bool inside = y >= 0 && y < v.h, first_seen = kh >= v.kh - v.stride_h;  // by these windows
  return {v, inside ? image + y * v.w * v.pitch : nullptr, left, end - begin, far && inside && first_seen};
}

// Of what a window sees through its taps its neighbour sees all but so many columns again; kMostTaps: nothing.
LW_INLINE int64_t columns_between(const Window& v) {
  return v.stride_w % v.step_w == 0 ? smaller(v.stride_w / v.step_w, kMostTaps) : kMostTaps;
}

// What windows see of channels from `c` on through neighbouring taps, one window after the other.
struct Pixels {
  const float* row;
  int64_t first;  // where in it, through the first tap, if `column` lies inside
  int64_t column, columns, across, step_w, next, stride_w;
};
LW_INLINE Pixels pixels_of(const TapRow& taps, int64_t c) {
  const Window& v = taps.window;
  if (taps.pixels == nullptr) return {};  // no column lies inside
  return {taps.pixels, taps.left * v.pitch + c, taps.left, v.w, v.step_w * v.pitch, v.step_w, v.stride_w * v.pitch, v.stride_w};
}

LW_INLINE const float* seen_through(const Pixels& p, int64_t tap) {
  const bool inside = static_cast<uint64_t>(p.column + tap * p.step_w) < static_cast<uint64_t>(p.columns);
  const float* pixel = inside ? p.row + (p.first + tap * p.across) : kOutside;
  asm("" : "+r"(pixel));  // chosen without a branch: the compiler would write the loop once for each answer
  return pixel;
}
LW_INLINE void advance(Pixels& p) { p.first += p.next, p.column += p.stride_w; }

// For each window visit(n, pixel) for the n-th vector of channels from `c` on with the kColumns pixels that it sees, then next(); where the
// windows below meet something new, fetch(n) before. All but the first kShift pixels that a window sees its neighbour sees first.
template <int kColumns, int kShift, int kVectors, bool kWhole, class Visit, class Fetch, class Next>
LW_INLINE void visit_windows(const TapRow& taps, int64_t c, int lanes, const Visit& visit, const Fetch& fetch, const Next& next) {
  constexpr int kShared = kColumns - kShift;
  Pixels pixels = pixels_of(taps, c);
  F32 shared[kShared + 1][kVectors];
#pragma GCC unroll 2
  for (int t = 0; t < kShared; ++t)
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) shared[t][n] = load_lanes<kWhole>(seen_through(pixels, t) + n * kLanes, lanes);
  const int64_t below = taps.fetches ? taps.window.stride_h * taps.window.w * taps.window.pitch : 0;
  // Vectors that fill more than a line of the cache at a time overlap their loads without it.
  const bool fetches = kVectors * kLanes <= kLine && taps.fetches;
#pragma GCC unroll 2
  for (int64_t left = taps.windows; left > 0; --left, advance(pixels), next()) {
    const float* seen[kColumns];
#pragma GCC unroll 3
    for (int t = kShared; t < kColumns; ++t) seen[t] = seen_through(pixels, t);
    if (fetches) {
#pragma GCC unroll 4
      for (int n = 0; n < kVectors; ++n) {
        fetch(n);
#pragma GCC unroll 3
        for (int t = kShared; t < kColumns; ++t) prefetch_l2(seen[t] + below + n * kLanes);
      }
    }
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) {
      F32 pixel[kColumns];
#pragma GCC unroll 3
      for (int t = 0; t < kColumns; ++t) pixel[t] = t < kShared ? shared[t][n] : load_lanes<kWhole>(seen[t] + n * kLanes, lanes);
      visit(n, pixel);
#pragma GCC unroll 2
      for (int t = 0; t < kShared; ++t) shared[t][n] = pixel[t + kShift];
    }
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
