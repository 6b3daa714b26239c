// One function per kernel: reads its words into the kernel's arguments. What the words mean is in docs/instruction-stream.md;
// whether the operands fit their memories is checked behind, in decode.cc, for all of them alike.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "kernels/args.h"
#include "stream_reader.h"

namespace lanewise {

// Where in the stream an operand was placed.
struct Placement {
  size_t field;    // where in the arguments its pointer stands
  int64_t memory;  // −1: absent
  int64_t offset;  // in bytes
  size_t word;
};

struct Placements {
  int count = 0;
  Placement list[kMaxMapInputs + kMaxMapOutputs];

  const Placement* find(size_t field) const {
    for (int i = 0; i < count; ++i) {
      if (list[i].field == field) return &list[i];
    }
    return nullptr;
  }
};

// What such a function reads from: the words, and where it notes the operands.
class OpReader {
 public:
  OpReader(StreamReader& words, int64_t memories, const void* args, Placements& placements)
      : words(words), memories_(memories), args_(static_cast<const unsigned char*>(args)), placements_(placements) {}

  StreamReader& words;

  template <class Pointer>
  void operand(const char* name, const Pointer& field) {
    place(name, field, 0);
  }
  template <class Pointer>
  void optional(const char* name, const Pointer& field) {
    place(name, field, -1);
  }

 private:
  template <class Pointer>
  void place(const char* name, const Pointer& field, int64_t lowest_memory) {
    const size_t at = static_cast<size_t>(reinterpret_cast<const unsigned char*>(&field) - args_), word = words.position();
    const int64_t memory = words.integer(name, lowest_memory, memories_ - 1);
    placements_.list[placements_.count++] = {at, memory, words.size(name), word};
  }

  const int64_t memories_;
  const unsigned char* const args_;
  Placements& placements_;
};

#define LW_KERNEL(kernel, Args) void read_words(OpReader& in, Args& args);
#include "kernels.def"
#undef LW_KERNEL

}  // namespace lanewise
