// One row of kernels per instruction set. Every ISA object exports exactly one such table and nothing else.
#pragma once
#include "kernels/args.h"

namespace lanewise {

struct KernelTable {
  const char* isa;
  int32_t lanes;
  bool fused;           // true: real FMA, so the bits equal those of every other fused row
  int32_t chain_flops;  // floating-point operations of one round of fma_chains
  void (*fma_chains)(int64_t rounds, void* scratch);
#define LW_KERNEL(name, Args)           \
  int64_t (*name##_tasks)(const Args&); \
  int64_t (*name)(const Args&, int64_t begin, int64_t end, void* scratch);
#include "kernels.def"
#undef LW_KERNEL
};

// Each is defined in isa/<name>.cc; only those built for this architecture exist.
extern "C" const KernelTable lanewise_table_baseline;
extern "C" const KernelTable lanewise_table_avx2;
extern "C" const KernelTable lanewise_table_avx512;
extern "C" const KernelTable lanewise_table_neon;

}  // namespace lanewise
