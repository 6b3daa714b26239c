// dx where every channel has a kernel of its own: each phase of a row of dx is a row of windows of dy, taps in descending order.
// A task is up to kTaskWindows pixels of one row.
#pragma once
#include "depthwise_row.h"
#include "phases.h"

namespace lanewise::LW_ISA {
namespace {

LW_INLINE DepthwiseWeights flipped_weights(const ConvShape& s, const float* w, const Phase& down, const Phase& across) {
  if (down.taps == 0 || across.taps == 0) return {w, 0, 0};
  const int64_t kh = down.tap + (down.taps - 1) * down.tap_step, kw = across.tap + (across.taps - 1) * across.tap_step;
  return {w + (kh * s.kw + kw) * s.c, -down.tap_step * s.kw * s.c, -across.tap_step * s.c};
}

int64_t depthwise_backward_data_tasks(const ConvShape& s) { return s.n * s.h * divide_up(s.w, kTaskWindows); }

int64_t depthwise_backward_data(const ConvBackwardDataArgs& a, const ConvShape& s, int64_t begin, int64_t end, float* scratch) {
  const Congruence of_rows = congruence(s.dilation_h, s.stride_h), of_columns = congruence(s.dilation_w, s.stride_w);
  const int64_t pieces = divide_up(s.w, kTaskWindows);
  for (int64_t task = begin; task < end; ++task) {
    const int64_t line = task / pieces, i = line % s.h, first = task % pieces * kTaskWindows, beyond = smaller(s.w, first + kTaskWindows);
    const Phase down = phase_of(of_rows, i % s.stride_h, s.h, s.stride_h, s.dilation_h, s.pad_top, s.kh);
    for (int64_t phase = 0; phase < smaller(s.stride_w, beyond); ++phase) {
      const Phase across = phase_of(of_columns, phase, s.w, s.stride_w, s.dilation_w, s.pad_left, s.kw);
      const DepthwiseWeights weights = flipped_weights(s, a.w, down, across);
      const Window window = phase_window(s, a.dy, down, across, 1);
      const DepthwiseRow row = {window,    weights,      a.dy + line / s.h * s.oh * s.ow * s.c, window.first_h + i / s.stride_h,
                                nullptr,   false,        a.dx + (line * s.w + phase) * s.c,     s.stride_w * s.c,
                                s.w * s.c, far_images(s)};
      depthwise_row(row, divide_up(larger(first - phase, 0), s.stride_w), divide_up(beyond - phase, s.stride_w), scratch);
    }
  }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
