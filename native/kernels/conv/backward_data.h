// dx as, for each phase of the input pixels and each group, the product of the windows of dy [pixels, taps·OC/G] with the transposed
// weights [taps·OC/G, C/G] of the phase's taps, last tap first. Each element is one product of gemm.h over its phase's taps, those
// outside dy counting as zeros: nothing is scattered.
#pragma once
#include "depthwise_backward_data.h"
#include "forward.h"

namespace lanewise::LW_ISA {
namespace {

// A phase and a group.
struct DataPart {
  Phase rows, columns;
  int64_t group;
};

// Outer: input channels, depth: (taps in descending order, output channels).
struct WeightOperand {
  static constexpr bool kGathered = true, kDepthMajor = false;
  const ConvShape& shape;
  const DataPart& part;
  const float* w;
  int64_t first;

  // The weights of flipped tap t, from input channel `first`, output channel 0 of the group.
  const float* tap(int64_t t) const {
    const Phase &down = part.rows, &across = part.columns;
    const int64_t kh = down.tap + (down.taps - 1 - t / across.taps) * down.tap_step;
    const int64_t kw = across.tap + (across.taps - 1 - t % across.taps) * across.tap_step;
    return w + ((kh * shape.kw + kw) * group_inputs(shape) + first) * shape.oc + part.group * group_outputs(shape);
  }
  // Calls run(weights of the first output channel, place in the depth, count) for each piece of [p, p + depth) within one tap.
  template <class Each>
  void each_tap(int64_t p, int64_t depth, const Each& run) const {
    const int64_t width = group_outputs(shape);
    for (int64_t done = 0; done < depth;) {
      const int64_t t = (p + done) / width, o = (p + done) % width, count = smaller(width - o, depth - done);
      run(tap(t) + o, done, count);
      done += count;
    }
  }

