// Which row of kernels this process runs: decided once, from what the CPU and the operating system can do.
#pragma once
#include <string>
#include <vector>

#include "table.h"

namespace lanewise {

// Every row this machine can run, best first.
const std::vector<const KernelTable*>& available_tables();

// The row in use: the best one, or the one LANEWISE_ISA names. Throws if it names none of available_tables().
const KernelTable& kernel_table();

// `wanted` empty: the best row.
const KernelTable& find_table(const std::string& wanted);

}  // namespace lanewise
