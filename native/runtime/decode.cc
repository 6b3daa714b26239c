#include <math.h>
#include <string.h>

#include <algorithm>
#include <iterator>
#include <type_traits>

#include "cost.h"
#include "decode_ops.h"
#include "program.h"

namespace lanewise {
namespace {

constexpr int64_t kMagic = 0x6c616e65, kVersion = 2;
constexpr int64_t kMaxMemories = 1 << 16, kMaxInstructions = 1 << 24;

// A block of bytes of a memory that one instruction reads or writes.
struct Extent {
  const Operand* operand;
  const Placement* placement;
  int64_t begin, end;
};

bool overlap(const Extent& a, const Extent& b) { return a.placement->memory == b.placement->memory && a.begin < b.end && b.begin < a.end; }

bool in_place(const Extent& out, const Extent& in) {
  return in.operand->access == Access::read_in_place && in.begin == out.begin && in.end == out.end &&
         in.operand->element_bytes == out.operand->element_bytes;
}

// The float blocks an instruction computes. Copies, gathers and written rows are left out: they make no values, and may move integers.
template <class Args>
FloatOutput float_output(const Args& args, const Operand& operand, bool in_arena) {
  if constexpr (std::is_same_v<Args, GemmArgs>) {
    return {operand.field, outer(args), args.inner, args.m, args.n, args.c_outer, args.c_batch, args.c_row, in_arena};
  } else {
    return {operand.field, 1, 1, 1, operand.span, 0, 0, 0, in_arena};
  }
}

template <class Args>
bool writes_floats(const Args& args, int output) {
  if constexpr (std::is_same_v<Args, MapArgs>) return args.output[output].dtype == DType::f32;
  if constexpr (std::is_same_v<Args, MaxPoolArgs> || std::is_same_v<Args, MergeRowsArgs>) return output == 0;
  return !std::is_same_v<Args, CopyArgs> && !std::is_same_v<Args, GatherRowsArgs> && !std::is_same_v<Args, WriteRowsArgs> &&
         !std::is_same_v<Args, ArgReduceArgs>;
}

template <class Args>
bool makes_infinities(const Args& args) {
  const auto infinite = [](float x) { return isinf(x); };
  if constexpr (std::is_same_v<Args, MapArgs>) return std::any_of(args.constant, args.constant + args.constants, infinite);
  if constexpr (std::is_same_v<Args, FillArgs>) return infinite(args.value);
  if constexpr (std::is_same_v<Args, AffineSampleArgs>) return infinite(args.fill);
  return std::is_same_v<Args, CtcArgs>;
}

// Where the numbers stand that a kernel may find out of range.
template <class Args>
int64_t ids_field(const Args& args) {
  const auto at = [&](const auto& field) {
    return reinterpret_cast<const unsigned char*>(&field) - reinterpret_cast<const unsigned char*>(&args);
  };
  if constexpr (requires { args.ids; }) {
    return at(args.ids);
  } else if constexpr (requires { args.lengths; }) {
    return at(args.lengths);
  } else {
    return -1;
  }
}

class Decoder {
 public:
  Decoder(const double* stream, size_t words, const KernelTable& table) : words_(stream, words), program_(std::make_shared<Program>()) {
    program_->table = &table;
  }

  std::shared_ptr<Program> decode() {
    const int64_t instructions = header();
    for (int64_t i = 0; i < instructions; ++i) instruction(i);
    words_.enter(-1);
    if (!words_.at_end()) words_.fail_at(0, "the end of the stream after " + text(instructions) + " instructions", "more words");
    link();
    program_->arena = Memory::allocate(program_->memories[0].bytes);
    return std::move(program_);
  }

 private:
  int64_t header() {
    words_.integer("magic", kMagic, kMagic);
    words_.integer("version", kVersion, kVersion);
    const int64_t memories = words_.integer("memories", 1, kMaxMemories);
    const int64_t instructions = words_.integer("instructions", 0, kMaxInstructions);
    program_->commit = words_.integer("commit", 0, instructions);
    for (int64_t i = 0; i < memories; ++i) {
      const bool arena = i == 0;
      MemoryDeclaration memory;
      memory.bytes = words_.size("bytes");
      memory.stride = words_.integer("stride", 0, arena ? 0 : kMaxSize);
      memory.writable = words_.integer("access", arena ? 1 : 0, 1) != 0;
      memory.alignment = 1;
      program_->memories.push_back(memory);
    }
    return instructions;
  }

  void instruction(int64_t index) {
    words_.enter(index);
    static constexpr void (Decoder::*kReaders[])() = {
#define LW_KERNEL(kernel, Args) &Decoder::read<Args>,
#include "kernels.def"
#undef LW_KERNEL
    };
    const int64_t opcode = words_.integer("opcode", 1, std::size(kReaders));
    words_.set_length(words_.integer("words", 2, kMaxSize));
    (this->*kReaders[opcode - 1])();
  }