  void rows(int64_t i, int64_t count, int64_t p, int64_t depth, float* out, int64_t pitch) const {
    for (int64_t c = 0; c < count; ++c)
      each_tap(p, depth, [&](const float* from, int64_t done, int64_t length) {
        copy_over(length, from + (i + c) * shape.oc, out + c * pitch + done);
      });
  }
  void panel(int64_t p, int64_t depth, int64_t i, int64_t count, int64_t width, float* out) const {
    each_tap(p, depth, [&](const float* from, int64_t done, int64_t length) {
      pack_panel(length, count, width, from + i * shape.oc, 1, shape.oc, out + done * width);
    });
  }
  WeightOperand from(int64_t i) const { return {shape, part, w, first + i}; }
};

// Results of a phase that are not neighbours in dx wait in scratch, so many columns and floats at a time.
constexpr int64_t kPhaseColumns = 128, kPhaseBlock = 64 * 1024, kPhaseStart = kProductScratch + kSpare;
static_assert((kPhaseStart + kPhaseBlock) * sizeof(float) <= kScratchBytes);

// Without taps or output channels a single phase of zeros is left.
LW_INLINE ConvShape reachable(const ConvShape& shape) {
  ConvShape s = shape;
  if (s.kh == 0 || s.kw == 0 || s.oc == 0 || s.oh == 0 || s.ow == 0) s.kh = s.kw = 0, s.stride_h = s.stride_w = 1;
  return s;
}

LW_INLINE int64_t phases_down(const ConvShape& s) { return smaller(s.stride_h, s.h); }
LW_INLINE int64_t phases_across(const ConvShape& s) { return smaller(s.stride_w, s.w); }

// What the grid divides: the pixels of the largest phase, with the taps of all of them. A task has its pixels of every phase, since
// phases differ in taps.
GemmArgs conv_backward_data_product(const ConvShape& s) {
  GemmArgs g = {};
  g.m = s.n * divide_up(s.h, s.stride_h) * divide_up(s.w, s.stride_w), g.n = group_inputs(s);
  g.k = s.kh * s.kw * group_outputs(s);
  g.batch = s.groups;
  return g;
}

// So many pixels repay it to turn the weights for padded.h.
constexpr int64_t kRepaidPixels = 128;

// Rows [m0, m1) × columns [n0, n1) of one part to g.c.
LW_INLINE void part_rectangle(const GemmArgs& g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, const WindowOperand& windows,
                              const WeightOperand& weights, float* scratch) {
  const int64_t width = divide_up(g.n, kLanes) * kLanes;
  if (n0 == 0 && n1 == g.n && fits_planes(windows.window, g.n)) {
    weights.panel(0, g.k, 0, g.n, width, scratch);
    // Close together, so that they stay in the L1 cache beside the planes.
    for (int64_t k = 1; k < g.k; ++k)
      for (int64_t c = 0; c < g.n; ++c) scratch[k * g.n + c] = scratch[k * width + c];
    GemmArgs pixels = g;
    pixels.c += m0 * g.c_row;
    plane_product(pixels, windows.window, windows.first + m0, windows.first + m1, scratch, g.n, scratch);
  } else if (n0 == 0 && n1 == g.n && m1 - m0 >= kRepaidPixels && suits_padded(windows.window, g.n) && g.k * width <= kSpare - kLanes) {
    // The weights as those of a forward pass, behind what padded.h needs.
    GemmArgs pixels = g;
    pixels.b = scratch + kProductScratch, pixels.b_row = width, pixels.b_col = 1;
    weights.panel(0, g.k, 0, g.n, width, scratch + kProductScratch);
    pixels.c += m0 * g.c_row;
    padded_product(pixels, windows.window, windows.first + m0, windows.first + m1, n0, n1, scratch);
  } else if (n0 == 0 && n1 == g.n && windows_better_transposed(windows.window, m1 - m0, g.n)) {
    gemm_transposed(g, m0, m1, scratch, windows, weights);
  } else {
    gemm_rectangle(g, m0, m1, n0, n1, scratch, windows, weights);
  }
}

// The same to the places of a phase in dx. Without taps one pixel of zeros stands for all.
void spread_rectangle(const ConvBackwardDataArgs& a, const DataPart& part, const GemmArgs& product, int64_t m0, int64_t m1, int64_t n0,
                      int64_t n1, const WindowOperand& windows, const WeightOperand& weights, float* scratch) {
  const ConvShape& s = a.shape;
  float* const block = scratch + kPhaseStart;
  for (int64_t n = n0; n < n1; n += kPhaseColumns) {
    const bool empty = product.k == 0;
    const int64_t columns = smaller(kPhaseColumns, n1 - n), most = empty ? m1 - m0 : kPhaseBlock / columns;
    GemmArgs g = product;
    g.n = columns;
    g.c = block, g.c_row = columns;
    for (int64_t m = m0; m < m1; m += most) {
      const int64_t rows = smaller(most, m1 - m);
      part_rectangle(g, 0, empty ? 1 : rows, 0, columns, windows.from(m), weights.from(n), scratch);
      Pixel at = pixel_at(m, part.rows.count, part.columns.count);
      const float* from = block;
      for (int64_t i = 0; i < rows; ++i, from += empty ? 0 : columns, advance(at, part.rows.count, part.columns.count)) {
        const int64_t row = part.rows.first + at.i * part.rows.stride, column = part.columns.first + at.j * part.columns.stride;
        float* const to = a.dx + ((at.n * s.h + row) * s.w + column) * s.c + part.group * product.n + n;
        copy_exactly(columns, from, to);
      }
    }
  }
}

int64_t conv_backward_data_tasks(const ConvBackwardDataArgs& a) {
  const ConvShape s = reachable(a.shape);
  if (s.c == 0 || s.n == 0 || s.h == 0 || s.w == 0) return 0;
  return is_depthwise(s) ? depthwise_backward_data_tasks(s) : gemm_tasks(conv_backward_data_product(s));
}

// Every pixel of dx sees one pixel of dy: both images and the weights are matrices.
int64_t pointwise_backward_data(const ConvBackwardDataArgs& a, int64_t begin, int64_t end, float* scratch) {
  const ConvShape& s = a.shape;
  GemmArgs product = conv_backward_data_product(s);
  product.a_row = s.oc, product.a_col = 1, product.b_row = 1, product.b_col = s.oc, product.c_row = s.c;
  for_each_rectangle(make_grid(product), product.m, product.n, begin, end,
                     [&](int64_t group, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
                       GemmArgs g = product;
                       g.a = a.dy + group * group_outputs(s), g.b = a.w + group * group_outputs(s), g.c = a.dx + group * g.n;
                       if (n0 == 0 && n1 == g.n && better_transposed(g, m1 - m0)) {
                         gemm_transposed(g, m0, m1, scratch);
                       } else {
                         gemm_rectangle(g, m0, m1, n0, n1, scratch);
                       }
                     });
  return kOk;
}

int64_t conv_backward_data(const ConvBackwardDataArgs& a, int64_t begin, int64_t end, void* scratch) {
  if (begin == end) return kOk;  // the sizes may be those of no memory
  float* const floats = static_cast<float*>(scratch);
  const ConvShape s = reachable(a.shape);
  if (is_depthwise(s)) return depthwise_backward_data(a, s, begin, end, floats);
  if (is_pointwise(a.shape) && a.shape.oc > 0) return pointwise_backward_data(a, begin, end, floats);
  const GemmArgs product = conv_backward_data_product(s);
  const Congruence down = congruence(s.dilation_h, s.stride_h), across = congruence(s.dilation_w, s.stride_w);
  const auto run_phase = [&](int64_t group, int64_t row, int64_t column, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
    const DataPart part = {phase_of(down, row, s.h, s.stride_h, s.dilation_h, s.pad_top, s.kh),
                           phase_of(across, column, s.w, s.stride_w, s.dilation_w, s.pad_left, s.kw), group};
    const Window window = phase_window(s, a.dy + group * group_outputs(s), part.rows, part.columns, group_outputs(s));
    GemmArgs g = product;
    g.m = s.n * part.rows.count * part.columns.count;
    g.k = window_depth(window);
    m1 = smaller(m1, g.m);
    if (m0 >= m1) return;
    const WindowOperand windows = {window, floats + kProductScratch, 0};
    const WeightOperand weights = {s, part, a.w, 0};
    if (s.stride_h == 1 && s.stride_w == 1) {
      g.c = a.dx + group * g.n, g.c_row = s.c;
      part_rectangle(g, m0, m1, n0, n1, windows, weights, floats);
    } else {
      spread_rectangle(a, part, g, m0, m1, n0, n1, windows, weights, floats);
    }
  };
  for_each_rectangle(make_grid(product), product.m, product.n, begin, end,
                     [&](int64_t group, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
                       for (int64_t row = 0; row < phases_down(s); ++row)
                         for (int64_t column = 0; column < phases_across(s); ++column) run_phase(group, row, column, m0, m1, n0, n1);
                     });
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
