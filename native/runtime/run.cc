#include "run.h"

#include <math.h>
#include <string.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "denormals.h"
#include "infinities.h"
#include "size.h"
#include "threads.h"

namespace lanewise {
namespace {

unsigned char* pointer_at(const unsigned char* args, size_t at) {
  unsigned char* pointer;
  memcpy(&pointer, args + at, sizeof pointer);
  return pointer;
}

void set_pointer(unsigned char* args, size_t at, unsigned char* pointer) { memcpy(args + at, &pointer, sizeof pointer); }

// The words of `control` lie in a SharedArrayBuffer: other threads use them through Atomics.
int32_t load_word(const int32_t* word) { return __atomic_load_n(word, __ATOMIC_RELAXED); }
void store_word(int32_t* word, int32_t value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }

}  // namespace

Error Failure::error(const Program& program) const {
  const char* const name = program.instructions[static_cast<size_t>(instruction)].name;
  return Error("ERR_LANEWISE_INDEX",
               "instruction " + text(instruction) + " (" + name + "), step " + text(step) + ": index " + text(value) + " at position " +
                   text(position) + " is out of range",
               {{"instruction", static_cast<double>(instruction)},
                {"step", static_cast<double>(step)},
                {"position", static_cast<double>(position)},
                {"value", static_cast<double>(value)}});
}

Run::Run(std::shared_ptr<Program> program, Memories memories, int64_t steps, int64_t first_step)
    : program_(std::move(program)), memories_(std::move(memories)), steps_(steps), first_step_(first_step) {
  if (program_->running.exchange(true, std::memory_order_acquire)) {
    throw Error("ERR_LANEWISE_STATE", "program: it is running; a program runs once at a time");
  }
  try {
    Memories all{program_->arena};
    all.insert(all.end(), memories_.begin(), memories_.end());
    bind(all);
    if (program_->shared) ThreadPool::instance();  // made here, if it is not there yet: a runner thread must not throw
  } catch (...) {
    program_->running.store(false, std::memory_order_release);
    throw;
  }
}

Run::~Run() { program_->running.store(false, std::memory_order_release); }

void Run::bind(const Memories& memories) {
  const auto& declared = program_->memories;
  if (memories.size() != declared.size()) {
    throw Error("ERR_LANEWISE_MEMORY", "program: expected " + text(static_cast<int64_t>(declared.size()) - 1) + " memories, got " +
                                           text(static_cast<int64_t>(memories.size()) - 1));
  }
  for (size_t i = 0; i < declared.size(); ++i) {
    const int64_t needed = size_add(declared[i].bytes, steps_ > 0 ? size_mul(steps_ - 1, declared[i].stride) : 0);
    const std::string name = "program: memory " + text(static_cast<int64_t>(i));
    if (needed > memories[i]->bytes()) {
      throw Error("ERR_LANEWISE_MEMORY", name + ": expected at least " + (needed == kTooLarge ? "2^63" : text(needed)) + " bytes for " +
                                             text(steps_) + " steps, got " + text(memories[i]->bytes()));
    }
    if (reinterpret_cast<uintptr_t>(memories[i]->data()) % static_cast<uintptr_t>(declared[i].alignment) != 0) {
      throw Error("ERR_LANEWISE_MEMORY", name + ": expected a start at a multiple of " + text(declared[i].alignment) + " bytes");
    }
  }
  check_apart(memories);

  for (const Patch& patch : program_->patches) {
    const auto memory = static_cast<size_t>(patch.memory);
    set_pointer(program_->bytes(), patch.at, memories[memory]->data() + patch.offset);
    if (declared[memory].stride != 0) moving_.push_back({patch.at, declared[memory].stride});
  }
  for (size_t i = 1; i < declared.size(); ++i) {
    const bool exclusive = declared[i].writable && declared[i].stride == 0;
    if (declared[i].writable && !exclusive) continue;  // written a step at a time at a new place: results, nobody's state
    MemoryLock* lock = &memories[i]->lock();
    const auto same = std::find_if(locks_.begin(), locks_.end(), [&](const Lock& l) { return l.lock == lock; });
    if (same == locks_.end()) locks_.push_back({lock, exclusive});
  }
  std::sort(locks_.begin(), locks_.end(), [](const Lock& a, const Lock& b) { return std::less<>()(a.lock, b.lock); });
}

// The decoder compared operands within each memory; two memories of the stream must then not be one block that is written.
void Run::check_apart(const Memories& memories) const {
  const auto& declared = program_->memories;
  for (size_t i = 1; i < memories.size(); ++i) {
    for (size_t j = 1; j < memories.size(); ++j) {
      if (i == j || !declared[i].writable) continue;
      const Memory &a = *memories[i], &b = *memories[j];
      const auto a_begin = reinterpret_cast<uintptr_t>(a.data()), b_begin = reinterpret_cast<uintptr_t>(b.data());
      if (a_begin < b_begin + static_cast<uintptr_t>(b.bytes()) && b_begin < a_begin + static_cast<uintptr_t>(a.bytes())) {
        throw Error("ERR_LANEWISE_MEMORY", "program: memories " + text(static_cast<int64_t>(i)) + " and " + text(static_cast<int64_t>(j)) +
                                               " overlap, and the first is written");
      }
    }
  }
}

bool Run::stopped() const { return cancelled_.load(std::memory_order_relaxed) || load_word(control_) != 0; }

void Run::begin_step(int64_t step) {
  unsigned char* args = program_->bytes();
  if (step > 0) {
    for (const Moving& moving : moving_) set_pointer(args, moving.at, pointer_at(args, moving.at) + moving.stride);
  }
  const auto number = static_cast<uint64_t>(first_step_ + step);
  for (const size_t at : program_->steps) memcpy(args + at, &number, sizeof number);
}

inline int64_t Run::call_round(const Instruction& instruction, void* scratch) const {
  if (!instruction.shared) return instruction.run(*program_->table, instruction.args, 0, instruction.tasks, scratch);
  const KernelCall call{program_->table, instruction.run, instruction.args};
  return ThreadPool::instance().parallel(instruction.tasks, instruction.cost, KernelCall::part, &call, scratch);
}

inline int64_t Run::call_rounds(const Instruction& instruction, void* scratch) const {
  if (instruction.tasks == 0) return kOk;
  if (instruction.rounds == 1) return call_round(instruction, scratch);
  for (int64_t round = 0; round < instruction.rounds; ++round) {
    memcpy(program_->bytes() + instruction.round, &round, sizeof round);
    if (const int64_t bad = call_round(instruction, scratch); bad != kOk) return bad;
  }
  return kOk;
}

bool Run::call(int64_t index, int64_t step, void* scratch, Failure& failure) const {
  const Instruction& instruction = program_->instructions[static_cast<size_t>(index)];
  const int64_t bad = call_rounds(instruction, scratch);
  if (bad != kOk && !failure) failure = failure_of(index, step, bad);
  return bad == kOk;
}

// What a thread is set to while it computes a program.
struct Run::Computing {
  explicit Computing(const Program& program) {
    if (program.shared) active.emplace(ThreadPool::instance());
  }

