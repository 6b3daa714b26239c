// One run of a program: k steps over bound memories, on whichever thread calls it.
#pragma once
#include <stdint.h>

#include <atomic>
#include <memory>
#include <vector>

#include "error.h"
#include "program.h"

namespace lanewise {

// A bad index: where, and what stood there.
struct Failure {
  int64_t instruction = -1, step = 0, position = 0, value = 0;

  explicit operator bool() const { return instruction >= 0; }
  Error error(const Program& program) const;
};

struct RunResult {
  int64_t steps = 0;  // finished ones
  Failure failure;
};

struct DebugFinding {
  int64_t instruction = -1, step = 0;  // the first that wrote a NaN or an infinity
  Failure failure;

  explicit operator bool() const { return failure || instruction >= 0; }
};

using Memories = std::vector<std::shared_ptr<Memory>>;

class Run {
 public:
  // Takes the program (one run at a time) and checks the memories against what `steps` steps touch; throws if either is impossible.
  // memories[i] is memory i + 1 of the stream.
  Run(std::shared_ptr<Program> program, Memories memories, int64_t steps, int64_t first_step);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // It runs on the event loop's thread: what others read it reads beside them, before those who wait to write.
  void join_readers() { joins_ = true; }
  // Two words somebody else may write: [0] asks to stop, [1] counts finished steps.
  void watch(int32_t* control) { control_ = control; }
  // Asks to stop from any thread.
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }

  RunResult execute(void* scratch);
  // The same instructions one at a time; stops at the first that writes a NaN, or an infinity that is neither meant (infinities.h) nor
  // stays in the arena, before its step commits.
  // A bad index ends it like a run.
  DebugFinding debug(void* scratch);

  const Program& program() const { return *program_; }

 private:
  struct Computing;

  void bind(const Memories& memories);
  void check_apart(const Memories& memories) const;
  void begin_step(int64_t step);
  bool stopped() const;
  // Runs an instruction of a step; a bad index becomes the failure unless there is one. False if there was.
  bool call(int64_t index, int64_t step, void* scratch, Failure& failure) const;
  int64_t call_rounds(const Instruction& instruction, void* scratch) const;
  int64_t call_round(const Instruction& instruction, void* scratch) const;
  Failure failure_of(int64_t instruction, int64_t step, int64_t position) const;
  bool sound(const Instruction& instruction, bool excused) const;

  void lock_readers();
  void unlock_readers();
  void lock_commit();
  void unlock_commit();

  // Memories that live beyond the step, each once, in order of address (the order of locking).
  struct Lock {
    MemoryLock* lock;
    bool exclusive;
  };
  // A pointer that moves from step to step.
  struct Moving {
    size_t at;
    int64_t stride;
  };

  const std::shared_ptr<Program> program_;
  const Memories memories_;
  const int64_t steps_, first_step_;
  std::vector<Lock> locks_;
  std::vector<Moving> moving_;
  int32_t idle_control_[2] = {};
  int32_t* control_ = idle_control_;
  std::atomic<bool> cancelled_{false};
  bool joins_ = false;
};

}  // namespace lanewise
