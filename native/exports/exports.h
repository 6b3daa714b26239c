// The families of native functions, in the order of lib/native.ts.
#pragma once
#include <span>

#include "../bind.h"

namespace lanewise {

std::span<const js::Function> info_functions();
std::span<const js::Function> memory_functions();
std::span<const js::Function> program_functions();
std::span<const js::Function> kernel_functions();

}  // namespace lanewise
