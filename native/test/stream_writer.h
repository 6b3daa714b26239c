// Writes instruction streams for the tests of the runtime, as lib/compile/encode.ts does.
#pragma once
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "dispatch.h"
#include "runtime/program.h"

namespace lanewise::test {

using Words = std::vector<double>;

// A memory of the stream and an offset in bytes.
struct At {
  int memory;
  double offset;
};

inline void append(Words& words, std::initializer_list<double> more) { words.insert(words.end(), more); }

inline Words gemm(At c, At a, At b, double m, double n, double k) {
  return {1,
          0,
          double(c.memory),
          c.offset,
          double(a.memory),
          a.offset,
          double(b.memory),
          b.offset,
          -1,
          0,
          m,
          n,
          k,
          1,
          1,
          k,
          1,
          0,
          0,
          n,
          1,
          0,
          0,
          n,
          0,
          0,
          0};
}

struct MapStep {
  MapOp op;
  int a, b = -1, c = -1;
};

// Contiguous f32 inputs and one output over `count` elements, written from the last register.
inline Words map(At out, std::vector<At> inputs, double count, Words constants, std::vector<MapStep> steps) {
  Words words{2, 0, 1, count, double(inputs.size())};
  for (const At& in : inputs) append(words, {double(in.memory), in.offset, 0, 1});
  words.push_back(double(constants.size()));
  words.insert(words.end(), constants.begin(), constants.end());
  words.push_back(double(steps.size()));
  for (const MapStep& step : steps) append(words, {double(step.op), double(step.a), double(step.b), double(step.c)});
  append(words, {1, double(out.memory), out.offset, 0, double(inputs.size() + constants.size() + steps.size() - 1)});
  return words;
}

inline Words reduce(ReduceKind kind, At out, At in, double outer, double count, double inner) {
  return {3, 0, double(kind), double(out.memory), out.offset, double(in.memory), in.offset, outer, count, inner};
}
inline Words arg_reduce(At out, At in, double rows, double columns) {
  return {4, 0, 0, double(out.memory), out.offset, double(in.memory), in.offset, rows, columns};
}
inline Words softmax(SoftmaxKind kind, At out, At in, double rows, double columns) {
  return {5, 0, double(kind), double(out.memory), out.offset, double(in.memory), in.offset, rows, columns};
}
inline Words softmax_backward(bool logarithmic, At dx, At y, At dy, double rows, double columns) {
  return {36,   0,      double(logarithmic), double(dx.memory), dx.offset, double(y.memory), y.offset, double(dy.memory), dy.offset,
          rows, columns};
}
inline Words cross_entropy(At loss, At logits, At ids, double rows, double columns) {
  return {6,       0,   double(loss.memory), loss.offset, double(logits.memory), logits.offset, double(ids.memory), ids.offset, rows,
          columns, -100};
}
inline Words cross_entropy_backward(At dlogits, At logits, At ids, At dloss, double rows, double columns) {
  return {7,
          0,
          double(dlogits.memory),
          dlogits.offset,
          double(logits.memory),
          logits.offset,
          double(ids.memory),
          ids.offset,
          double(dloss.memory),
          dloss.offset,
          rows,
          columns,
          -100};
}
inline Words gather_rows(At out, At table, At ids, double count, double table_rows, double row_bytes) {
  return {8,          0,     double(out.memory), out.offset, double(table.memory), table.offset, double(ids.memory),
          ids.offset, count, table_rows,         row_bytes};
}
inline Words scatter_add_rows(At dtable, At dy, At ids, double count, double table_rows, double columns) {
  return {9,          0,      double(dtable.memory), dtable.offset, double(dy.memory), dy.offset, double(ids.memory), ids.offset, count,
          table_rows, columns};
}
inline Words transpose(At out, At in, double rows, double columns) {
  return {10, 0, 4, 2, columns, rows, double(in.memory), in.offset, 1, columns, double(out.memory), out.offset, rows, 1};
}
inline Words fill(At out, double count, double value) { return {11, 0, double(out.memory), out.offset, count, value}; }
inline Words random(At out, double count) { return {12, 0, double(out.memory), out.offset, count, 1, 2, 3}; }

// Operands first, then the sizes in the order of docs/instruction-stream.md.
inline Words with_operands(double opcode, std::vector<At> operands, Words sizes) {
  Words words{opcode, 0};
  for (const At& operand : operands) append(words, {double(operand.memory), operand.offset});
  words.insert(words.end(), sizes.begin(), sizes.end());
  return words;
}

struct Declared {
  double bytes, stride = 0;
  bool writable = false;
};

// Memory 0, the arena, needs only its bytes.
inline Words stream(std::vector<Declared> memories, std::vector<Words> instructions, size_t commit) {
  Words words{0x6c616e65, 2, double(memories.size()), double(instructions.size()), double(commit)};
  memories[0].writable = true;
  for (const Declared& memory : memories) append(words, {memory.bytes, memory.stride, memory.writable ? 1.0 : 0.0});
  for (Words& instruction : instructions) {
    instruction[1] = double(instruction.size());
    words.insert(words.end(), instruction.begin(), instruction.end());
  }
  return words;
}

inline std::shared_ptr<Program> decode(const Words& words) { return lanewise::decode(words.data(), words.size(), kernel_table()); }

inline std::shared_ptr<Memory> floats(std::initializer_list<float> values) {
  auto memory = Memory::allocate(static_cast<int64_t>(values.size() * sizeof(float)));
  std::copy(values.begin(), values.end(), reinterpret_cast<float*>(memory->data()));
  return memory;
}
inline float* values(const std::shared_ptr<Memory>& memory) { return reinterpret_cast<float*>(memory->data()); }

// The message an action throws, or "".
template <class Action>
std::string message_of(Action action) {
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

}  // namespace lanewise::test
