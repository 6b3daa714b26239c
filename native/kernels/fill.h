// out[i] = value.
#pragma once

#include "args.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kFillTask = 8192;

int64_t fill_tasks(const FillArgs& args) { return (args.count + kFillTask - 1) / kFillTask; }

int64_t fill(const FillArgs& args, int64_t begin, int64_t end, void*) {
  const int64_t stop = end * kFillTask < args.count ? end * kFillTask : args.count;
  const F32 value = set1(args.value);
  int64_t i = begin * kFillTask;
  for (; i + kLanes <= stop; i += kLanes) store(args.out + i, value);
  if (i < stop) store_n(args.out + i, value, static_cast<int>(stop - i));
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
