// oneDNN, by BENCH_VARIANT: `sgemm` is its BLAS-like call, `matmul` its primitive on the same plain layouts.
#include <dnnl.hpp>

#include "gemm.h"

namespace {

std::function<void()> sgemm(const bench::Gemm& g) {
  return [g] {
    for (int64_t i = 0; i < g.batch; ++i) {
      dnnl_sgemm(g.transpose_a ? 'T' : 'N', g.transpose_b ? 'T' : 'N', g.m, g.n, g.k, 1, g.a + i * g.batch_a, g.lda, g.b + i * g.batch_b,
                 g.ldb, 0, g.c + i * g.batch_c, g.ldc);
    }
  };
}

std::function<void()> matmul(const bench::Gemm& g) {
  using dnnl::memory;
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  static dnnl::stream stream(engine);
  const auto matrix = [&](const float* data, int64_t rows, int64_t columns, int64_t batch_stride, int64_t row_stride,
                          int64_t column_stride) {
    const memory::desc desc({g.batch, rows, columns}, memory::data_type::f32, memory::dims{batch_stride, row_stride, column_stride});
    return memory(desc, engine, const_cast<float*>(data));
  };
  const memory a = matrix(g.a, g.m, g.k, g.batch_a, g.transpose_a ? 1 : g.lda, g.transpose_a ? g.lda : 1);
  const memory b = matrix(g.b, g.k, g.n, g.batch_b, g.transpose_b ? 1 : g.ldb, g.transpose_b ? g.ldb : 1);
  const memory c = matrix(g.c, g.m, g.n, g.batch_c, g.ldc, 1);
  const dnnl::matmul product({dnnl::matmul::desc(a.get_desc(), b.get_desc(), c.get_desc()), engine});
  return [=] {
    product.execute(stream, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}});
    stream.wait();
  };
}

}  // namespace

int main() {
  const char* variant = std::getenv("BENCH_VARIANT");
  return bench::serve_gemm(variant != nullptr && std::string(variant) == "matmul" ? matmul : sgemm);
}
