// lanewise's GEMM from the static libraries the addon is linked from, run on its own pool.
#include "dispatch.h"
#include "gemm.h"
#include "runtime/cost.h"
#include "runtime/threads.h"

namespace {

using lanewise::GemmArgs;

int64_t run_tasks(const void* args, int64_t begin, int64_t end, void* scratch) {
  return lanewise::kernel_table().gemm(*static_cast<const GemmArgs*>(args), begin, end, scratch);
}

}  // namespace

int main() {
  lanewise::ThreadPool& pool = lanewise::ThreadPool::instance();
  const int threads = bench::threads();
  pool.set_threads(threads);
  void* const scratch = std::aligned_alloc(64, lanewise::kScratchBytes);
  return bench::serve_gemm([&, threads](const bench::Gemm& g) -> std::function<void()> {
    GemmArgs args{};
    args.m = g.m;
    args.n = g.n;
    args.k = g.k;
    args.batch = args.inner = g.batch;
    args.a = g.a;
    args.a_row = g.transpose_a ? 1 : g.lda;
    args.a_col = g.transpose_a ? g.lda : 1;
    args.a_batch = g.batch_a;
    args.b = g.b;
    args.b_row = g.transpose_b ? 1 : g.ldb;
    args.b_col = g.transpose_b ? g.ldb : 1;
    args.b_batch = g.batch_b;
    args.c = g.c;
    args.c_row = g.ldc;
    args.c_batch = g.batch_c;
    args.activation = lanewise::Activation::none;
    const int64_t tasks = lanewise::kernel_table().gemm_tasks(args);
    const double cost = lanewise::cost(args);
    return [&pool, args, tasks, cost, threads, scratch] {
      if (threads == 1) {
        run_tasks(&args, 0, tasks, scratch);
        return;
      }
      const lanewise::ThreadPool::ActiveRun active(pool);
      pool.parallel(tasks, cost, run_tasks, &args, scratch);
    };
  });
}
