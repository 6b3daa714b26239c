// The input pixels of a convolution with strides fall into stride_h · stride_w phases: those of one phase (row and column modulo the
// strides) see the same taps, at evenly spaced pixels of dy. So each phase is a convolution of dy with stride 1.
#pragma once
#include "shape.h"

namespace lanewise::LW_ISA {
namespace {

// The taps along one axis that reach the input positions first, first + stride, …: tap, tap + tap_step, … `taps` of them.
// Position first + stride·t sees output t + out − u·out_step through the u-th of them.
struct Phase {
  int64_t count, first, stride;  // positions
  int64_t tap, tap_step, taps;
  int64_t out, out_step;
};

// What depends on the strides alone: tap·dilation ≡ position + pad (modulo stride) has its solutions at distance stride / divisor.
struct Congruence {
  int64_t divisor, inverse;  // inverse of dilation / divisor modulo stride / divisor
};
LW_INLINE Congruence congruence(int64_t dilation, int64_t stride) {
  int64_t a = dilation % stride, b = stride, x = 1, y = 0;
  while (a != 0) {
    const int64_t quotient = b / a, rest = b % a, next = y - quotient * x;
    b = a, a = rest;
    y = x, x = next;
  }
  const int64_t spacing = stride / b;
  return {b, (y % spacing + spacing) % spacing};
}

LW_INLINE Phase phase_of(const Congruence& c, int64_t first, int64_t size, int64_t stride, int64_t dilation, int64_t pad, int64_t taps) {
  Phase phase = {divide_up(size - first, stride), first, stride, 0, stride / c.divisor, 0, 0, dilation / c.divisor};
  if ((first + pad) % c.divisor != 0) return phase;
  phase.tap = (first + pad) % stride / c.divisor * c.inverse % phase.tap_step;
  if (phase.tap < taps) phase.taps = (taps - 1 - phase.tap) / phase.tap_step + 1;
  phase.out = (first + pad - phase.tap * dilation) / stride;
  return phase;
}

// What the pixels of a phase see of dy, `channels` of it from `dy` on: the last tap first.
LW_INLINE Window phase_window(const ConvShape& s, const float* dy, const Phase& down, const Phase& across, int64_t channels) {
  return {dy,
          s.oh,
          s.ow,
          s.oc,
          down.count,
          across.count,
          down.taps,
          across.taps,
          channels,
          1,
          1,
          down.out_step,
          across.out_step,
          down.out - (down.taps - 1) * down.out_step,
          across.out - (across.taps - 1) * across.out_step};
}

}  // namespace
}  // namespace lanewise::LW_ISA
