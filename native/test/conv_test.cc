// Convolution and its gradients against the contract in scalars: bit for bit on every ISA that fuses, within a bound derived from the
// number of terms on the baseline. Inputs are allocated to the last element, so that the address sanitizer sees any reading beyond.
#include <memory>

#include "kernel_harness.h"

using namespace lanewise;
using namespace lanewise::test;

namespace {

constexpr double kEpsilon = 0x1p-24;

struct Problem {
  ConvShape s;
  int64_t parts = 1;
  bool bias = false;
  Activation activation = Activation::none;
};

std::string describe(const KernelTable& table, const char* pass, const Problem& q) {
  const ConvShape& s = q.s;
  return text(table, pass,
              {s.n, s.h, s.w, s.c, s.oh, s.ow, s.oc, s.kh, s.kw, s.stride_h, s.stride_w, s.dilation_h, s.dilation_w, s.pad_top, s.pad_left,
               s.groups, q.parts, q.bias, int64_t(q.activation)});
}

// One element of a product: the terms in the order of the contract, those outside the image included.
struct Terms {
  std::vector<float> a, b;
  void add(float x, float y) { a.push_back(x), b.push_back(y); }
  void clear() { a.clear(), b.clear(); }
};

int64_t depth_block(int64_t k) {
  if (k <= 384) return std::max<int64_t>(k, 1);
  const int64_t blocks = (k + 383) / 384;
  return ((k + blocks - 1) / blocks + 7) / 8 * 8;
}

struct Expected {
  float sum;
  double exact, magnitude;
  int64_t terms;
};

Expected sum_of(const Terms& t) {
  const int64_t k = static_cast<int64_t>(t.a.size()), step = depth_block(k);
  Expected out = {0, 0, 0, k};
  for (int64_t p0 = 0; p0 < k; p0 += step) {
    float block = 0;
    for (int64_t p = p0; p < std::min(k, p0 + step); ++p) {
      block = std::fma(t.a[p], t.b[p], block);
      out.exact += double(t.a[p]) * t.b[p];
      out.magnitude += std::fabs(double(t.a[p]) * t.b[p]);
    }
    out.sum = p0 == 0 ? block : out.sum + block;
  }
  return out;
}

bool equal_bits(float x, float y) { return std::memcmp(&x, &y, sizeof x) == 0; }

// Whether `got` is the activation of that sum, by its bits and by its distance from the exact one.
bool holds(const KernelTable& table, float got, const Expected& e, Activation activation) {
  const double error = 2 * double(e.terms + 2) * kEpsilon * e.magnitude;
  if (activation == Activation::sigmoid || activation == Activation::tanh) {
    // Slopes are at most 1; 4 units in the last place for the function itself.
    const double target = activation == Activation::tanh ? std::tanh(e.exact) : 1 / (1 + std::exp(-e.exact));
    return std::fabs(got - target) <= error + 8 * kEpsilon * std::fabs(target);
  }
  const bool relu = activation == Activation::relu;
  if (table.fused && !equal_bits(got, relu ? std::max(e.sum, 0.0f) : e.sum)) return false;
  return std::fabs(got - (relu ? std::max(e.exact, 0.0) : e.exact)) <= error;
}

// Of an image [N, H, W, C], 0 outside.
float at(const float* image, int64_t n, int64_t i, int64_t j, int64_t c, int64_t h, int64_t w, int64_t channels) {
  return i < 0 || i >= h || j < 0 || j >= w ? 0.0f : image[((n * h + i) * w + j) * channels + c];
}

struct Data {
  std::unique_ptr<float[]> x, w, dy, bias;
};

std::unique_ptr<float[]> exactly(Source& source, int64_t n) {
  std::unique_ptr<float[]> out(new float[static_cast<size_t>(n)]);
  for (int64_t i = 0; i < n; ++i) out[i] = source.uniform(-1, 1);
  return out;
}

Guarded<float> unwritten(int64_t n) { return Guarded<float>(n, std::numeric_limits<float>::quiet_NaN()); }

std::vector<Expected> forward_of(const Problem& q, const Data& d) {
  const ConvShape& s = q.s;
  const int64_t depth = s.c / s.groups, width = s.oc / s.groups;
  std::vector<Expected> out;
  Terms terms;
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t i = 0; i < s.oh; ++i)
      for (int64_t j = 0; j < s.ow; ++j)
        for (int64_t o = 0; o < s.oc; ++o) {
          terms.clear();
          for (int64_t kh = 0; kh < s.kh; ++kh)
            for (int64_t kw = 0; kw < s.kw; ++kw)
              for (int64_t c = 0; c < depth; ++c)
                terms.add(at(d.x.get(), n, i * s.stride_h - s.pad_top + kh * s.dilation_h, j * s.stride_w - s.pad_left + kw * s.dilation_w,
                             o / width * depth + c, s.h, s.w, s.c),
                          d.w[((kh * s.kw + kw) * depth + c) * s.oc + o]);
          Expected e = sum_of(terms);
          if (q.bias) e.sum += d.bias[o], e.exact += d.bias[o], e.magnitude += std::fabs(d.bias[o]);
          out.push_back(e);
        }
  return out;
}

