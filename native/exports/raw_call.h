// A raw kernel call: every extent is checked against its array before the kernel runs.
#pragma once
#include <string.h>

#include <string>

#include "../bind.h"
#include "../dispatch.h"
#include "../runtime/cost.h"
#include "../runtime/denormals.h"
#include "../runtime/kernel_call.h"
#include "../runtime/threads.h"

namespace lanewise {

// Another thread may be writing to shared memory: what is checked is what is used.
inline int32_t read_once(const int32_t* number) { return *static_cast<const volatile int32_t*>(number); }

// A raw call under way: arguments with their pointers set, and how many elements lie behind each pointer.
template <class Args>
class RawCall {
 public:
  RawCall(const char* function, const Args& args) : function_(function), args_(args) {}

  // The operand whose pointer is `field` has `length` elements.
  template <class Pointer>
  RawCall& has(const Pointer& field, int64_t length) {
    lengths_[count_++] = {static_cast<size_t>(reinterpret_cast<const char*>(&field) - reinterpret_cast<const char*>(&args_)), length};
    return *this;
  }

  // Runs it, over the pool if it is large. A bad index is an error that names it in `ids`.
  void run(Environment& environment, const int32_t* ids = nullptr) {
    const Operands touched = operands(args_);
    check(touched);
    if (const char* problem = layout_problem(args_)) fail(std::string("expected ") + problem);
    const KernelTable& table = kernel_table();
    const int64_t tasks = count_tasks(table, args_, touched);
    if (tasks == 0) return;
    const FlushDenormals flush;
    const KernelCall call{&table, run_kernel<Args>, &args_};
    int64_t bad;
    if (const double nanoseconds = cost(args_); worth_sharing(nanoseconds, tasks)) {
      ThreadPool& pool = ThreadPool::instance();
      const ThreadPool::ActiveRun active(pool);
      bad = pool.parallel(tasks, nanoseconds, KernelCall::part, &call, environment.scratch());
    } else {
      bad = KernelCall::part(&call, 0, tasks, environment.scratch());
    }
    if (bad != kOk) {
      const int64_t value = read_once(ids + bad);
      throw Error("ERR_LANEWISE_INDEX",
                  std::string(function_) + ": index " + text(value) + " at position " + text(bad) + " is out of range",
                  {{"position", static_cast<double>(bad)}, {"value", static_cast<double>(value)}});
    }
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const { throw js::RangeProblem{std::string(function_) + ": " + problem}; }

  const void* pointer(const Operand& operand) const {
    const void* value;
    memcpy(&value, reinterpret_cast<const char*>(&args_) + operand.field, sizeof value);
    return value;
  }

  void check(const Operands& touched) const {
    for (const Operand& operand : touched) {
      const int64_t* length = length_of(operand);
      if (length && operand.span > *length) {
        fail("expected at least " + (operand.span == kTooLarge ? "2^63" : text(operand.span)) + " elements for " + operand.name + ", got " +
             text(*length));
      }
    }
    for (const Operand& out : touched) {
      for (const Operand& other : touched) {
        if (&out != &other && out.access == Access::write && overlap(out, other) && !in_place(out, other)) {
          fail(std::string("expected ") + out.name + " apart from " + other.name + ", got arrays that overlap");
        }
      }
    }
  }

  // Null: not given, as a bias may be.
  const int64_t* length_of(const Operand& operand) const {
    for (int i = 0; i < count_; ++i) {
      if (lengths_[i].field == operand.field) return &lengths_[i].length;
    }
    return nullptr;
  }

  bool overlap(const Operand& a, const Operand& b) const {
    const auto a_begin = reinterpret_cast<uintptr_t>(pointer(a)), b_begin = reinterpret_cast<uintptr_t>(pointer(b));
    const auto a_end = a_begin + static_cast<uintptr_t>(a.span * a.element_bytes),
               b_end = b_begin + static_cast<uintptr_t>(b.span * b.element_bytes);
    return a_begin && b_begin && a.span > 0 && b.span > 0 && a_begin < b_end && b_begin < a_end;
  }

  bool in_place(const Operand& out, const Operand& in) const {
    return in.access == Access::read_in_place && pointer(in) == pointer(out) && in.span == out.span &&
           in.element_bytes == out.element_bytes;
  }

  struct Length {
    size_t field;
    int64_t length;
  };

  const char* const function_;
  const Args& args_;
  Length lengths_[Operands::kMax];
  int count_ = 0;
};

}  // namespace lanewise
