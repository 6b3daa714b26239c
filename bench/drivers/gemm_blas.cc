// OpenBLAS or BLIS, whichever cblas is linked; their environment variables choose kernel and threads.
#include <cblas.h>

#include "gemm.h"

int main() {
  return bench::serve_gemm([](const bench::Gemm& g) -> std::function<void()> {
    if (g.m == 1 && g.batch == 1) {
      return [g] {
        const bool t = g.transpose_b;
        cblas_sgemv(CblasRowMajor, t ? CblasNoTrans : CblasTrans, t ? g.n : g.k, t ? g.k : g.n, 1, g.b, g.ldb, g.a,
                    g.transpose_a ? g.lda : 1, 0, g.c, 1);
      };
    }
    return [g] {
      for (int64_t i = 0; i < g.batch; ++i) {
        cblas_sgemm(CblasRowMajor, g.transpose_a ? CblasTrans : CblasNoTrans, g.transpose_b ? CblasTrans : CblasNoTrans, g.m, g.n, g.k, 1,
                    g.a + i * g.batch_a, g.lda, g.b + i * g.batch_b, g.ldb, 0, g.c + i * g.batch_c, g.ldc);
      }
    };
  });
}