std::vector<Expected> backward_data_of(const Problem& q, const Data& d) {
  const ConvShape& s = q.s;
  const int64_t depth = s.c / s.groups, width = s.oc / s.groups;
  std::vector<Expected> out;
  Terms terms;
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t row = 0; row < s.h; ++row)
      for (int64_t column = 0; column < s.w; ++column)
        for (int64_t c = 0; c < s.c; ++c) {
          terms.clear();
          for (int64_t kh = s.kh - 1; kh >= 0; --kh)
            for (int64_t kw = s.kw - 1; kw >= 0; --kw) {
              const int64_t i = row + s.pad_top - kh * s.dilation_h, j = column + s.pad_left - kw * s.dilation_w;
              if (i % s.stride_h != 0 || j % s.stride_w != 0) continue;
              for (int64_t o = c / depth * width; o < (c / depth + 1) * width; ++o)
                terms.add(at(d.dy.get(), n, i / s.stride_h, j / s.stride_w, o, s.oh, s.ow, s.oc),
                          d.w[((kh * s.kw + kw) * depth + c % depth) * s.oc + o]);
            }
          out.push_back(sum_of(terms));
        }
  return out;
}

std::vector<Expected> backward_weights_of(const Problem& q, const Data& d) {
  const ConvShape& s = q.s;
  const int64_t depth = s.c / s.groups, width = s.oc / s.groups, pixels = s.n * s.oh * s.ow, share = (pixels + q.parts - 1) / q.parts;
  std::vector<Expected> out;
  Terms terms;
  for (int64_t part = 0; part < q.parts; ++part)
    for (int64_t kh = 0; kh < s.kh; ++kh)
      for (int64_t kw = 0; kw < s.kw; ++kw)
        for (int64_t c = 0; c < depth; ++c)
          for (int64_t o = 0; o < s.oc; ++o) {
            terms.clear();
            for (int64_t p = part * share; p < std::min(pixels, (part + 1) * share); ++p)
              terms.add(at(d.x.get(), p / (s.oh * s.ow), p / s.ow % s.oh * s.stride_h - s.pad_top + kh * s.dilation_h,
                           p % s.ow * s.stride_w - s.pad_left + kw * s.dilation_w, o / width * depth + c, s.h, s.w, s.c),
                        d.dy[p * s.oc + o]);
            out.push_back(sum_of(terms));
          }
  return out;
}

