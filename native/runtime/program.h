// A decoded instruction stream: everything checked, every pointer's place known, nothing left to look up in a step.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <atomic>
#include <memory>
#include <vector>

#include "kernel_call.h"
#include "memory.h"

namespace lanewise {

struct MemoryDeclaration {
  int64_t bytes, stride;
  bool writable;
  int64_t alignment;  // the largest element an instruction reads or writes in it
};

// The pointer at `at` in the arguments block points `offset` bytes into a memory.
struct Patch {
  size_t at;
  int32_t memory;
  int64_t offset;
};

struct Instruction {
  RunKernel run;
  const void* args;
  int64_t tasks;
  int64_t rounds;  // 1, or that many one after another
  size_t round;    // where in the arguments block their number stands, if there may be several
  bool shared;     // worth splitting over the pool
  double cost;     // of one round, estimated nanoseconds on one core
  // Not read in a step:
  const char* name;
  int64_t ids;  // offset in the arguments of the ids' pointer, or −1
  // For the debug run:
  int32_t outputs, output_count;  // range in Program::outputs
  int32_t blocks, block_count;    // range in Program::arena_blocks
  bool makes_infinities;          // of numbers that are finite: it has an infinite constant, or ∞ is a proper result
};

// Floats an instruction writes, for the debug run: `outer` × `inner` × `rows` × `columns` with pitches in elements.
struct FloatOutput {
  size_t at;  // where its pointer stands in the arguments block
  int64_t outer, inner, rows, columns, outer_pitch, inner_pitch, row_pitch;
  bool in_arena;
};

// Bytes of the arena an instruction reads or writes, for the debug run.
struct ArenaBlock {
  int64_t begin, end;
  bool written;
};

struct alignas(64) Line {
  unsigned char bytes[64];
};

struct Program {
  const KernelTable* table = nullptr;
  std::shared_ptr<Memory> arena;
  std::vector<MemoryDeclaration> memories;  // 0: the arena
  std::vector<Instruction> instructions;
  std::vector<Line> args;  // of all instructions, each on its own cache lines
  std::vector<Patch> patches;
  std::vector<size_t> steps;  // where in `args` the random kernels' step stands
  std::vector<FloatOutput> outputs;
  std::vector<ArenaBlock> arena_blocks;
  int64_t commit = 0;
  bool shared = false;  // some instruction is
  std::atomic<bool> running{false};

  unsigned char* bytes() { return reinterpret_cast<unsigned char*>(args.data()); }  // null if there are no instructions
};

// Throws an Error with `instruction` and `word` in its details: the index of the instruction (−1: the header) and the
// word of it (of the stream) that is wrong.
std::shared_ptr<Program> decode(const double* stream, size_t words, const KernelTable& table);

}  // namespace lanewise
