#include "runner_threads.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "compute_thread.h"
#include "error.h"
#include "fork.h"
#include "processors.h"

namespace lanewise {
namespace {

struct Runner {
  std::mutex mutex;
  std::condition_variable changed;
  Job* job = nullptr;
  Runner* next = nullptr;  // of those that are idle
};

class Runners {
 public:
  static Runners& instance();

  void start(Job& job) {
    Runner* runner = take_idle();
    if (!runner) {
      runner = new Runner;
      if (!start_compute_thread([this, runner](void* scratch) {
            serve(*runner, scratch);
            delete runner;
          })) {
        delete runner;
        throw Error("ERR_LANEWISE_STATE", "run: the system has no thread to give");
      }
    }
    std::lock_guard guard(runner->mutex);
    runner->job = &job;
    runner->changed.notify_one();
  }

 private:
  Runner* take_idle() {
    std::lock_guard guard(mutex_);
    if (!idle_) return nullptr;
    --idle_count_;
    return std::exchange(idle_, idle_->next);
  }

  // False if enough are idle: nobody else knows of this one then.
  bool give_back(Runner& runner) {
    std::lock_guard guard(mutex_);
    if (idle_count_ == most_idle_) return false;
    ++idle_count_;
    runner.next = std::exchange(idle_, &runner);
    return true;
  }

  void serve(Runner& runner, void* scratch) {
    for (bool stays = true; stays;) {
      Job* job;
      {
        std::unique_lock guard(runner.mutex);
        runner.changed.wait(guard, [&] { return runner.job; });
        job = std::exchange(runner.job, nullptr);
      }
      job->run(scratch);
      // Whoever learns of the end may start the next run at once: on this thread, not on another beside it. That job waits in the runner.
      stays = give_back(runner);
      job->finish();
    }
  }

  // More than there are processors help only when as many runs are in flight again.
  const int most_idle_ = std::max(8, usable_processors());
  std::mutex mutex_;
  Runner* idle_ = nullptr;
  int idle_count_ = 0;
};

std::atomic<Runners*> shared_runners{nullptr};

// A forked child has none of its parent's threads.
void forget_runners() { shared_runners.store(nullptr); }

Runners& Runners::instance() {
  Runners* runners = shared_runners.load(std::memory_order_acquire);
  if (runners) return *runners;
  [[maybe_unused]] static const bool registered = call_in_forked_child(forget_runners);
  auto* fresh = new Runners;  // never destroyed: its threads outlive every static
  if (shared_runners.compare_exchange_strong(runners, fresh)) return *fresh;
  delete fresh;
  return *runners;
}

}  // namespace

void start_on_runner(Job& job) { Runners::instance().start(job); }

}  // namespace lanewise