// run_pass(out, seed) writes all that is expected, whole and in random ranges.
template <class RunPass>
void check_pass(const KernelTable& table, const char* pass, const Problem& q, Activation activation, const std::vector<Expected>& expected,
                uint64_t seed, const RunPass& run_pass) {
  for (uint64_t split : {uint64_t{0}, seed}) {
    Guarded<float> out(static_cast<int64_t>(expected.size()), std::numeric_limits<float>::quiet_NaN());
    run_pass(out.data(), split);
    int64_t wrong = 0;
    for (size_t i = 0; i < expected.size(); ++i) wrong += !holds(table, out[static_cast<int64_t>(i)], expected[i], activation);
    CHECK_TEXT(wrong == 0 && out.intact(), describe(table, pass, q) + ": " + std::to_string(wrong) + " wrong");
  }
}

// All passes on every table; the references are computed once.
void check(const Problem& q) {
  const ConvShape& s = q.s;
  static uint64_t seed = 1;
  Source source(++seed);
  Data d;
  d.x = exactly(source, s.n * s.h * s.w * s.c);
  d.w = exactly(source, s.kh * s.kw * (s.c / s.groups) * s.oc);
  d.dy = exactly(source, s.n * s.oh * s.ow * s.oc);
  d.bias = exactly(source, s.oc);
  const std::vector<Expected> y = forward_of(q, d), dx = backward_data_of(q, d), dw = backward_weights_of(q, d);
  for_each_table([&](const KernelTable& t) {
    check_pass(t, "forward", q, q.activation, y, seed, [&](float* out, uint64_t split) {
      run(t.conv_forward_tasks, t.conv_forward,
          ConvForwardArgs{s, d.x.get(), d.w.get(), q.bias ? d.bias.get() : nullptr, q.activation, out}, split);
    });
    check_pass(t, "backward data", q, Activation::none, dx, seed, [&](float* out, uint64_t split) {
      run(t.conv_backward_data_tasks, t.conv_backward_data, ConvBackwardDataArgs{s, d.dy.get(), d.w.get(), out}, split);
    });
    check_pass(t, "backward weights", q, Activation::none, dw, seed, [&](float* out, uint64_t split) {
      run(t.conv_backward_weights_tasks, t.conv_backward_weights, ConvBackwardWeightsArgs{s, q.parts, d.x.get(), d.dy.get(), out}, split);
    });
  });
}

// A square problem with the output size that follows.
Problem square(int64_t n, int64_t size, int64_t c, int64_t oc, int64_t k, int64_t stride = 1, int64_t pad = 0, int64_t groups = 1,
               int64_t dilation = 1) {
  const int64_t out = std::max<int64_t>(0, (size + 2 * pad - dilation * (k - 1) - 1) / stride + 1);
  return {{n, size, size, c, out, out, oc, k, k, stride, stride, dilation, dilation, pad, pad, groups}};
}

}  // namespace

LW_TEST(layers) {
  for (const Problem& q : {square(2, 12, 1, 6, 5, 1, 2), square(3, 10, 6, 16, 5), square(2, 12, 1, 32, 3, 1, 1),
                           square(2, 8, 3, 24, 3, 1, 1), square(1, 10, 64, 40, 3, 1, 1), square(2, 9, 20, 33, 3, 2, 1),
                           square(1, 23, 3, 64, 7, 2, 3), square(1, 14, 24, 17, 1), square(2, 9, 70, 33, 1), square(2, 5, 6, 9, 1, 1, 0, 3),
                           square(3, 20, 8, 3, 1), square(2, 21, 3, 40, 1), square(2, 13, 24, 40, 1, 2), square(3, 4, 130, 96, 3, 1, 1)})
    check(q);
}

LW_TEST(lane_and_tile_edges) {
  for (int64_t oc : {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 65})
    for (int64_t c : {1, 2, 3, 15, 16, 17, 33}) check(square(1, 7, c, oc, 3, 1, 1));
}

LW_TEST(strides_and_dilations) {
  for (int64_t stride : {1, 2, 3, 4, 6, 9})
    for (int64_t dilation : {1, 2, 3, 4, 6})
      for (int64_t k : {1, 2, 3, 5})
        for (int64_t c : {1, 5}) check(square(1, 11, c, 4, k, stride, k * dilation / 2, 1, dilation));
}

