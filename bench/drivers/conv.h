// Convolution cases: `PASS N H W C OH OW OC KH KW STRIDE_H STRIDE_W PAD_H PAD_W GROUPS PARTS WINOGRAD`; PASS is forward, data or weights
// (the two gradients). Images are [N, H, W, C], weights [KH, KW, C/G, OC]. PARTS is how lanewise divides the pixels of the gradient of the
// weights, WINOGRAD 1 where it convolves by transforms (PARTS are then of tiles). The first result is checked against float64.
#pragma once
#include <cmath>
#include <cstdint>
#include <memory>
#include <stdexcept>

#include "matrix.h"
#include "protocol.h"

namespace bench {

enum class Pass { forward, data, weights };

struct Conv {
  Pass pass;
  int64_t n, h, w, c, oh, ow, oc, kh, kw, stride_h, stride_w, pad_h, pad_w, groups, parts, winograd;
  // What the pass computes is where its result goes, the other two are its inputs.
  float *x, *weights, *y;

  int64_t depth() const { return c / groups; }
  int64_t width() const { return oc / groups; }
  int64_t x_size() const { return n * h * w * c; }
  int64_t weights_size() const { return kh * kw * depth() * oc; }
  int64_t y_size() const { return n * oh * ow * oc; }
  const float& x_at(int64_t image, int64_t row, int64_t column, int64_t channel) const {
    return x[((image * h + row) * w + column) * c + channel];
  }
  const float& weights_at(int64_t i, int64_t j, int64_t channel, int64_t out) const {
    return weights[((i * kw + j) * depth() + channel) * oc + out];
  }
  const float& y_at(int64_t image, int64_t row, int64_t column, int64_t out) const {
    return y[((image * oh + row) * ow + column) * oc + out];
  }
};

// A sum of products in float64 and what bounds its error in float32: terms · 2⁻²⁴ · Σ|a·b|.
struct Sum {
  double value = 0, magnitude = 0;
  int64_t terms = 0;

  void add(float a, float b) {
    const double product = double{a} * b;
    value += product;
    magnitude += std::abs(product);
    ++terms;
  }
  double error(float got) const { return std::abs(got - value) / (magnitude * 0x1p-24 * static_cast<double>(terms) + 1e-30); }
};

inline double y_error(const Conv& v, int64_t element) {
  const int64_t out = element % v.oc, j = element / v.oc % v.ow, i = element / v.oc / v.ow % v.oh, image = element / v.oc / v.ow / v.oh;
  Sum sum;
  for (int64_t p = 0; p < v.kh; ++p)
    for (int64_t q = 0; q < v.kw; ++q) {
      const int64_t row = i * v.stride_h - v.pad_h + p, column = j * v.stride_w - v.pad_w + q;
      if (row < 0 || row >= v.h || column < 0 || column >= v.w) continue;
      for (int64_t k = 0; k < v.depth(); ++k)
        sum.add(v.x_at(image, row, column, out / v.width() * v.depth() + k), v.weights_at(p, q, k, out));
    }
  return sum.error(v.y[element]);
}

inline double x_error(const Conv& v, int64_t element) {
  const int64_t channel = element % v.c, column = element / v.c % v.w, row = element / v.c / v.w % v.h, image = element / v.c / v.w / v.h;
  const int64_t first = channel / v.depth() * v.width();
  Sum sum;
  for (int64_t i = 0; i < v.oh; ++i)
    for (int64_t j = 0; j < v.ow; ++j) {
      const int64_t p = row + v.pad_h - i * v.stride_h, q = column + v.pad_w - j * v.stride_w;
      if (p < 0 || p >= v.kh || q < 0 || q >= v.kw) continue;
      for (int64_t out = first; out < first + v.width(); ++out)
        sum.add(v.y_at(image, i, j, out), v.weights_at(p, q, channel % v.depth(), out));
    }
  return sum.error(v.x[element]);
}

inline double weights_error(const Conv& v, int64_t element) {
  const int64_t out = element % v.oc, k = element / v.oc % v.depth(), q = element / v.oc / v.depth() % v.kw;
  const int64_t p = element / v.oc / v.depth() / v.kw;
  Sum sum;
  for (int64_t image = 0; image < v.n; ++image)
    for (int64_t i = 0; i < v.oh; ++i)
      for (int64_t j = 0; j < v.ow; ++j) {
        const int64_t row = i * v.stride_h - v.pad_h + p, column = j * v.stride_w - v.pad_w + q;
        if (row < 0 || row >= v.h || column < 0 || column >= v.w) continue;
        sum.add(v.x_at(image, row, column, out / v.width() * v.depth() + k), v.y_at(image, i, j, out));
      }
  return sum.error(v.weights[element]);
}

// The largest error over elements spread evenly over the result, in units of the bound: a right result stays below 1.
inline double conv_error(const Conv& v) {
  constexpr int64_t kChecks = 512;
  const int64_t elements = v.pass == Pass::forward ? v.y_size() : v.pass == Pass::data ? v.x_size() : v.weights_size();
  const auto error = v.pass == Pass::forward ? y_error : v.pass == Pass::data ? x_error : weights_error;
  const int64_t checks = std::min(elements, kChecks);
  double worst = 0;
  for (int64_t check = 0; check < checks; ++check) {
    const double found = error(v, checks == 1 ? 0 : check * (elements - 1) / (checks - 1));
    worst = std::isnan(found) ? INFINITY : std::max(worst, found);
  }
  return worst;
}

struct ConvPlan {
  std::function<void()> run;
  // Brings the result to the plain layout; not timed. Empty if it is there already.
  std::function<void()> fetch;
};

// `plan` turns a case into the function that computes it; it may throw if it cannot.
inline int serve_conv(const std::function<ConvPlan(const Conv&)>& plan) {
  std::unique_ptr<Matrix> x, weights, y;
  return serve([&](std::istream& request, std::function<void()>& run) -> std::string {
    std::string pass;
    Conv v{};
    request >> pass >> v.n >> v.h >> v.w >> v.c >> v.oh >> v.ow >> v.oc >> v.kh >> v.kw >> v.stride_h >> v.stride_w >> v.pad_h >> v.pad_w >>
        v.groups >> v.parts >> v.winograd;
    if (!request || (pass != "forward" && pass != "data" && pass != "weights")) return "error malformed case";
    v.pass = pass == "forward" ? Pass::forward : pass == "data" ? Pass::data : Pass::weights;
    run = nullptr;
    x = std::make_unique<Matrix>(v.x_size(), 0, 1);
    weights = std::make_unique<Matrix>(v.weights_size(), 0, 2);
    y = std::make_unique<Matrix>(v.y_size(), 0, 3);
    v.x = x->data();
    v.weights = weights->data();
    v.y = y->data();
    try {
      const ConvPlan convolution = plan(v);
      convolution.run();
      if (convolution.fetch) convolution.fetch();
      const double error = conv_error(v);
      if (error > 1) return "error wrong result: " + std::to_string(error) + " times the error bound";
      run = convolution.run;
      return "ok " + std::to_string(error);
    } catch (const std::exception& failure) {
      return std::string("unsupported ") + failure.what();
    }
  });
}

}  // namespace bench
