// What the two ways of fuzzing the decoder share: valid streams to begin with, and running what was decoded on blocks of exactly the
// declared size, so that a sanitizer sees the first byte beyond.
#pragma once
#include <stdlib.h>
#include <string.h>

#include <algorithm>

#include "runtime/run.h"
#include "runtime/size.h"
#include "stream_writer.h"

namespace lanewise::test {

// SplitMix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  size_t below(size_t n) { return static_cast<size_t>(next() % n); }

 private:
  uint64_t state_;
};

// Every opcode at least once, ranks 1 to 6, every dtype, a moving memory, both sides of the commit.
inline std::vector<Words> valid_streams() {
  const std::vector<Declared> memories = {{4096}, {1024}, {256, 64}, {1024, 0, true}, {64, 16, true}};
  const Words strided_map = {2, 0, 3, 2, 3,  4,  3, 1, 0, 0,  12, 4,  1,  1, 64, 1,   0, 0, 1, 2,    0, 2, 0, 1,    0, 1, 0.25,
                             3, 0, 0, 1, -1, 28, 3, 4, 2, 15, 5,  -1, -1, 3, 0,  512, 0, 6, 0, 1024, 1, 5, 0, 2048, 2, 4};
  const Words batched_gemm = {1, 0, 3, 0, 1, 0, 0, 256, 1, 512, 3, 5, 4, 2, 2, 4, 1, 12, 24, 1, 4, 0, 20, 10, 5, 30, 1};
  const Words rank6_copy = {10, 0, 4, 6, 2, 1, 2, 2, 1, 3, 1, 0, 12, 12, 6, 3, 3, 1, 0, 0, 1, 1, 4, 2, 1, 8};
  const Words byte_copy = {10, 0, 1, 2, 4, 5, 2, 3, 5, 1, 0, 7, 1, 4};
  return {
      stream(memories,
             {gemm({0, 0}, {1, 0}, {1, 256}, 4, 5, 6), map({0, 512}, {{0, 0}}, 20, {1, 2}, {{MapOp::fma, 0, 1, 2}, {MapOp::tanh, 3}}),
              fill({3, 0}, 16, 0.5)},
             2),
      stream(memories, {strided_map, batched_gemm}, 1),
      stream(memories, {rank6_copy, byte_copy, transpose({3, 0}, {1, 0}, 3, 7)}, 3),
      stream(memories,
             {softmax(SoftmaxKind::softmax, {0, 0}, {0, 0}, 4, 8), softmax(SoftmaxKind::log_sum_exp, {0, 256}, {0, 0}, 4, 8),
              reduce(ReduceKind::mean, {0, 512}, {0, 0}, 2, 4, 4), arg_reduce({0, 768}, {0, 0}, 4, 8), random({4, 0}, 16)},
             3),
      stream(memories,
             {cross_entropy({0, 0}, {1, 0}, {2, 0}, 4, 8), cross_entropy_backward({1 + 2, 0}, {1, 0}, {2, 0}, {0, 0}, 4, 8),
              softmax_backward(true, {0, 512}, {1, 0}, {1, 128}, 4, 8), gather_rows({0, 256}, {1, 0}, {2, 0}, 4, 16, 16),
              scatter_add_rows({0, 1024}, {1, 0}, {2, 0}, 4, 8, 8), random({3, 0}, 8)},
             4),
      // 1 image of 4×4×2 to 2×2×4 by 3×3 taps in 2 groups, its gradients, and pooling it with 3×3 windows.
      stream(memories,
             {with_operands(13, {{0, 0}, {1, 0}, {1, 128}, {1, 512}}, {1, 4, 4, 2, 2, 2, 4, 3, 3, 2, 2, 1, 1, 1, 1, 2, 1}),
              with_operands(14, {{0, 128}, {0, 0}, {1, 128}}, {1, 4, 4, 2, 2, 2, 4, 3, 3, 2, 2, 1, 1, 1, 1, 2}),
              with_operands(15, {{0, 256}, {1, 0}, {0, 0}}, {1, 4, 4, 2, 2, 2, 4, 3, 3, 2, 2, 1, 1, 1, 1, 2, 2})},
             3),
      stream(memories,
             {with_operands(16, {{0, 0}, {1, 0}}, {1, 4, 4, 2, 2, 2, 2, 3, 3, 1, 1, 1, 1, 0, 0, 1}),
              with_operands(17, {{0, 512}, {1, 0}}, {1, 4, 4, 2, 2, 2, 2, 3, 3, 1, 1, 1, 1, 0, 0, 1}),
              with_operands(18, {{0, 1024}, {0, 1280}, {1, 0}}, {1, 4, 4, 2, 2, 2, 3, 3, 2, 2, 1, 1}),
              with_operands(19, {{0, 0}, {0, 1024}, {0, 1280}}, {1, 4, 4, 2, 2, 2, 3, 3, 2, 2, 1, 1}),
              with_operands(20, {{0, 1536}, {1, 0}}, {1, 4, 4, 2, 2, 2, 3, 3, 2, 2, 1, 1, 1}),
              with_operands(21, {{0, 2048}, {0, 1536}}, {1, 4, 4, 2, 2, 2, 3, 3, 2, 2, 1, 1, 0})},
             6),
      stream(memories,
             {with_operands(22, {{0, 0}, {0, 64}, {0, 2048}, {1, 0}}, {2, 4, 8}),
              with_operands(23, {{0, 128}, {0, 192}, {0, 2048}, {1, 0}, {0, 0}, {1, 512}}, {2, 4, 8}),
              Words{24, 0, 0, 256, 1, 0, 0, 1, 512, 2, 4, 4, 2, 3, 3, 0.5}, Words{24, 0, 0, 1024, 1, 0, 2, 1, 512, 1, 8, 8, 3, 4, 4, 0}},
             4),
      // Statistics of several chunks of rows.
      stream(memories,
             {with_operands(22, {{0, 2112}, {0, 2176}, {0, 2240}, {0, 0}}, {1, 520, 1}),
              with_operands(23, {{0, 2304}, {0, 2368}, {0, 2432}, {0, 0}, {0, 2112}, {0, 0}}, {1, 520, 1})},
             2),
      // A 3×3 convolution of 2×2 pixels and 2 channels by transforms, and its gradient to the weights.
      stream(memories,
             {with_operands(25, {{0, 0}, {1, 0}}, {2, 2, 1}),
              with_operands(26, {{0, 640}, {1, 512}, {0, 0}, {1, 0}}, {1, 2, 2, 2, 2, 2, 2, 1, 1, 1}),
              with_operands(27, {{0, 1024}, {1, 512}, {0, 640}}, {1, 2, 2, 2, 2, 2, 2, 1, 1, 2}),
              with_operands(28, {{0, 2304}, {0, 1024}}, {2, 2, 2})},
             4),
      // 2 steps of lstm with lengths and of relu, forwards; of gru in reverse, with panels and a round a step; reset before
      // the product, with panels.
      stream(memories,
             {Words{29, 0, 2, 2, 2, 2, 0, 0, 0, 0, 0, 1, 0, 1, 128, 1, 256, 2, 0, 0, 64, 1, 272, 0, 128},
              Words{30, 0, 2, 2, 2, 2, 0, 0, 0, 0, 128, 0, 256, 1, 128, 0, 0, 1, 0, -1, 0, 2, 0, 0, 320, 0, 64, 1, 256, 0, 128},
              Words{29, 0, 1, 2, 2, 2, 0, 0, 0, 0, 0, 1, 0, 1, 128, 1, 256, -1, 0},
              Words{30, 0, 1, 2, 2, 2, 0, 0, 0, 0, 128, 0, 256, 1, 128, 0, 0, 1, 0, 1, 256, -1, 0}},
             4),
      stream(memories,
             {Words{31, 0, 0, 1024, 1, 0, 3, 3, 0},
              Words{29, 0, 3, 2, 1, 3, 1, 1, 1, 0, 0, 1, 256, 0, 1024, 1, 0, -1, 0, 0, 64, 0, 192, 1, 512},
              Words{31, 0, 0, 2048, 1, 0, 3, 3, 1},
              Words{30, 0, 3, 2, 1, 3, 1, 1, 1, 0, 256, 0, 384, 0, 2048, 0, 0, -1, 0, 1, 0, -1, 0, 0, 64, 0, 448, 0, 192},
              Words{29, 0, 4, 2, 1, 3, 0, 1, 0, 0, 0, 1, 256, 0, 1024, 1, 0, -1, 0, 0, 64, 0, 192},
              Words{30, 0, 4, 2, 1, 3, 0, 1, 0, 0, 64, 0, 384, 0, 2048, 0, 0, 1, 0, -1, 0, -1, 0, 0, 64, 0, 448, 0, 192}},
             6),
      stream(memories,
             {with_operands(32, {{0, 0}, {0, 128}, {1, 0}, {2, 0}}, {4, 8, 8}), with_operands(33, {{3, 0}, {0, 0}, {0, 128}}, {4, 8, 8})},
             1),
      // Two rows of three frames and two labels among seven and the blank.
      stream(memories,
             {with_operands(34, {{0, 0}, {0, 64}, {1, 0}, {2, 0}, {2, 16}}, {2, 3, 8, 2, 0}),
              with_operands(35, {{0, 256}, {1, 0}, {2, 0}, {2, 16}, {0, 0}, {0, 64}, {1, 256}}, {2, 3, 8, 2, 0})},
             2),
  };
}

