#include "threads.h"

#include <algorithm>
#include <chrono>
#include <new>

#include "compute_thread.h"
#include "fork.h"
#include "kernels/args.h"
#include "processors.h"

namespace lanewise {
namespace {

using Clock = std::chrono::steady_clock;

// Longer than the serial instructions between two parallel ones, shorter than what a wake-up costs the other way: a virtual machine takes
// 10 to 50 µs. While a run is active a thread is patient: with many threads the shares of a long instruction end that far apart, and those
// who had gone to sleep by then would have to be woken for the next one.
constexpr Clock::duration kSpin = std::chrono::microseconds(40), kPatientSpin = std::chrono::milliseconds(1);

// Nanoseconds of work that a share should have, and that sleepers have to miss before one of them is woken: then it is not woken for
// a single small run, but for many, and stays awake.
constexpr double kShareCost = 1e3, kWakeCost = 50e3;

// Pauses between looks at the clock; one takes 4 to 140 cycles depending on the processor.
constexpr int kPausesPerLook = 16;

// Linux may wake a thread on its waker's processor while its own is idle: where both have been busy it does not look, and in a virtual
// machine an idle processor passes for one that the host has taken away. Both threads would then take turns there, so a worker that sleeps
// or meets its caller is kept off that processor; unless there are more threads than processors, or it has begun late elsewhere, for then
// others keep the processors busy and the system knows better for a while.
constexpr auto kLate = std::chrono::microseconds(500);

std::atomic<ThreadPool*> shared_pool{nullptr};

// Only the forking thread lives on in the child. Its pool is left behind: locks in it may be held by threads that are gone.
[[maybe_unused]] void forget_pool() { shared_pool.store(nullptr); }

}  // namespace

// Two lines that travel: the order to the worker, the answer back. An order is an even number until somebody takes it by adding one: the
// worker, or its caller if he is done before the worker has begun. Who has taken it may use what is not the caller's.
struct ThreadPool::Worker {
  alignas(128) Signal order{1};
  Body body = nullptr;
  const void* context = nullptr;
  int64_t begin = 0, end = 0;
  int caller_processor = -1;
  bool sent_apart = false;  // to a processor of its own
  Clock::time_point sent;
  alignas(128) Signal done;
  int64_t bad = kOk;
  std::atomic<int> processor{-1};  // where it ran last; who has seen it sees what `affinity` began with
  Rest rest;                       // from being kept off any processor
  // The caller's.
  uint32_t orders = 0;
  Affinity affinity;
};

ThreadPool::ThreadPool() : processors_(usable_processors()), threads_(std::min(processors_, kMaxThreads)) {}

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
int64_t ThreadPool::participants(int64_t tasks, double cost) const {
  const int others = active_runs_.load(std::memory_order_relaxed) - 1;
  const double worth = 1 + std::min(cost / kShareCost, double{kMaxThreads});
  return std::min({tasks, std::max<int64_t>(1, threads() - others), static_cast<int64_t>(worth)});
}

// As many as the system can give. Nothing between taking the pool and leaving it may throw.
void ThreadPool::start_workers(int wanted) {
  while (workers_ < wanted) {
    auto* worker = new (std::nothrow) Worker;
    if (!worker) break;
    if (!start_compute_thread([this, worker](void* scratch) {
          worker->affinity.start();
          work(*worker, scratch);
        })) {
      delete worker;
      break;
    }
    worker_[workers_++] = worker;
  }
}

// Those who are awake, and as many sleepers as the work that they miss repays.
int ThreadPool::choose_workers(int wanted, double cost, Worker** chosen) {
  start_workers(wanted);
  missed_ = std::min(missed_ + cost, kWakeCost * wanted);
  bool all = true;
  int count = 0;
  for (int i = 0; i < workers_ && count < wanted; ++i) {
    if (worker_[i]->order.sleeping()) {
      if (missed_ < kWakeCost) {
        all = false;
        continue;
      }
      missed_ -= kWakeCost;
    }
    chosen[count++] = worker_[i];
  }
  if (all) missed_ = 0;
  return count;
}

int64_t ThreadPool::parallel(int64_t tasks, double cost, Body body, const void* context, void* scratch) {
  const int64_t wanted = participants(tasks, cost);
  if (wanted <= 1 || busy_.exchange(true, std::memory_order_acquire)) return body(context, 0, tasks, scratch);

  Worker* chosen[kMaxThreads];
  const int helpers = choose_workers(static_cast<int>(wanted - 1), cost, chosen);
  const int64_t share = tasks / (helpers + 1), rest = tasks % (helpers + 1);
  const int processor = current_processor();
  int64_t begin = share + (rest > 0);  // the caller's own part is [0, begin)
  const int64_t own = begin;
  for (int i = 0; i < helpers; ++i) {
    Worker& worker = *chosen[i];
    worker.body = body;
    worker.context = context;
    worker.begin = begin;
    worker.caller_processor = processor;
    worker.end = begin += share + (i + 1 < rest);
    post_order(worker);
  }
  int64_t bad = body(context, 0, own, scratch);
  // Whoever was woken last has begun last, if at all.
  for (int i = helpers; i-- > 0;) {
    if (take(*chosen[i], chosen[i]->orders)) run_share(*chosen[i], chosen[i]->orders, scratch);
  }
  for (int i = 0; i < helpers; ++i) {
    await_done(*chosen[i]);
    bad = first_bad(bad, chosen[i]->bad);
  }
  busy_.store(false, std::memory_order_release);
  return bad;
}

void ThreadPool::post_order(Worker& worker) {
  const bool together = worker.processor.load(std::memory_order_acquire) == worker.caller_processor;
  worker.sent_apart = false;
  if (worker.caller_processor >= 0 && (together || worker.order.sleeping())) {
    worker.sent = Clock::now();
    worker.sent_apart = threads() <= processors_ && worker.rest.over(worker.sent);
    worker.affinity.keep_off(worker.sent_apart ? worker.caller_processor : -1);
  }
  worker.order.post(worker.orders += 2);
}

bool ThreadPool::take(Worker& worker, uint32_t order) {
  if (!worker.order.replace(order, order + 1)) return false;
  if (worker.sent_apart) {
    const auto now = Clock::now();
    if (now - worker.sent > kLate) {
      worker.rest.begin(now);
    } else {
      worker.rest.forget();
    }
  }
  return true;
}

void ThreadPool::run_share(Worker& worker, uint32_t order, void* scratch) {
  worker.bad = worker.body(worker.context, worker.begin, worker.end, scratch);
  worker.done.post(order);
}

void ThreadPool::work(Worker& worker, void* scratch) {
  Rest rest;
  for (int caller_processor = -1;;) {
    await_order(worker, rest, caller_processor);
    worker.processor.store(current_processor(), std::memory_order_release);
    const uint32_t order = worker.order.value();
    if (order % 2 != 0 || !take(worker, order)) continue;
    caller_processor = worker.caller_processor;  // the order belongs to the caller again once it is done
    run_share(worker, order, scratch);
  }
}

// Spinning for somebody who needs this very processor only delays him, and so it does with more threads than processors.
// Sleeping beats yielding: on current Linux a thread that yields gives up its whole slice to whatever else runs on the machine.
template <class Ready>
bool ThreadPool::spin(int processor, Rest& rest, const Ready& ready) const {
  if (threads() > processors_ || (processor >= 0 && processor == current_processor())) return ready();
  const auto start = Clock::now();
  const bool patient = rest.over(start);
  for (auto now = start, active = start; now - active <= kSpin;) {
    for (int i = 0; i < kPausesPerLook; ++i) {
      if (ready()) {
        if (now - start > kSpin) rest.forget();
        return true;
      }
      spin_pause();
    }
    now = Clock::now();
    if (!patient) continue;
    // Between two runs there is none active, but for a moment.
    if (active_runs_.load(std::memory_order_relaxed) > 0) active = now;
    if (now - start > kPatientSpin) {
      rest.begin(now);
      return false;
    }
  }
  return false;
}

void ThreadPool::await_order(Worker& worker, Rest& rest, int caller_processor) const {
  const uint32_t taken = worker.order.value();
  if (taken % 2 != 0 && !spin(caller_processor, rest, [&] { return worker.order.value() != taken; })) worker.order.sleep(taken);
}

void ThreadPool::await_done(Worker& worker) {
  const auto done = [&] { return worker.done.value() == worker.orders; };
  if (!done() && !spin(worker.processor.load(std::memory_order_relaxed), rest_, done)) worker.done.sleep(worker.orders - 2);
}

}  // namespace lanewise