// Gradients to the weights of many channels, a slice at a time: several slices, blocks of columns and depth blocks.
LW_TEST(slices_of_channels) {
  for (const Problem& q : {square(2, 14, 35, 24, 3, 1, 1), square(1, 13, 100, 130, 2), square(3, 12, 40, 22, 5, 1, 2),
                           square(1, 15, 33, 20, 3, 1, 2, 1, 2), square(2, 13, 66, 44, 3, 1, 1, 2), square(1, 26, 20, 16, 5, 2, 2),
                           square(6, 12, 20, 16, 3, 1, 1), square(1, 60, 17, 8, 2), square(1, 12, 17, 270, 2, 1, 1)})
    for (int64_t parts : {1, 3, 40}) {
      Problem part = q;
      part.parts = parts;
      check(part);
    }
  Source source(5);
  for (int round = 0; round < 60; ++round) {
    const auto of = [&](int64_t n) { return source.below(n); };
    Problem q;
    q.s = {1 + of(3), of(12),    of(30),    17 + of(60), 1 + of(9), 12 + of(20), 1 + of(40), 1 + of(4),
           1 + of(5), 1 + of(2), 1 + of(2), 1 + of(3),   1 + of(3), of(6),       of(6),      1};
    q.parts = 1 + of(4);
    check(q);
  }
}

LW_TEST(groups) {
  for (int64_t groups : {2, 3, 8})
    for (int64_t stride : {1, 2})
      for (int64_t width : {1, 2, 17}) {
        check(square(2, 8, groups, groups * width, 3, stride, 1, groups));
        check(square(2, 8, groups * width, groups, 3, stride, 1, groups));
        check(square(1, 6, groups * width, groups * 5, 2, stride, 0, groups));
      }
}

// Every channel with a kernel of its own.
LW_TEST(depthwise) {
  for (int64_t c : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 48, 63})
    for (int64_t k : {1, 2, 3, 5}) {
      check(square(2, 9, c, c, k, 1, k / 2, c));
      check(square(1, 10, c, c, k, 2, 1, c));
    }
  for (int64_t stride : {1, 2, 3, 5})
    for (int64_t dilation : {1, 2, 3, 4})
      for (int64_t k : {2, 3, 4, 7})
        for (int64_t pad : {int64_t{0}, k * dilation / 2}) check(square(1, 13, 19, 19, k, stride, pad, 19, dilation));
  for (int64_t size : {23, 24, 25, 66, 140}) check(square(1, size, 5, 5, 3, 1, 1, 5));  // tails of windows, rows of several tasks
  check(square(2, 9, 700, 700, 3, 1, 1, 700));                                          // weights in several blocks
  check(square(3, 24, 17, 17, 3, 1, 1, 17));                                            // pixels in several depth blocks
  check(square(2, 57, 5, 5, 3, 2, 1, 5));
  check(square(1, 24, 18, 18, 21, 1, 9, 18));                                    // taps in two depth blocks
  check(square(1, 40, 3, 3, 37, 1, 20, 3));                                      // taps in several rectangles of sums
  check(square(2, 8, 6, 12, 3, 1, 1, 6));                                        // two outputs a channel
  for (int64_t stride : {1, 2}) check(square(1, 60, 83, 83, 3, stride, 1, 83));  // images beyond the L2 cache
  for (int64_t parts : {2, 3, 7, 900}) {
    Problem q = square(2, 20, 21, 21, 3, 1, 1, 21);
    q.parts = parts;
    check(q);
  }
  for (Activation activation : {Activation::none, Activation::relu, Activation::sigmoid, Activation::tanh})
    for (bool bias : {false, true}) {
      Problem q = square(2, 11, 37, 37, 3, 1, 1, 37);
      q.activation = activation, q.bias = bias;
      check(q);
      q.s.kh = 0;  // bias alone
      check(q);
    }
}

