#include <limits>

#include "../dispatch.h"
#include "../runtime/processors.h"
#include "../runtime/threads.h"
#include "exports.h"

namespace lanewise {
namespace {

napi_value cpu_info(Environment& environment) {
  const napi_env env = environment.env;
  const KernelTable& table = kernel_table();
  std::vector<std::string> available;
  for (const KernelTable* row : available_tables()) available.push_back(row->isa);
  napi_value info = nullptr;
  js::require(env, napi_create_object(env, &info));
  js::set(env, info, "isa", js::to_value(env, std::string(table.isa)));
  js::set(env, info, "available", js::to_value(env, available));
  js::set(env, info, "threads", js::to_value(env, usable_processors()));
  js::set(env, info, "lanes", js::to_value(env, table.lanes));
  return info;
}

double get_threads(Environment&) { return ThreadPool::instance().threads(); }

void set_threads(Environment&, js::Integer<1, kMaxThreads> count) { ThreadPool::instance().set_threads(static_cast<int>(count)); }

struct Chains {
  const KernelTable* table;
  int64_t rounds;
  static int64_t run(const void* context, int64_t begin, int64_t end, void* scratch) {
    const auto& chains = *static_cast<const Chains*>(context);
    for (int64_t task = begin; task < end; ++task) chains.table->fma_chains(chains.rounds, scratch);
    return kOk;
  }
};

// One task a thread; returns the floating-point operations of them all.
double fma_chains(Environment& environment, js::Integer<0, 1 << 30> rounds) {
  const KernelTable& table = kernel_table();
  ThreadPool& pool = ThreadPool::instance();
  const Chains chains{&table, rounds};
  const ThreadPool::ActiveRun active(pool);
  const int threads = pool.threads();
  pool.parallel(threads, std::numeric_limits<double>::infinity(), Chains::run, &chains, environment.scratch());
  return static_cast<double>(table.chain_flops) * static_cast<double>(rounds.value) * threads;
}

constexpr js::Function kFunctions[] = {
    js::function<cpu_info>("cpuInfo", ""),
    js::function<get_threads>("getThreads", ""),
    js::function<set_threads>("setThreads", "count"),
    js::function<fma_chains>("fmaChains", "rounds"),
};

}  // namespace

std::span<const js::Function> info_functions() { return kFunctions; }

}  // namespace lanewise