// A zeroed block of exactly so many bytes, so that a sanitizer sees the first byte beyond.
inline std::shared_ptr<Memory> exact(int64_t bytes) {
  void* data = calloc(1, static_cast<size_t>(bytes));
  return Memory::borrow(data, bytes, [=] { free(data); });
}

// Small integers are valid ids, and denormal floats. Drawn once, since drawing them each time took longer than all else.
inline void fill_small(const Memory& memory, int64_t bytes, Random& random) {
  static const std::vector<int32_t> drawn = [] {
    Random small(1);
    std::vector<int32_t> out(1 << 14);
    for (int32_t& value : out) value = static_cast<int32_t>(small.below(8));
    return out;
  }();
  const auto size = static_cast<int64_t>(drawn.size());
  for (int64_t i = 0, count = bytes / 4; i < count;) {
    const auto start = static_cast<int64_t>(random.below(drawn.size()));
    const int64_t run = std::min(count - i, size - start);
    memcpy(memory.data() + 4 * i, drawn.data() + start, static_cast<size_t>(4 * run));
    i += run;
  }
}

constexpr int64_t kSteps = 2;

// What a program may take to be run; bytes for each of its memories.
struct Limits {
  double operations;
  int64_t bytes;
};

// Returns whether it was run.
inline bool try_run(const std::shared_ptr<Program>& program, Random& random, const Limits& limits) {
  double cost = 0;
  for (const Instruction& instruction : program->instructions) cost += instruction.cost * static_cast<double>(instruction.rounds);
  if (!(cost < limits.operations)) return false;
  Memories memories;
  for (const MemoryDeclaration& declared : program->memories) {
    const int64_t bytes = size_add(declared.bytes, declared.stride);
    if (bytes > limits.bytes) return false;
    memories.push_back(exact(bytes));
    fill_small(*memories.back(), bytes, random);
  }
  program->arena = memories.front();
  memories.erase(memories.begin());
  static void* const scratch = allocate_zeroed(kScratchBytes);
  Run(program, memories, kSteps, 0).execute(scratch);
  Run(program, memories, kSteps, 0).debug(scratch);
  return true;
}

// Streams decode from blocks of their exact size, too.
inline std::shared_ptr<Program> decode_exact(const Words& words) {
  const std::unique_ptr<double[]> copy(new double[words.size()]);
  std::copy(words.begin(), words.end(), copy.get());
  return lanewise::decode(copy.get(), words.size(), kernel_table());
}

}  // namespace lanewise::test