LW_TEST(random_depthwise) {
  Source source(11);
  for (int round = 0; round < 300; ++round) {
    const auto of = [&](int64_t n) { return source.below(n); };
    Problem q;
    const int64_t c = 2 + of(of(3) == 0 ? 60 : 20);
    q.s = {1 + of(3), of(12), of(30), c, of(12), of(30), c, of(7), of(7), 1 + of(4), 1 + of(4), 1 + of(3), 1 + of(3), of(6), of(6), c};
    q.parts = 1 + of(4), q.bias = of(2) == 0, q.activation = Activation(of(4));
    check(q);
  }
}

// Zeros, infinities and NaN come out as from the product of each channel alone, also where the kernel reaches beyond the image.
LW_TEST(depthwise_special_values) {
  for_each_table([](const KernelTable& t) {
    constexpr float kInf = std::numeric_limits<float>::infinity();
    const float special[] = {0.0f, -0.0f, 1.5f, -1e-30f, 1e-30f, kInf, -kInf, std::numeric_limits<float>::quiet_NaN()};
    for (const auto& [stride, c] : {std::pair<int64_t, int64_t>{1, 19}, {2, 19}, {1, 53}, {2, 53}}) {  // up to one vector, two at a time
      const ConvShape all = square(2, 7, c, c, 3, stride, 2, c).s, one = square(2, 7, 1, 1, 3, stride, 2).s;
      Source source(static_cast<uint64_t>(stride));
      const auto pick = [&](int64_t n, int64_t below) {
        Guarded<float> out(n);
        for (int64_t i = 0; i < n; ++i) out[i] = special[source.below(below)];
        return out;
      };
      for (int64_t below : {5, 8}) {
        const int64_t pixels = all.n * all.h * all.w, windows = all.n * all.oh * all.ow;
        Guarded<float> x = pick(pixels * c, below), w = pick(9 * c, below), dy = pick(windows * c, below);
        Guarded<float> y = unwritten(windows * c), dx = unwritten(pixels * c), dw = unwritten(9 * c);
        run(t.conv_forward_tasks, t.conv_forward, ConvForwardArgs{all, x.data(), w.data(), nullptr, Activation::none, y.data()});
        run(t.conv_backward_data_tasks, t.conv_backward_data, ConvBackwardDataArgs{all, dy.data(), w.data(), dx.data()});
        run(t.conv_backward_weights_tasks, t.conv_backward_weights, ConvBackwardWeightsArgs{all, 1, x.data(), dy.data(), dw.data()});
        bool same = true;
        for (int64_t channel = 0; channel < c; ++channel) {
          const auto of = [&](const Guarded<float>& values) {
            Guarded<float> out(values.size() / c);
            for (int64_t i = 0; i < out.size(); ++i) out[i] = values[i * c + channel];
            return out;
          };
          Guarded<float> own_x = of(x), own_w = of(w), own_dy = of(dy), own_y = of(y), own_dx = of(dx), own_dw = of(dw);
          run(t.conv_forward_tasks, t.conv_forward,
              ConvForwardArgs{one, own_x.data(), own_w.data(), nullptr, Activation::none, own_y.data()});
          run(t.conv_backward_data_tasks, t.conv_backward_data, ConvBackwardDataArgs{one, own_dy.data(), own_w.data(), own_dx.data()});
          run(t.conv_backward_weights_tasks, t.conv_backward_weights,
              ConvBackwardWeightsArgs{one, 1, own_x.data(), own_dy.data(), own_dw.data()});
          same = same && same_bits(own_y, of(y)) && same_bits(own_dx, of(dx)) && same_bits(own_dw, of(dw));
        }
        CHECK_TEXT(same, text(t, "depthwise of special values", {stride, c, below}));
      }
    }
  });
}

