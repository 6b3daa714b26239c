// Which infinities of the arena a debug run has let pass. Healthy programs have some on purpose: masks of −∞, the ∞ of rows that CTC
// cannot align. So an instruction may write them if it makes them (Instruction::makes_infinities) or reads one that has passed.
#pragma once
#include <math.h>

#include <algorithm>
#include <vector>

#include "program.h"

namespace lanewise {

class PassedInfinities {
 public:
  explicit PassedInfinities(const Program& program)
      : program_(program),
        arena_(reinterpret_cast<const float*>(program.arena->data())),
        passed_(static_cast<size_t>(program.memories[0].bytes / 4)) {}

  // Asked before the instruction runs: it may write where it reads.
  bool excuse(const Instruction& instruction) const {
    bool found = instruction.makes_infinities;
    each(instruction, [&](const ArenaBlock& block, size_t begin, size_t end) {
      const auto passed = passed_.begin();
      found |= !block.written && std::find(passed + begin, passed + end, true) != passed + end;
    });
    return found;
  }

  // Those that the instruction has just written pass if they are excused. Between rows that lie apart others keep what they had.
  void note(const Instruction& instruction, bool excused) {
    each(instruction, [&](const ArenaBlock& block, size_t begin, size_t end) {
      for (size_t i = begin; block.written && i < end; ++i) passed_[i] = isinf(arena_[i]) && (excused || passed_[i]);
    });
  }

 private:
  template <class Body>
  void each(const Instruction& instruction, const Body& body) const {
    for (int32_t b = 0; b < instruction.block_count; ++b) {
      const ArenaBlock& block = program_.arena_blocks[static_cast<size_t>(instruction.blocks + b)];
      body(block, static_cast<size_t>(block.begin / 4), std::min(static_cast<size_t>((block.end + 3) / 4), passed_.size()));
    }
  }

  const Program& program_;
  const float* const arena_;
  std::vector<bool> passed_;  // a mark for each float
};

}  // namespace lanewise
