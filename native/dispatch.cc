#include "dispatch.h"

#include <stdint.h>
#include <stdlib.h>

#include "runtime/error.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace lanewise {
namespace {

#if defined(__x86_64__)
struct Registers {
  uint32_t eax, ebx, ecx, edx;
};

Registers cpuid(uint32_t leaf, uint32_t subleaf) {
  Registers r{};
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

// Which register states the operating system saves (XCR0); only legal where OSXSAVE is set.
uint64_t saved_states() {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

bool all(uint32_t value, uint32_t bits) { return (value & bits) == bits; }

struct Features {
  bool avx2 = false, avx512 = false;
};

// Feature bits, never model numbers: hypervisors mask features and tables of models rot.
Features detect() {
  Features found;
  if (cpuid(0, 0).eax < 7) return found;
  const Registers basic = cpuid(1, 0), extended = cpuid(7, 0);
  constexpr uint32_t kFma = 1u << 12, kOsxsave = 1u << 27, kAvx = 1u << 28;          // leaf 1, ecx
  constexpr uint32_t kAvx2 = 1u << 5, kBmi2 = 1u << 8;                               // leaf 7, ebx
  constexpr uint32_t kF = 1u << 16, kDq = 1u << 17, kBw = 1u << 30, kVl = 1u << 31;  // leaf 7, ebx
  constexpr uint64_t kYmmState = 0x6, kZmmState = 0xe6;                              // XCR0
  if (!all(basic.ecx, kFma | kOsxsave | kAvx)) return found;
  const uint64_t states = saved_states();
  found.avx2 = all(extended.ebx, kAvx2 | kBmi2) && (states & kYmmState) == kYmmState;
#if defined(__APPLE__)
  const bool zmm = true;  // macOS turns the ZMM state on at the first use
#else
  const bool zmm = (states & kZmmState) == kZmmState;
#endif
  found.avx512 = found.avx2 && zmm && all(extended.ebx, kF | kDq | kBw | kVl);
  return found;
}
#endif

std::vector<const KernelTable*> list_tables() {
  std::vector<const KernelTable*> tables;
#if defined(__x86_64__)
  const Features features = detect();
  if (features.avx512) tables.push_back(&lanewise_table_avx512);
  if (features.avx2) tables.push_back(&lanewise_table_avx2);
  tables.push_back(&lanewise_table_baseline);
#else
  tables.push_back(&lanewise_table_neon);
#endif
  return tables;
}

}  // namespace

const std::vector<const KernelTable*>& available_tables() {
  static const auto* const tables = new std::vector<const KernelTable*>(list_tables());
  return *tables;
}

const KernelTable& find_table(const std::string& wanted) {
  std::string names;
  for (const KernelTable* table : available_tables()) {
    if (wanted.empty() || wanted == table->isa) return *table;
    names += names.empty() ? "" : ", ";
    names += table->isa;
  }
  throw Error("ERR_LANEWISE_ISA", "LANEWISE_ISA: expected one of " + names + " (what this machine can run), got '" + wanted +
                                      "'. Unset it to use the best one.");
}

const KernelTable& kernel_table() {
  static const KernelTable& table = []() -> const KernelTable& {
    const char* wanted = getenv("LANEWISE_ISA");
    return find_table(wanted ? wanted : "");
  }();
  return table;
}

}  // namespace lanewise