// Few channels on one side and wide zeros around the image: rows of several images are computed together where there are as many, with the
// bits of each alone, special values included.
LW_TEST(images_together) {
  for_each_table([](const KernelTable& t) {
    constexpr float kInf = std::numeric_limits<float>::infinity();
    const float special[] = {0.0f, -0.0f, 1.5f, -1e-30f, 1e-30f, -2.25f, kInf, std::numeric_limits<float>::quiet_NaN()};
    Source source(7);
    for (int64_t n : {2, 3, 4, 7, 8, 9, 17})
      for (int64_t few : {1, 2, 3, 5, 6, 8})
        for (int64_t below : {0, 6, 8}) {
          const int64_t size = 4 + source.below(12), k = 3 + 2 * source.below(2), many = 1 + source.below(20);
          const auto pick = [&](int64_t count) {
            Guarded<float> out(count);
            for (int64_t i = 0; i < count; ++i) out[i] = below == 0 ? source.uniform(-1, 1) : special[source.below(below)];
            return out;
          };
          const ConvShape data = square(n, size + k - 1, few, many, k).s, forward = square(n, size, many, few, k, 1, k - 1).s;
          const int64_t dx_size = data.h * data.w * few, dy_size = data.oh * data.ow * many;
          const int64_t x_size = size * size * many, y_size = forward.oh * forward.ow * few;
          Guarded<float> w = pick(k * k * few * many), dy = pick(n * dy_size), x = pick(n * x_size), bias = pick(few);
          Guarded<float> dx = unwritten(n * dx_size), y = unwritten(n * y_size), alone_dx = unwritten(dx_size), alone_y = unwritten(y_size);
          run(t.conv_backward_data_tasks, t.conv_backward_data, ConvBackwardDataArgs{data, dy.data(), w.data(), dx.data()});
          run(t.conv_forward_tasks, t.conv_forward, ConvForwardArgs{forward, x.data(), w.data(), bias.data(), Activation::relu, y.data()});
          bool same = dx.intact() && y.intact();
          for (int64_t i = 0; i < n; ++i) {
            ConvShape one = data, one_forward = forward;
            one.n = one_forward.n = 1;
            run(t.conv_backward_data_tasks, t.conv_backward_data,
                ConvBackwardDataArgs{one, dy.data() + i * dy_size, w.data(), alone_dx.data()});
            run(t.conv_forward_tasks, t.conv_forward,
                ConvForwardArgs{one_forward, x.data() + i * x_size, w.data(), bias.data(), Activation::relu, alone_y.data()});
            same = same && same_bits(dx.data() + i * dx_size, alone_dx.data(), dx_size);
            same = same && same_bits(y.data() + i * y_size, alone_y.data(), y_size);
          }
          CHECK_TEXT(same, text(t, "images together: n, few, many, size, kernel, values", {n, few, many, size, k, below}));
        }
  });
  for (int64_t n : {5, 12}) check(square(n, 14, 6, 16, 5)), check(square(n, 10, 16, 6, 5, 1, 4));
}

LW_TEST(epilogues) {
  for (Activation activation : {Activation::none, Activation::relu, Activation::sigmoid, Activation::tanh})
    for (bool bias : {false, true})
      for (int64_t oc : {1, 5, 40}) {
        Problem q = square(2, 7, 6, oc, 3, 1, 1);
        q.activation = activation, q.bias = bias;
        check(q);
        q.s.groups = oc == 1 ? 1 : oc == 5 ? 1 : 2;
        q.s.kh = 0;  // bias alone
        check(q);
      }
}

LW_TEST(parts) {
  for (int64_t parts : {1, 2, 3, 7, 100})
    for (int64_t oc : {3, 20}) {
      Problem q = square(3, 6, 5, oc, 3, 1, 1);
      q.parts = parts;
      check(q);
    }
}

// Parts that are whole images, of few output channels: two are summed at once.
LW_TEST(parts_by_twos) {
  for (int64_t parts : {2, 3, 4})
    for (int64_t oc : {1, 2, 3, 4, 5, 8, 9})
      for (const Problem& shape :
           {square(parts, 6, 1, oc, 5, 1, 2), square(2 * parts, 7, 3, oc, 3, 1, 1), square(parts, 21, 1, oc, 3, 1, 1),
            square(parts, 43, 2, oc, 3, 2, 1), square(3 * parts, 13, 5, oc, 4, 1, 0, 1, 2)}) {
        Problem q = shape;
        q.parts = parts;
        check(q);
      }
}