  const FlushDenormals flush;
  std::optional<ThreadPool::ActiveRun> active;
};

RunResult Run::execute(void* scratch) {
  const Computing computing(*program_);
  const auto count = static_cast<int64_t>(program_->instructions.size()), commit = program_->commit;
  RunResult result;
  while (result.steps < steps_ && !result.failure) {
    begin_step(result.steps);
    lock_readers();
    bool goes_on = commit > 0 || !stopped();
    for (int64_t i = 0; i < commit && goes_on; ++i) goes_on = !stopped() && call(i, result.steps, scratch, result.failure);
    if (!goes_on) {
      unlock_readers();
      break;
    }
    if (commit < count) lock_commit();
    for (int64_t i = commit; i < count; ++i) call(i, result.steps, scratch, result.failure);
    commit < count ? unlock_commit() : unlock_readers();
    ++result.steps;
    store_word(control_ + 1, static_cast<int32_t>(result.steps));
  }
  return result;
}

DebugFinding Run::debug(void* scratch) {
  const Computing computing(*program_);
  const auto count = static_cast<int64_t>(program_->instructions.size()), commit = program_->commit;
  PassedInfinities infinities(*program_);
  DebugFinding finding;
  for (; finding.step < steps_; ++finding.step) {
    begin_step(finding.step);
    lock_readers();
    for (int64_t i = 0; i < count; ++i) {
      if (i == commit) lock_commit();
      const Instruction& instruction = program_->instructions[static_cast<size_t>(i)];
      const bool excused = infinities.excuse(instruction);
      call(i, finding.step, scratch, finding.failure);
      infinities.note(instruction, excused);
      if (finding.instruction < 0 && !sound(instruction, excused)) finding.instruction = i;
      if (i < commit && finding) {
        unlock_readers();
        return finding;
      }
    }
    commit < count ? unlock_commit() : unlock_readers();
    if (finding) break;
  }
  return finding;
}

Failure Run::failure_of(int64_t instruction, int64_t step, int64_t position) const {
  const Instruction& failed = program_->instructions[static_cast<size_t>(instruction)];
  int32_t value = 0;
  if (failed.ids >= 0) {
    const auto* args = static_cast<const unsigned char*>(failed.args);
    memcpy(&value, pointer_at(args, static_cast<size_t>(failed.ids)) + position * 4, sizeof value);
  }
  return {instruction, step, position, value};
}

bool Run::sound(const Instruction& instruction, bool excused) const {
  for (int32_t o = 0; o < instruction.output_count; ++o) {
    const FloatOutput& out = program_->outputs[static_cast<size_t>(instruction.outputs + o)];
    const auto* data = reinterpret_cast<const float*>(pointer_at(program_->bytes(), out.at));
    for (int64_t outer = 0; outer < out.outer; ++outer) {
      for (int64_t inner = 0; inner < out.inner; ++inner) {
        for (int64_t row = 0; row < out.rows; ++row) {
          const float* values = data + outer * out.outer_pitch + inner * out.inner_pitch + row * out.row_pitch;
          for (int64_t column = 0; column < out.columns; ++column) {
            if (isnan(values[column]) || (isinf(values[column]) && !(excused && out.in_arena))) return false;
          }
        }
      }
    }
  }
  return true;
}

// While a step computes, what it only reads is shared; memories it will write are not locked yet.
void Run::lock_readers() {
  for (const Lock& l : locks_) {
    if (!l.exclusive) joins_ ? l.lock->join_shared() : l.lock->lock_shared();
  }
}

void Run::unlock_readers() {
  for (const Lock& l : locks_) {
    if (!l.exclusive) l.lock->unlock_shared();
  }
}

// Waiting while holding could lock up two programs that each write what the other reads: so try, and if that fails let go of
// everything and take it all in order of address.
void Run::lock_commit() {
  const auto taken = std::find_if_not(locks_.begin(), locks_.end(), [](const Lock& l) { return !l.exclusive || l.lock->try_lock(); });
  if (taken == locks_.end()) return;
  for (auto l = locks_.begin(); l != taken; ++l) {
    if (l->exclusive) l->lock->unlock();
  }
  unlock_readers();
  for (const Lock& l : locks_) l.exclusive ? l.lock->lock() : l.lock->lock_shared();
}

void Run::unlock_commit() {
  for (const Lock& l : locks_) l.exclusive ? l.lock->unlock() : l.lock->unlock_shared();
}

}  // namespace lanewise