  template <class Args>
  void read() {
    words_.set_name(KernelOf<Args>::kName);
    Args args{};
    Placements placements;
    OpReader in(words_, static_cast<int64_t>(program_->memories.size()), &args, placements);
    read_words(in, args);
    words_.finish();
    const Operands touched = operands(args);
    check(touched, placements);
    if (const char* problem = layout_problem(args)) words_.fail_at(0, problem, "elements that share one");
    emit(args, touched, placements);
  }

  void check(const Operands& touched, const Placements& placements) {
    Extent extents[Operands::kMax];
    int count = 0;
    for (const Operand& operand : touched) {
      const Placement* placement = placements.find(operand.field);
      if (placement->memory < 0) continue;
      extents[count] = extent(operand, *placement);
      count += extents[count].begin < extents[count].end;  // what is empty overlaps nothing
    }
    for (int i = 0; i < count; ++i) {
      for (int j = 0; j < count; ++j) {
        const Extent &out = extents[i], &other = extents[j];
        if (i == j || out.operand->access != Access::write || !overlap(out, other) || in_place(out, other)) continue;
        words_.fail_at(out.placement->word, std::string(out.operand->name) + " apart from " + other.operand->name, "bytes that overlap");
      }
    }
  }

  Extent extent(const Operand& operand, const Placement& placement) {
    MemoryDeclaration& memory = program_->memories[static_cast<size_t>(placement.memory)];
    const int64_t end = size_add(placement.offset, size_mul(operand.span, operand.element_bytes));
    if (end > memory.bytes) {
      words_.fail_at(placement.word,
                     std::string(operand.name) + " within the " + text(memory.bytes) + " bytes of memory " + text(placement.memory),
                     "bytes " + text(placement.offset) + " to " + (end == kTooLarge ? "2^63" : text(end)));
    }
    if (placement.offset % operand.element_bytes != 0 || memory.stride % operand.element_bytes != 0) {
      words_.fail_at(placement.word,
                     std::string(operand.name) + " at a multiple of " + text(operand.element_bytes) + " bytes in every step",
                     "offset " + text(placement.offset) + ", stride " + text(memory.stride));
    }
    if (operand.access == Access::write && !memory.writable) {
      words_.fail_at(placement.word, std::string(operand.name) + " in a writable memory", "read-only memory " + text(placement.memory));
    }
    memory.alignment = std::max(memory.alignment, operand.element_bytes);
    return {&operand, &placement, placement.offset, end};
  }

  template <class Args>
  void emit(const Args& args, const Operands& touched, const Placements& placements) {
    const size_t at = program_->args.size() * sizeof(Line);
    program_->args.resize(program_->args.size() + (sizeof(Args) + sizeof(Line) - 1) / sizeof(Line));
    memcpy(program_->bytes() + at, &args, sizeof args);

    Instruction instruction{};
    instruction.run = run_kernel<Args>;
    instruction.tasks = count_tasks(*program_->table, args, touched);
    instruction.rounds = rounds(args);
    instruction.cost = instruction.tasks > 0 ? cost(args) / static_cast<double>(instruction.rounds) : 0;
    instruction.shared = worth_sharing(instruction.cost, instruction.tasks);
    instruction.name = KernelOf<Args>::kName;
    instruction.ids = ids_field(args);
    instruction.outputs = static_cast<int32_t>(program_->outputs.size());
    instruction.blocks = static_cast<int32_t>(program_->arena_blocks.size());
    instruction.makes_infinities = makes_infinities(args);
    int output = 0;
    for (const Operand& operand : touched) {
      const Placement* placement = placements.find(operand.field);
      if (placement->memory < 0) continue;
      program_->patches.push_back({at + operand.field, static_cast<int32_t>(placement->memory), placement->offset});
      const bool in_arena = placement->memory == 0, written = operand.access == Access::write;
      if (in_arena)
        program_->arena_blocks.push_back({placement->offset, placement->offset + operand.span * operand.element_bytes, written});
      if (!written) continue;
      // A batch of empty products may have any length.
      if (writes_floats(args, output++) && operand.span > 0) {
        program_->outputs.push_back(float_output(args, operand, in_arena));
        program_->outputs.back().at += at;
      }
    }
    instruction.output_count = static_cast<int32_t>(program_->outputs.size()) - instruction.outputs;
    instruction.block_count = static_cast<int32_t>(program_->arena_blocks.size()) - instruction.blocks;
    if constexpr (std::is_same_v<Args, RandomArgs>) program_->steps.push_back(at + offsetof(RandomArgs, step));
    program_->shared |= instruction.shared;
    program_->instructions.push_back(instruction);
    starts_.push_back(at);
    if constexpr (requires { args.round; }) program_->instructions.back().round = at + offsetof(Args, round);
  }

  // The block of arguments no longer moves: instructions can point into it.
  void link() {
    for (size_t i = 0; i < starts_.size(); ++i) program_->instructions[i].args = program_->bytes() + starts_[i];
  }

  StreamReader words_;
  std::shared_ptr<Program> program_;
  std::vector<size_t> starts_;
};

}  // namespace

std::shared_ptr<Program> decode(const double* stream, size_t words, const KernelTable& table) {
  return Decoder(stream, words, table).decode();
}

}  // namespace lanewise