// Outputs that see padding alone, kernels and strides beyond the image, empty extents, sizes up to the largest the decoder lets through.
LW_TEST(any_geometry) {
  constexpr int64_t kHuge = INT32_MAX;
  Problem q = square(1, 5, 3, 4, 3, 1, 1);
  for (int64_t pad : {int64_t{7}, int64_t{1000}, kHuge}) {
    Problem far = q;
    far.s.pad_top = pad;
    check(far);
    far.s.pad_left = pad;
    check(far);
  }
  for (int64_t stride : {int64_t{5}, int64_t{100}, kHuge - 1, kHuge}) {
    Problem far = q;
    far.s.stride_h = stride;
    check(far);
    far.s.stride_w = stride, far.s.pad_left = 2;
    check(far);
    far.s.dilation_h = kHuge, far.s.dilation_w = 3;
    check(far);
    far.s.pad_top = kHuge;
    check(far);
  }
  Problem channels = square(1, 5, 3, 3, 3, 1, 1, 3);
  for (int64_t far : {int64_t{1000}, kHuge}) {
    channels.s.pad_top = far;
    check(channels);
    channels.s.stride_w = far;
    check(channels);
    channels.s.dilation_h = channels.s.dilation_w = far;
    check(channels);
    channels.s.pad_left = far;
    check(channels);
  }
  for (int64_t ConvShape::*extent : {&ConvShape::n, &ConvShape::h, &ConvShape::w, &ConvShape::c, &ConvShape::oh, &ConvShape::ow,
                                     &ConvShape::oc, &ConvShape::kh, &ConvShape::kw}) {
    Problem empty = q;
    empty.s.*extent = 0;
    check(empty);
    if (extent == &ConvShape::c || extent == &ConvShape::oc) continue;
    empty.s.oc = empty.s.groups = 3;
    check(empty);
  }
}

// No memory backs the other extents of an empty image, so they must not be run through.
LW_TEST(empty_and_endless) {
  constexpr int64_t kHuge = INT32_MAX;
  for_each_table([](const KernelTable& t) {
    const auto run_all = [&](const ConvShape& s, float* y, float* dx, float* dw) {
      const ConvForwardArgs forward = {s, nullptr, nullptr, nullptr, Activation::none, y};
      run(t.conv_forward_tasks, t.conv_forward, forward);
      const ConvBackwardDataArgs data = {s, nullptr, nullptr, dx};
      run(t.conv_backward_data_tasks, t.conv_backward_data, data);
      const ConvBackwardWeightsArgs weights = {s, 1, nullptr, nullptr, dw};
      run(t.conv_backward_weights_tasks, t.conv_backward_weights, weights);
    };
    Guarded<float> y = unwritten(4), dx = unwritten(4), dw = unwritten(4);
    run_all({kHuge, kHuge, 0, kHuge, kHuge, kHuge, 0, kHuge, kHuge, 1, 1, 1, 1, 0, 0, 1}, nullptr, nullptr, nullptr);
    run_all({0, kHuge, kHuge, kHuge, kHuge, kHuge, 0, kHuge, kHuge, 1, 1, 1, 1, 0, 0, 1}, nullptr, nullptr, nullptr);
    run_all({1, 2, 2, 0, 2, 2, 1, kHuge, kHuge, 1, 1, 1, 1, 0, 0, 1}, y.data(), nullptr, nullptr);
    run_all({1, 2, 2, 1, kHuge, kHuge, 0, kHuge, kHuge, 2, 3, 1, 1, 0, 0, 1}, nullptr, dx.data(), nullptr);
    run_all({1, 2, 2, 1, 0, kHuge, 1, 2, 2, kHuge, kHuge, 1, 1, 0, 0, 1}, nullptr, dx.data(), dw.data());
    for (int64_t i = 0; i < 4; ++i) CHECK(y[i] == 0 && dx[i] == 0 && dw[i] == 0);
    CHECK(y.intact() && dx.intact() && dw.intact());
  });
}

