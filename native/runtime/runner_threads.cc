#include "runner_threads.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "compute_thread.h"
#include "error.h"
#include "fork.h"

namespace lanewise {
namespace {

struct Runner {
  std::mutex mutex;
  std::condition_variable changed;
  Job* job = nullptr;
};

class Runners {
 public:
  static Runners& instance();

  void start(Job& job) {
    Runner* runner = take_idle();
    if (!runner) {
      runner = new Runner;
      if (!start_compute_thread([this, runner](void* scratch) { serve(*runner, scratch); })) {
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
    if (idle_.empty()) return nullptr;
    Runner* runner = idle_.back();
    idle_.pop_back();
    return runner;
  }

  void serve(Runner& runner, void* scratch) {
    for (;;) {
      Job* job;
      {
        std::unique_lock guard(runner.mutex);
        runner.changed.wait(guard, [&] { return runner.job; });
        job = std::exchange(runner.job, nullptr);
      }
      job->run(scratch);
      std::lock_guard guard(mutex_);
      idle_.push_back(&runner);
    }
  }

  std::mutex mutex_;
  std::vector<Runner*> idle_;
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
