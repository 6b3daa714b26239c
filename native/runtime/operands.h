// What each kernel touches, from the sizes and strides in its arguments alone: the one description behind the decoder's checks,
// the raw exports' checks and the debug run. Sizes must be non-negative; whatever overflows counts as kTooLarge.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "kernels/args.h"

namespace lanewise {

enum class Access : uint8_t {
  read,
  read_in_place,  // may be exactly the block a result of the same element size is written to
  write,
};

struct Operand {
  const char* name;
  size_t field;           // where in the arguments its pointer stands
  int64_t element_bytes;  // also its alignment
  int64_t span;           // elements from its first to behind its last
  Access access;
};

struct Operands {
  static constexpr int kMax = kMaxMapInputs + kMaxMapOutputs;
  int count = 0;
  Operand list[kMax];

  const Operand* begin() const { return list; }
  const Operand* end() const { return list + count; }
};

#define LW_KERNEL(kernel, Args) Operands operands(const Args& args);
#include "kernels.def"
#undef LW_KERNEL

// How many runs of `inner` products a batch has.
constexpr int64_t outer(const GemmArgs& g) { return g.inner == 0 ? 0 : g.batch / g.inner; }

// Null, or what is wrong with an output whose elements would share an address.
const char* layout_problem(const GemmArgs& args);
const char* layout_problem(const CopyArgs& args);
template <class Args>
const char* layout_problem(const Args&) {
  return nullptr;
}

// A kernel's work may come in rounds, each divided into tasks and finished before the next: `round` in its arguments says which.
int64_t rounds(const ColumnMomentsArgs& args);
int64_t rounds(const ColumnProductsArgs& args);
int64_t rounds(const RecurrentForwardArgs& args);
int64_t rounds(const RecurrentBackwardArgs& args);
template <class Args>
int64_t rounds(const Args&) {
  return 1;
}

inline int64_t element_bytes(DType dtype) { return dtype == DType::u8 ? 1 : 4; }

}  // namespace lanewise
