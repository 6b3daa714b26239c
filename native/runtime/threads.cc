#include "threads.h"

#include <algorithm>
#include <chrono>

#include "compute_thread.h"
#include "fork.h"
#include "kernels/args.h"
#include "processors.h"

namespace lanewise {
namespace {

using Clock = std::chrono::steady_clock;

// Longer than the serial instructions between two parallel ones, shorter than what a wake-up costs the other way.
constexpr double kSpinNanoseconds = 40e3;

// Linux may wake a thread on its waker's processor while its own is idle: where both have been busy it does not look, and in a virtual
// machine an idle processor passes for one that the host has taken away. Both threads would then take turns there, so a worker that sleeps
// or meets its caller is kept off that processor; unless there are more threads than processors, or it has begun late elsewhere, for then
// others keep the processors busy and the system knows better for a while.
constexpr auto kLate = std::chrono::microseconds(500);
constexpr Clock::duration kLeastRest = std::chrono::milliseconds(1), kMostRest = std::chrono::milliseconds(128);

// `pause` takes 4 to 140 cycles depending on the processor: measured once, the fastest of three (a thread may be preempted).
int64_t count_spins() {
  constexpr int kPauses = 200;
  double best = 1e9;
  for (int trial = 0; trial < 3; ++trial) {
    const auto start = Clock::now();
    for (int i = 0; i < kPauses; ++i) spin_pause();
    best = std::min(best, std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  }
  return static_cast<int64_t>(kSpinNanoseconds * kPauses / std::max(best, 1.0));
}

std::atomic<ThreadPool*> shared_pool{nullptr};

// Only the forking thread lives on in the child. Its pool is left behind: locks in it may be held by threads that are gone.
[[maybe_unused]] void forget_pool() { shared_pool.store(nullptr); }

}  // namespace

// Two lines that travel: the order to the worker, the answer back.
struct ThreadPool::Worker {
  alignas(128) Signal order;
  Body body = nullptr;
  const void* context = nullptr;
  int64_t begin = 0, end = 0;
  int caller_processor = -1;
  bool sent_apart = false;  // to a processor of its own
  Clock::time_point sent;
  alignas(128) Signal done;
  int64_t bad = kOk;
  std::atomic<int> processor{-1};  // where it ran last
  Clock::time_point rests_until;   // not kept off any processor
  Clock::duration rest = kLeastRest;
  // The caller's.
  uint32_t orders = 0;
  Affinity affinity;
};

ThreadPool::ThreadPool() : processors_(usable_processors()), spins_(count_spins()), threads_(std::min(processors_, kMaxThreads)) {}

ThreadPool& ThreadPool::instance() {
  ThreadPool* pool = shared_pool.load(std::memory_order_acquire);
  if (pool) return *pool;
  [[maybe_unused]] static const bool registered = call_in_forked_child(forget_pool);
  auto* fresh = new ThreadPool;  // never destroyed: its workers outlive every static
  if (shared_pool.compare_exchange_strong(pool, fresh)) return *fresh;
  delete fresh;
  return *pool;
}

// Runs at the same time share the processors instead of fighting over them.
int64_t ThreadPool::participants(int64_t tasks) const {
  const int others = active_runs_.load(std::memory_order_relaxed) - 1;
  return std::min<int64_t>(tasks, std::max(1, threads() - others));
}

int ThreadPool::start_workers(int wanted) {
  while (workers_ < wanted) {
    auto* worker = new Worker;
    if (!start_compute_thread([this, worker](void* scratch) {
          worker->affinity.start();
          work(*worker, scratch);
        })) {
      delete worker;
      break;
    }
    worker_[workers_++] = worker;
  }
  return std::min(workers_, wanted);
}

int64_t ThreadPool::parallel(int64_t tasks, Body body, const void* context, void* scratch) {
  const int64_t wanted = participants(tasks);
  if (wanted <= 1 || busy_.exchange(true, std::memory_order_acquire)) return body(context, 0, tasks, scratch);

  const int helpers = start_workers(static_cast<int>(wanted - 1));
  const int64_t share = tasks / (helpers + 1), rest = tasks % (helpers + 1);
  const int processor = current_processor();
  int64_t begin = share + (rest > 0);  // the caller's own part is [0, begin)
  const int64_t own = begin;
  for (int i = 0; i < helpers; ++i) {
    Worker& worker = *worker_[i];
    worker.body = body;
    worker.context = context;
    worker.begin = begin;
    worker.caller_processor = processor;
    worker.end = begin += share + (i + 1 < rest);
    post_order(worker);
  }
  int64_t bad = body(context, 0, own, scratch);
  for (int i = 0; i < helpers; ++i) {
    await_done(*worker_[i], worker_[i]->orders);
    bad = first_bad(bad, worker_[i]->bad);
  }
  busy_.store(false, std::memory_order_release);
  return bad;
}

void ThreadPool::post_order(Worker& worker) {
  const bool together = worker.processor.load(std::memory_order_relaxed) == worker.caller_processor;
  worker.sent_apart = false;
  if (worker.caller_processor >= 0 && (together || worker.order.sleeping())) {
    worker.sent = Clock::now();
    worker.sent_apart = threads() <= processors_ && worker.sent >= worker.rests_until;
    worker.affinity.keep_off(worker.sent_apart ? worker.caller_processor : -1);
  }
  worker.order.post(++worker.orders);
}

void ThreadPool::work(Worker& worker, void* scratch) {
  int caller_processor = -1;
  for (uint32_t seen = 0;;) {
    await_order(worker, seen, caller_processor);
    seen = worker.order.value();
    if (worker.sent_apart) {
      const auto now = Clock::now();
      const bool late = now - worker.sent > kLate;
      if (late) worker.rests_until = now + worker.rest;
      worker.rest = late ? std::min(2 * worker.rest, kMostRest) : kLeastRest;
    }
    caller_processor = worker.caller_processor;  // the order belongs to the caller again once it is done
    worker.processor.store(current_processor(), std::memory_order_relaxed);
    worker.bad = worker.body(worker.context, worker.begin, worker.end, scratch);
    worker.done.post(seen);
  }
}

// Spinning for somebody who needs this very processor only delays him, and so it does with more threads than processors.
// Sleeping beats yielding: on current Linux a thread that yields gives up its whole slice to whatever else runs on the machine.
int64_t ThreadPool::spins_against(int processor) const {
  return threads() > processors_ || (processor >= 0 && processor == current_processor()) ? 0 : spins_;
}

void ThreadPool::await_order(Worker& worker, uint32_t seen, int caller_processor) const {
  const int64_t spins = spins_against(caller_processor);
  for (int64_t i = 0; i < spins; ++i) {
    if (worker.order.value() != seen) return;
    spin_pause();
  }
  worker.order.sleep(seen);
}

void ThreadPool::await_done(Worker& worker, uint32_t order) const {
  const int64_t spins = spins_against(worker.processor.load(std::memory_order_relaxed));
  for (int64_t i = 0; i < spins; ++i) {
    if (worker.done.value() == order) return;
    spin_pause();
  }
  worker.done.sleep(order - 1);
}

}  // namespace lanewise
