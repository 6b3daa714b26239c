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

Operands operands(const GemmArgs& args);
Operands operands(const MapArgs& args);
Operands operands(const ReduceArgs& args);
Operands operands(const ArgReduceArgs& args);
Operands operands(const SoftmaxArgs& args);
Operands operands(const CrossEntropyArgs& args);
Operands operands(const CrossEntropyBackwardArgs& args);
Operands operands(const GatherRowsArgs& args);
Operands operands(const ScatterAddRowsArgs& args);
Operands operands(const CopyArgs& args);
Operands operands(const FillArgs& args);
Operands operands(const RandomArgs& args);
Operands operands(const ConvForwardArgs& args);
Operands operands(const ConvBackwardDataArgs& args);
Operands operands(const ConvBackwardWeightsArgs& args);
Operands operands(const Im2colArgs& args);
Operands operands(const Col2imArgs& args);
Operands operands(const MaxPoolArgs& args);
Operands operands(const MaxPoolBackwardArgs& args);
Operands operands(const AvgPoolArgs& args);
Operands operands(const AvgPoolBackwardArgs& args);
Operands operands(const ColumnMomentsArgs& args);
Operands operands(const ColumnProductsArgs& args);
Operands operands(const AffineSampleArgs& args);
Operands operands(const WinogradWeightsArgs& args);
Operands operands(const WinogradConvArgs& args);
Operands operands(const WinogradBackwardWeightsArgs& args);
Operands operands(const WinogradGradientArgs& args);
Operands operands(const RecurrentForwardArgs& args);
Operands operands(const RecurrentBackwardArgs& args);
Operands operands(const RecurrentPanelsArgs& args);
Operands operands(const MergeRowsArgs& args);
Operands operands(const WriteRowsArgs& args);

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

// Rough nanoseconds on one core: decides only whether waking other threads can pay.
double cost(const GemmArgs& args);
double cost(const MapArgs& args);
double cost(const ReduceArgs& args);
double cost(const ArgReduceArgs& args);
double cost(const SoftmaxArgs& args);
double cost(const CrossEntropyArgs& args);
double cost(const CrossEntropyBackwardArgs& args);
double cost(const GatherRowsArgs& args);
double cost(const ScatterAddRowsArgs& args);
double cost(const CopyArgs& args);
double cost(const FillArgs& args);
double cost(const RandomArgs& args);
double cost(const ConvForwardArgs& args);
double cost(const ConvBackwardDataArgs& args);
double cost(const ConvBackwardWeightsArgs& args);
double cost(const Im2colArgs& args);
double cost(const Col2imArgs& args);
double cost(const MaxPoolArgs& args);
double cost(const MaxPoolBackwardArgs& args);
double cost(const AvgPoolArgs& args);
double cost(const AvgPoolBackwardArgs& args);
double cost(const ColumnMomentsArgs& args);
double cost(const ColumnProductsArgs& args);
double cost(const AffineSampleArgs& args);
double cost(const WinogradWeightsArgs& args);
double cost(const WinogradConvArgs& args);
double cost(const WinogradBackwardWeightsArgs& args);
double cost(const WinogradGradientArgs& args);
double cost(const RecurrentForwardArgs& args);
double cost(const RecurrentBackwardArgs& args);
double cost(const RecurrentPanelsArgs& args);
double cost(const MergeRowsArgs& args);
double cost(const WriteRowsArgs& args);

inline int64_t element_bytes(DType dtype) { return dtype == DType::u8 ? 1 : 4; }

}  // namespace lanewise