LW_TEST(several_blocks) {
  check(square(1, 22, 45, 34, 3, 1, 1));   // depth in two blocks, rows in several
  check(square(6, 30, 1, 2, 2, 1, 0));     // more rows than a transposed block
  check(square(1, 30, 2, 40, 3, 2, 1));    // more pixels than a depth block
  check(square(1, 6, 150, 140, 2, 2, 0));  // columns of a phase in two blocks
  check(square(5, 20, 1, 1, 1, 1, 0));     // a depth of one
  check(square(11, 100, 1, 1, 1, 2, 0));
  check(square(2, 23, 40, 20, 3, 2, 1));  // many channels in padded rows, two panels of columns or one
  check(square(1, 24, 50, 32, 5, 1, 2));
  check(square(1, 12, 330, 17, 5, 1, 1));  // too deep for that
}

// Of blocks of rows that share no panels of B a row or two are left over, on one row of the table or another: nothing beyond the result is
// written, and nothing within it that is another task's.
LW_TEST(rows_left_over) {
  const auto check_bits = [](const KernelTable& t, const char* pass, const Problem& q, int64_t size, const auto& run_pass) {
    constexpr int64_t kBeyond = 8192;
    Guarded<float> whole = unwritten(size + kBeyond), parts = unwritten(size + kBeyond);
    run_pass(whole.data(), 0);
    run_pass(parts.data(), 3);
    int64_t written = 0;
    for (int64_t i = 0; i < size + kBeyond; ++i) written += !std::isnan(whole[i]) + !std::isnan(parts[i]);
    CHECK_TEXT(same_bits(whole, parts) && written == 2 * size && whole.intact() && parts.intact(), describe(t, pass, q));
  };
  Source source(17);
  for (const Problem& q : {square(1, 71, 256, 128, 3, 1, 1), square(1, 55, 256, 128, 3, 1, 1)}) {
    const ConvShape& s = q.s;
    const auto x = exactly(source, s.n * s.h * s.w * s.c), w = exactly(source, s.kh * s.kw * s.c * s.oc);
    for_each_table([&](const KernelTable& t) {
      check_bits(t, "forward", q, s.n * s.oh * s.ow * s.oc, [&](float* out, uint64_t split) {
        run(t.conv_forward_tasks, t.conv_forward, ConvForwardArgs{s, x.get(), w.get(), nullptr, Activation::none, out}, split);
      });
    });
  }
  for (const Problem& q : {square(32, 7, 350, 128, 5, 1, 2), square(16, 7, 683, 256, 3, 1, 1)}) {
    const ConvShape& s = q.s;
    const auto x = exactly(source, s.n * s.h * s.w * s.c), dy = exactly(source, s.n * s.oh * s.ow * s.oc);
    for_each_table([&](const KernelTable& t) {
      check_bits(t, "backward weights", q, s.kh * s.kw * s.c * s.oc, [&](float* out, uint64_t split) {
        run(t.conv_backward_weights_tasks, t.conv_backward_weights, ConvBackwardWeightsArgs{s, 1, x.get(), dy.get(), out}, split);
      });
    });
  }
}

LW_TEST(random_problems) {
  Source source(5);
  for (int round = 0; round < 400; ++round) {
    const auto of = [&](int64_t n) { return source.below(n); };
    Problem q;
    q.s.groups = of(3) == 0 ? 1 + of(4) : 1;
    q.s = {1 + of(3),
           of(10),
           of(14),
           q.s.groups * of(of(4) == 0 ? 40 : 8),
           of(9),
           of(14),
           q.s.groups * of(of(3) == 0 ? 40 : 9),
           of(5),
           of(5),
           1 + of(4),
           1 + of(4),
           1 + of(3),
           1 + of(3),
           of(5),
           of(5),
           q.s.groups};
    q.parts = 1 + of(4), q.bias = of(2) == 0, q.activation = Activation(of(4));
    check(q);
  }
}
