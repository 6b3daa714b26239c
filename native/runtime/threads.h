// The thread pool: splits the tasks of one kernel over the calling thread and n − 1 workers.
//
// Which thread runs a task never changes a bit of the result, so the split is free to depend on what is going on: a second
// run at the same time leaves this one fewer workers, and a pool in use leaves the caller to do it all.
#pragma once
#include <stdint.h>

#include <algorithm>
#include <atomic>
#include <chrono>

#include "thread_signal.h"

namespace lanewise {

constexpr int kMaxThreads = 256;

// The smaller valid position of two partial results (kOk: none).
inline int64_t first_bad(int64_t a, int64_t b) { return a < 0 ? b : b < 0 || a < b ? a : b; }

class ThreadPool {
 public:
  // Runs tasks [begin, end); returns kOk or the first bad position.
  using Body = int64_t (*)(const void* context, int64_t begin, int64_t end, void* scratch);

  // The pool of this process; a forked child gets its own.
  static ThreadPool& instance();

  int threads() const { return threads_.load(std::memory_order_relaxed); }
  // Takes effect at the next parallel region, also of a run in flight.
  void set_threads(int count) { threads_.store(count, std::memory_order_relaxed); }

  // Runs at the same time are counted: each gets fewer workers.
  class ActiveRun {
   public:
    explicit ActiveRun(ThreadPool& pool) : pool_(pool) { pool_.active_runs_.fetch_add(1, std::memory_order_relaxed); }
    ~ActiveRun() { pool_.active_runs_.fetch_sub(1, std::memory_order_relaxed); }
    ActiveRun(const ActiveRun&) = delete;
    ActiveRun& operator=(const ActiveRun&) = delete;

   private:
    ThreadPool& pool_;
  };

  // Only within an ActiveRun. `scratch` is the caller's own, `cost` an estimate of all tasks on one core in nanoseconds.
  int64_t parallel(int64_t tasks, double cost, Body body, const void* context, void* scratch);

 private:
  struct Worker;

  // For a while after something was in vain it is not tried again; longer each time.
  class Rest {
   public:
    using Clock = std::chrono::steady_clock;
    bool over(Clock::time_point now) const { return now >= until_; }
    void begin(Clock::time_point now) {
      until_ = now + length_;
      length_ = std::min(2 * length_, kMost);
    }
    void forget() { length_ = kLeast; }

   private:
    static constexpr Clock::duration kLeast = std::chrono::milliseconds(1), kMost = std::chrono::milliseconds(128);
    Clock::time_point until_;
    Clock::duration length_ = kLeast;
  };

  ThreadPool();
  int64_t participants(int64_t tasks, double cost) const;
  int choose_workers(int wanted, double cost, Worker** chosen);
  void start_workers(int wanted);
  void post_order(Worker& worker);
  static bool take(Worker& worker, uint32_t order);
  static void run_share(Worker& worker, uint32_t order, void* scratch);
  void work(Worker& worker, void* scratch);
  template <class Ready>
  bool spin(int processor, Rest& rest, const Ready& ready) const;
  void await_order(Worker& worker, Rest& rest, int caller_processor) const;
  void await_done(Worker& worker);

  const int processors_;
  std::atomic<int> threads_;
  int workers_ = 0;  // started so far; touched only by the holder of busy_
  // The holder's, as are the workers.
  Rest rest_;          // from patience
  double missed_ = 0;  // nanoseconds of work without those who sleep
  Worker* worker_[kMaxThreads] = {};
  alignas(128) std::atomic<int> active_runs_{0};
  alignas(128) std::atomic<bool> busy_{false};
};

}  // namespace lanewise
