// How long each kernel takes on one core, roughly, in nanoseconds: decides only whether waking other threads can pay.
#pragma once
#include "kernels/args.h"

namespace lanewise {

#define LW_KERNEL(kernel, Args) double cost(const Args& args);
#include "kernels.def"
#undef LW_KERNEL

}  // namespace lanewise
