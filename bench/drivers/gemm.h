// GEMM cases: `FORM M N K BATCH PITCH OFFSET`. FORM is NN, NT or TN, row-major; PITCH is the least leading dimension (0: tight),
// OFFSET how many floats every matrix starts beyond a 64-byte boundary. The first product is checked against float64.
#pragma once
#include <cmath>
#include <cstdint>
#include <memory>
#include <stdexcept>

#include "matrix.h"
#include "protocol.h"

namespace bench {

struct Gemm {
  bool transpose_a, transpose_b;
  int64_t m, n, k, batch;
  int64_t lda, ldb, ldc;              // leading dimensions of the matrices as stored
  int64_t batch_a, batch_b, batch_c;  // from one matrix of the batch to the next
  const float *a, *b;
  float* c;
};

// The largest error over up to 4096 elements, in units of K · 2⁻²⁴ · Σ|a·b|: a right product stays below 1.
inline double gemm_error(const Gemm& g) {
  const int64_t elements = g.batch * g.m * g.n, checks = std::min<int64_t>(elements, 4096);
  double worst = 0;
  for (int64_t check = 0; check < checks; ++check) {
    const int64_t element = checks == 1 ? 0 : check * (elements - 1) / (checks - 1);
    const int64_t batch = element / (g.m * g.n), i = element / g.n % g.m, j = element % g.n;
    const float *a = g.a + batch * g.batch_a, *b = g.b + batch * g.batch_b;
    double sum = 0, magnitude = 0;
    for (int64_t p = 0; p < g.k; ++p) {
      const double product =
          double{g.transpose_a ? a[p * g.lda + i] : a[i * g.lda + p]} * (g.transpose_b ? b[j * g.ldb + p] : b[p * g.ldb + j]);
      sum += product;
      magnitude += std::abs(product);
    }
    const double error = std::abs(g.c[batch * g.batch_c + i * g.ldc + j] - sum) / (magnitude * 0x1p-24 * static_cast<double>(g.k) + 1e-30);
    worst = std::isnan(error) ? INFINITY : std::max(worst, error);
  }
  return worst;
}

// `plan` turns a case into the function that computes it; it may throw if it cannot.
inline int serve_gemm(const std::function<std::function<void()>(const Gemm&)>& plan) {
  std::unique_ptr<Matrix> a, b, c;
  return serve([&](std::istream& request, std::function<void()>& run) -> std::string {
    std::string form;
    int64_t pitch, offset;
    Gemm g{};
    request >> form >> g.m >> g.n >> g.k >> g.batch >> pitch >> offset;
    if (!request || (form != "NN" && form != "NT" && form != "TN")) return "error malformed case";
    g.transpose_a = form == "TN";
    g.transpose_b = form == "NT";
    g.lda = std::max(pitch, g.transpose_a ? g.m : g.k);
    g.ldb = std::max(pitch, g.transpose_b ? g.k : g.n);
    g.ldc = std::max(pitch, g.n);
    g.batch_a = g.lda * (g.transpose_a ? g.k : g.m);
    g.batch_b = g.ldb * (g.transpose_b ? g.n : g.k);
    g.batch_c = g.ldc * g.m;
    a = std::make_unique<Matrix>(g.batch * g.batch_a, offset, 1);
    b = std::make_unique<Matrix>(g.batch * g.batch_b, offset, 2);
    c = std::make_unique<Matrix>(g.batch * g.batch_c, offset, 3);
    g.a = a->data();
    g.b = b->data();
    g.c = c->data();
    try {
      const std::function<void()> product = plan(g);
      product();
      const double error = gemm_error(g);
      if (error > 1) return "error wrong result: " + std::to_string(error) + " times the error bound";
      run = product;
      return "ok " + std::to_string(error);
    } catch (const std::exception& failure) {
      return std::string("unsupported ") + failure.what();
    }
  });
}

}  // namespace bench
