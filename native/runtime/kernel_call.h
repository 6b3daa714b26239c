// A kernel and its arguments without their types: what an instruction stores.
#pragma once
#include <type_traits>

#include "operands.h"
#include "table.h"

namespace lanewise {

template <class Args>
struct KernelOf;
#define LW_KERNEL(kernel, Args)                                  \
  template <>                                                    \
  struct KernelOf<Args> {                                        \
    static constexpr const char* kName = #kernel;                \
    static constexpr auto kTasks = &KernelTable::kernel##_tasks; \
    static constexpr auto kRun = &KernelTable::kernel;           \
  };                                                             \
  static_assert(std::is_trivially_copyable_v<Args>);
#include "kernels.def"
#undef LW_KERNEL

using RunKernel = int64_t (*)(const KernelTable& table, const void* args, int64_t begin, int64_t end, void* scratch);

template <class Args>
int64_t run_kernel(const KernelTable& table, const void* args, int64_t begin, int64_t end, void* scratch) {
  return (table.*KernelOf<Args>::kRun)(*static_cast<const Args*>(args), begin, end, scratch);
}

// What the pool divides.
struct KernelCall {
  const KernelTable* table;
  RunKernel run;
  const void* args;

  static int64_t part(const void* context, int64_t begin, int64_t end, void* scratch) {
    const auto& call = *static_cast<const KernelCall*>(context);
    return call.run(*call.table, call.args, begin, end, scratch);
  }
};

// 0 where nothing is written: then sizes that meet no memory may be anything, and the kernel is not asked.
template <class Args>
int64_t count_tasks(const KernelTable& table, const Args& args, const Operands& touched) {
  bool writes = false;
  for (const Operand& operand : touched) writes |= operand.access == Access::write && operand.span > 0;
  return writes ? (table.*KernelOf<Args>::kTasks)(args) : 0;
}

// Waking the pool costs about 2 µs when it is awake: below this the caller is done sooner alone.
constexpr double kParallelCost = 5000;

inline bool worth_sharing(double cost, int64_t tasks) { return tasks > 1 && cost >= kParallelCost; }

}  // namespace lanewise
