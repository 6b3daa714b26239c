// Threads, memories, locks and runs. Sanitizer builds run the same cases.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <new>
#include <numeric>
#include <set>
#include <thread>

#include "check.h"
#include "runtime/compute_thread.h"
#include "runtime/denormals.h"
#include "runtime/processors.h"
#include "runtime/run.h"
#include "runtime/runner_threads.h"
#include "runtime/size.h"
#include "runtime/thread_signal.h"
#include "runtime/threads.h"
#include "stream_writer.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/resource.h>
#endif
#if defined(__unix__)
#include <sys/wait.h>
#include <unistd.h>
#endif
#if defined(__SANITIZE_THREAD__)
#define LW_TSAN 1
#endif

using namespace lanewise;
using namespace lanewise::test;

// This thread finds no memory while it is set.
static thread_local bool no_memory = false;

static void* allocate(size_t bytes, size_t alignment = alignof(std::max_align_t)) {
  return no_memory ? nullptr : aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
}
// Not inline: the compiler knows what is freed to come from operator new, and warns.
__attribute__((noinline)) static void release(void* memory) { free(memory); }
static void* or_throw(void* memory) { return memory ? memory : throw std::bad_alloc(); }

void* operator new(size_t bytes) { return or_throw(allocate(bytes)); }
void* operator new(size_t bytes, std::align_val_t alignment) { return or_throw(allocate(bytes, static_cast<size_t>(alignment))); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes); }
void* operator new(size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(bytes, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { release(memory); }

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Scratch {
  void* data = allocate_zeroed(kScratchBytes);
  ~Scratch() { free_zeroed(data, kScratchBytes); }
};

void* scratch() {
  thread_local Scratch mine;
  return mine.data;
}

// Nanoseconds for which every thread is worth waking.
constexpr double kLarge = 1e9;

// Leaves the pool as it was.
struct Threads {
  explicit Threads(int count) { ThreadPool::instance().set_threads(count); }
  ~Threads() { ThreadPool::instance().set_threads(before); }
  const int before = ThreadPool::instance().threads();
};

// Counts how often each task ran.
struct Counters {
  explicit Counters(int64_t tasks) : ran(static_cast<size_t>(tasks)) {}
  std::vector<std::atomic<int>> ran;

  static int64_t run(const void* context, int64_t begin, int64_t end, void*) {
    auto& self = *static_cast<Counters*>(const_cast<void*>(context));
    for (int64_t t = begin; t < end; ++t) self.ran[static_cast<size_t>(t)].fetch_add(1, std::memory_order_relaxed);
    return kOk;
  }
  bool all(int times) const {
    for (const auto& count : ran) {
      if (count.load() != times) return false;
    }
    return true;
  }
};

int64_t region(Counters& counters) {
  return ThreadPool::instance().parallel(static_cast<int64_t>(counters.ran.size()), kLarge, Counters::run, &counters, scratch());
}

// A run on a runner thread.
class Background : public Job {
 public:
  Background(const std::shared_ptr<Program>& program, Memories memories, int64_t steps) : run_(program, std::move(memories), steps, 0) {
    run_.watch(control);
    start_on_runner(*this);
  }
  ~Background() override { wait(); }

  void run(void* scratch) override {
    thread_ = std::this_thread::get_id();
    result_ = run_.execute(scratch);
  }
  void finish() override {
    std::lock_guard guard(mutex_);
    done_ = true;
    changed_.notify_all();
  }
  RunResult wait() {
    std::unique_lock guard(mutex_);
    changed_.wait(guard, [&] { return done_; });
    return result_;
  }
  void cancel() { run_.cancel(); }
  // Once it has ended.
  std::thread::id thread() const { return thread_; }

  int32_t control[2] = {};

 private:
  Run run_;
  RunResult result_;
  std::thread::id thread_;
  bool done_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
};

RunResult run(const std::shared_ptr<Program>& program, Memories memories, int64_t steps = 1, int64_t first_step = 0) {
  return Run(program, std::move(memories), steps, first_step).execute(scratch());
}

// w += 1, over `count` floats of memory 1; everything commits.
std::shared_ptr<Program> counting(double count) {
  return decode(stream({{0}, {count * 4, 0, true}}, {map({1, 0}, {{1, 0}}, count, {1}, {{MapOp::add, 0, 1}})}, 0));
}

}  // namespace

LW_TEST(pool_runs_every_task_once) {
  for (const int threads : {1, 2, 3, 4, 8}) {
    const Threads use(threads);
    const ThreadPool::ActiveRun active(ThreadPool::instance());
    for (const int64_t tasks : {1, 2, 3, 7, 64, 1000}) {
      Counters counters(tasks);
      for (int i = 0; i < 20; ++i) CHECK(region(counters) == kOk);
      CHECK_TEXT(counters.all(20), std::to_string(threads) + " threads, " + std::to_string(tasks) + " tasks");
    }
  }
}

LW_TEST(pool_reports_the_first_bad_position) {
  const Threads use(4);
  const ThreadPool::ActiveRun active(ThreadPool::instance());
  const auto bad_from = [](const void* context, int64_t begin, int64_t end, void*) -> int64_t {
    const int64_t first = *static_cast<const int64_t*>(context);
    return end > first ? (begin > first ? begin : first) : kOk;
  };
  for (const int64_t first : {0, 1, 37, 99, 100}) {
    CHECK(ThreadPool::instance().parallel(100, kLarge, bad_from, &first, scratch()) == (first < 100 ? first : kOk));
  }
  CHECK(first_bad(kOk, kOk) == kOk && first_bad(3, kOk) == 3 && first_bad(kOk, 3) == 3 && first_bad(5, 3) == 3);
}

LW_TEST(pool_serves_several_callers_while_the_thread_count_changes) {
  const Threads use(2);
  std::atomic<bool> stop{false};
  std::thread changing([&] {
    for (int i = 0; !stop.load(); ++i) {
      ThreadPool::instance().set_threads(1 + i % 5);
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      const ThreadPool::ActiveRun active(ThreadPool::instance());
      for (int i = 0; i < 300; ++i) {
        Counters counters(50);
        region(counters);
        wrong += !counters.all(1);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  stop.store(true);
  changing.join();
  CHECK(wrong.load() == 0);
}

LW_TEST(pool_wakes_a_sleeper_for_many_small_runs_but_not_for_one) {
  const Threads use(2);
  struct Seen {
    const std::thread::id caller = std::this_thread::get_id();
    std::atomic<bool> alone{true};
  };
  // The first share waits for the other one to begin elsewhere, or its caller would take it back.
  const auto body = [](const void* context, int64_t begin, int64_t end, void*) -> int64_t {
    auto& seen = *static_cast<Seen*>(const_cast<void*>(context));
    if (std::this_thread::get_id() != seen.caller) seen.alone = false;
    const auto start = steady_clock::now();
    while (begin == 0 && end == 1 && seen.alone && steady_clock::now() - start < milliseconds(1000)) std::this_thread::yield();
    return kOk;
  };
  const auto runs_alone = [&](double cost) {
    const ThreadPool::ActiveRun active(ThreadPool::instance());
    const Seen seen;
    ThreadPool::instance().parallel(2, cost, body, &seen, scratch());
    return seen.alone.load();
  };
  CHECK(!runs_alone(kLarge));
  std::this_thread::sleep_for(milliseconds(100));  // outside a run workers go to sleep at once
  CHECK(runs_alone(10e3));
  int alone = 1;
  while (alone < 100 && runs_alone(10e3)) ++alone;
  CHECK_TEXT(alone < 100, std::to_string(alone) + " runs alone");
}

LW_TEST(pool_without_memory_makes_do_with_the_threads_it_has) {
  const Threads use(16);  // more than any case before has started
  const ThreadPool::ActiveRun active(ThreadPool::instance());
  Counters counters(64);
  bool threw = false;
  no_memory = true;
  try {
    region(counters);
  } catch (const std::bad_alloc&) {
    threw = true;
  }
  no_memory = false;
  CHECK(!threw && counters.all(1));
  region(counters);
  CHECK(counters.all(2));
}

LW_TEST(a_thread_that_finds_no_memory_is_not_started) {
  bool started = true;
  const std::function<void(void*)> body = [](void*) {};
  no_memory = true;
  try {
    started = start_compute_thread(body);
  } catch (const std::bad_alloc&) {
  }
  no_memory = false;
  CHECK(!started);
}

LW_TEST(more_threads_than_processors_do_not_crawl) {
  const Threads use(usable_processors() + 2);
  const ThreadPool::ActiveRun active(ThreadPool::instance());
  Counters counters(64);
  region(counters);
  const auto start = steady_clock::now();
  for (int i = 0; i < 500; ++i) region(counters);
  CHECK(steady_clock::now() - start < milliseconds(5000));
}

#if defined(__linux__)
LW_TEST(a_thread_is_kept_off_a_processor_and_gets_it_back) {
  if (usable_processors() < 2) return;
  constexpr int kRounds = 20;
  Signal ask, answer;
  Affinity affinity;
  std::atomic<int> processor{-1};
  std::atomic<pid_t> thread{0};
  std::thread sleeper([&] {
    affinity.start();
    thread = gettid();
    for (uint32_t round = 0; round <= kRounds; ++round) {
      processor = current_processor();
      answer.post(round + 1);
      if (round < kRounds) ask.sleep(round);
    }
  });
  answer.sleep(0);
  cpu_set_t before, after;
  CHECK(sched_getaffinity(thread, sizeof before, &before) == 0);
  int met = 0;
  for (uint32_t round = 1; round < kRounds; ++round) {
    const int avoided = processor;
    no_memory = true;
    affinity.keep_off(avoided);
    no_memory = false;
    ask.post(round);
    answer.sleep(round);
    met += processor == avoided;
  }
  CHECK(met == 0);
  affinity.keep_off(-1);
  CHECK(sched_getaffinity(thread, sizeof after, &after) == 0 && CPU_EQUAL(&before, &after));

  // Another one's choice counts, and is not widened.
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  CHECK(sched_setaffinity(thread, sizeof one, &one) == 0);
  for (const int off : {static_cast<int>(processor), -1}) {
    affinity.keep_off(off);
    CHECK(sched_getaffinity(thread, sizeof after, &after) == 0 && CPU_EQUAL(&one, &after));
  }
  ask.post(kRounds);
  sleeper.join();
}
#endif

#if defined(__linux__)
LW_TEST(compute_threads_give_way_once_whoever_starts_them) {
  const auto niceness = [] { return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); };
  std::atomic<int> outer{-100}, inner{-100};
  std::atomic<bool> ended{false};
  CHECK(start_compute_thread([&](void*) {
    outer = niceness();
    const bool started = start_compute_thread([&](void*) {
      inner = niceness();
      ended = true;
    });
    if (!started) ended = true;
  }));
  while (!ended) std::this_thread::sleep_for(milliseconds(1));
  CHECK_TEXT(outer == std::min(niceness() + 10, 19), std::to_string(outer));
  CHECK_TEXT(inner == outer, std::to_string(inner));
}
#endif

LW_TEST(denormals_are_flushed_in_scope_and_on_workers) {
  const auto halved = [] {
    volatile float smallest = 1.17549435e-38f;
    return smallest * 0.5f;
  };
  CHECK(halved() != 0);
  {
    const FlushDenormals flush;
    CHECK(halved() == 0);
  }
  CHECK(halved() != 0);
  const Threads use(3);
  const ThreadPool::ActiveRun active(ThreadPool::instance());
  const FlushDenormals flush;
  const auto body = [](const void*, int64_t begin, int64_t, void*) -> int64_t {
    volatile float smallest = 1.17549435e-38f;
    return smallest * 0.5f == 0 ? kOk : begin;
  };
  CHECK(ThreadPool::instance().parallel(3, kLarge, body, nullptr, scratch()) == kOk);
}

LW_TEST(memory_is_zeroed_and_aligned_or_refused) {
  for (const int64_t bytes : {int64_t{0}, int64_t{1}, int64_t{63}, int64_t{64}, int64_t{100000}, int64_t{5} << 20}) {
    const auto memory = Memory::allocate(bytes);
    CHECK(reinterpret_cast<uintptr_t>(memory->data()) % kMemoryAlignment == 0);
    CHECK(memory->bytes() == bytes);
    CHECK(std::accumulate(memory->data(), memory->data() + bytes, 0) == 0);
    if (bytes > 0) memset(memory->data(), 0xff, static_cast<size_t>(bytes));
  }
  CHECK(message_of([] { Memory::allocate(kMaxSize); }) == "memory: this machine cannot provide 9007199254740992 bytes");
  int released = 0;
  {
    char block[8];
    Memory::borrow(block, 8, [&] { ++released; });
  }
  CHECK(released == 1);
}

// The leak sanitizer sees what becomes of a block of our own.
LW_TEST(memory_that_nobody_can_own_is_given_back) {
  int released = 0, threw = 0;
  char block[8];
  no_memory = true;
  try {
    Memory::borrow(block, 8, [&] { ++released; });
  } catch (const std::bad_alloc&) {
    ++threw;
  }
  try {
    Memory::allocate(64);
  } catch (const std::bad_alloc&) {
    ++threw;
  }
  no_memory = false;
  CHECK(released == 1 && threw == 2);
}

LW_TEST(memory_lock_excludes) {
  MemoryLock lock;
  int64_t value = 0;
  std::atomic<int> torn{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5000; ++i) {
        if (t < 2) {
          lock.lock();
          ++value;
          lock.unlock();
        } else {
          lock.lock_shared();
          const int64_t first = value;
          torn += first != value;
          lock.unlock_shared();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(value == 10000);
  CHECK(torn.load() == 0);
  CHECK(lock.try_lock());
  CHECK(!lock.try_lock_shared());
  lock.unlock();
}

// Whoever takes the lock again at once must let in who waits.
template <class Take, class Leave>
bool lets_others_in(Take take, Leave leave) {
  MemoryLock lock;
  std::atomic<bool> stop{false};
  std::thread greedy([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      take(lock);
      std::this_thread::sleep_for(std::chrono::microseconds(100));
      leave(lock);
    }
  });
  const auto start = steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    lock.lock_shared();
    lock.unlock_shared();
    lock.lock();
    lock.unlock();
  }
  const auto took = steady_clock::now() - start;
  stop.store(true);
  greedy.join();
  return took < milliseconds(2000);
}

LW_TEST(memory_lock_is_fair) {
  CHECK(lets_others_in([](MemoryLock& lock) { lock.lock(); }, [](MemoryLock& lock) { lock.unlock(); }));
  // Also who joins readers, with nobody else reading.
  CHECK(lets_others_in([](MemoryLock& lock) { lock.join_shared(); }, [](MemoryLock& lock) { lock.unlock_shared(); }));
}

LW_TEST(memory_lock_lets_readers_join) {
  // A long reader, and a writer who waits for it: another reader joins the first without waiting for either.
  MemoryLock lock;
  lock.lock_shared();
  std::atomic<bool> written{false};
  std::thread writer([&] {
    lock.lock();
    written.store(true);
    lock.unlock();
  });
  while (lock.try_lock_shared()) {  // until the writer waits
    lock.unlock_shared();
    std::this_thread::yield();
  }
  for (int i = 0; i < 3; ++i) {
    lock.join_shared();
    CHECK(!written.load());
    lock.unlock_shared();
  }
  lock.unlock_shared();
  writer.join();
  CHECK(written.load());
}

LW_TEST(run_computes) {
  // arena[0..4) = x · w; out = −arena
  const auto program = decode(stream({{64}, {16}, {16}, {16, 0, true}},
                                     {gemm({0, 0}, {1, 0}, {2, 0}, 2, 2, 2), map({3, 0}, {{0, 0}}, 4, {}, {{MapOp::neg, 0}})}, 1));
  const auto x = floats({1, 2, 3, 4}), w = floats({1, 0, 1, 1}), out = floats({0, 0, 0, 0});
  const RunResult result = run(program, {x, w, out});
  CHECK(result.steps == 1 && !result.failure);
  const float expected[] = {-3, -2, -7, -4};
  CHECK(memcmp(values(out), expected, sizeof expected) == 0);
  CHECK(run(program, {x, w, out}, 0).steps == 0);
}

LW_TEST(run_of_nothing_counts_its_steps) {
  const auto program = decode(stream({{0}}, {}, 0));
  CHECK(run(program, {}, 5).steps == 5);
}

LW_TEST(run_moves_memories_with_a_stride) {
  // results[step] = 2 · data[step], 2 floats a step
  const auto program = decode(stream({{0}, {8, 8}, {8, 8, true}}, {map({2, 0}, {{1, 0}}, 2, {2}, {{MapOp::mul, 0, 1}})}, 1));
  const auto data = floats({1, 2, 3, 4, 5, 6}), results = floats({0, 0, 0, 0, 0, 0});
  for (int repeat = 0; repeat < 2; ++repeat) {
    CHECK(run(program, {data, results}, 3).steps == 3);
    for (int i = 0; i < 6; ++i) CHECK(values(results)[i] == 2.0f * static_cast<float>(i + 1));
  }
  CHECK(message_of([&] { run(program, {data, results}, 4); }) == "program: memory 1: expected at least 32 bytes for 4 steps, got 24");
  CHECK(message_of([&] {
          run(program, {data, results}, kMaxSize);
        }).find("expected at least 72057594037927936 bytes") != std::string::npos);
}

LW_TEST(random_follows_the_step) {
  const auto program = decode(stream({{0}, {64, 64, true}}, {random({1, 0}, 16)}, 1));
  const auto all = Memory::allocate(4 * 64), part = Memory::allocate(64);
  run(program, {all}, 4, 10);
  for (int step = 0; step < 4; ++step) {
    run(program, {part}, 1, 10 + step);
    CHECK(memcmp(part->data(), all->data() + step * 64, 64) == 0);
  }
}

LW_TEST(run_refuses_memories_that_do_not_fit) {
  const auto program = decode(stream({{0}, {16}, {16, 0, true}}, {map({2, 0}, {{1, 0}}, 4, {}, {{MapOp::neg, 0}})}, 0));
  const auto a = floats({1, 2, 3, 4}), b = floats({1, 2, 3, 4});
  CHECK(message_of([&] { run(program, {a}); }) == "program: expected 2 memories, got 1");
  CHECK(message_of([&] { run(program, {a, a}); }) == "program: memories 2 and 1 overlap, and the first is written");
  CHECK(message_of([&] { run(program, {floats({1}), b}); }) == "program: memory 1: expected at least 16 bytes for 1 steps, got 4");
  alignas(16) char block[32];
  CHECK(message_of([&] {
          run(program, {Memory::borrow(block + 1, 20, [] {}), b});
        }) == "program: memory 1: expected a start at a multiple of 4 bytes");
  CHECK(run(program, {a, b}).steps == 1);
}

LW_TEST(program_runs_once_at_a_time) {
  const auto program = counting(4);
  const auto w = floats({0, 0, 0, 0});
  {
    const Run held(program, {w}, 1, 0);
    CHECK(message_of([&] { run(program, {w}); }) == "program: it is running; a program runs once at a time");
  }
  CHECK(run(program, {w}).steps == 1);
}

LW_TEST(runs_one_after_another_share_a_thread) {
  const auto program = counting(4);
  const auto w = floats({0, 0, 0, 0});
  std::set<std::thread::id> threads;
  for (int i = 0; i < 200; ++i) {
    Background background(program, {w}, 1);
    CHECK(background.wait().steps == 1);
    threads.insert(background.thread());
  }
  CHECK_TEXT(threads.size() == 1, std::to_string(threads.size()) + " threads");
}

#if defined(__linux__)
LW_TEST(few_threads_of_a_burst_of_runs_stay) {
  const auto threads_now = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return static_cast<int>(std::distance(begin(tasks), end(tasks)));
  };
  struct Held : Job {
    std::atomic<bool>* go;
    std::atomic<int>* ended;
    void run(void*) override {
      while (!*go) std::this_thread::sleep_for(milliseconds(1));
    }
    void finish() override { ++*ended; }
  };
  const int stay = std::max(8, usable_processors()), before = threads_now();
  std::atomic<bool> go{false};
  std::atomic<int> ended{0};
  std::vector<Held> jobs(static_cast<size_t>(stay + 20));
  for (Held& job : jobs) {
    job.go = &go, job.ended = &ended;
    start_on_runner(job);
  }
  CHECK(threads_now() > before + 10);
  go = true;
  int left = 0;
  for (int wait = 0; wait < 5000 && (ended != stay + 20 || (left = threads_now()) > before + stay); ++wait)
    std::this_thread::sleep_for(milliseconds(1));
  CHECK_TEXT(ended == stay + 20 && left <= before + stay, std::to_string(before) + " threads, then " + std::to_string(left));
}
#endif

LW_TEST(cancel_stops_between_steps_only) {
  const auto program = counting(1000);
  const auto w = Memory::allocate(4000);
  for (int by_control = 0; by_control < 2; ++by_control) {
    memset(w->data(), 0, 4000);
    Background background(program, {w}, int64_t{1} << 40);
    std::this_thread::sleep_for(milliseconds(5));
    if (by_control) {
      __atomic_store_n(&background.control[0], 1, __ATOMIC_RELAXED);
    } else {
      background.cancel();
    }
    const RunResult result = background.wait();
    CHECK(background.control[1] == result.steps);
    // Whole steps: every element was counted up equally often.
    bool whole = true;
    for (int i = 0; i < 1000; ++i) whole = whole && values(w)[i] == values(w)[0];
    CHECK(whole);
    CHECK(values(w)[0] == fminf(static_cast<float>(result.steps), 16777216.0f));
  }
}

LW_TEST(bad_index_stops_before_commit) {
  // gather fails at step 2 (ids move with the step); the state counts the steps that committed
  const auto program =
      decode(stream({{64}, {16}, {8, 8}, {4, 0, true}},
                    {gather_rows({0, 0}, {1, 0}, {2, 0}, 2, 4, 4), map({3, 0}, {{3, 0}}, 1, {1}, {{MapOp::add, 0, 1}})}, 1));
  const auto table = floats({1, 2, 3, 4}), state = floats({0}), ids = Memory::allocate(32);
  const int32_t rows[] = {0, 1, 2, 3, 1, 9, 0, 0};
  memcpy(ids->data(), rows, sizeof rows);
  const RunResult result = run(program, {table, ids, state}, 4);
  CHECK(result.steps == 2 && values(state)[0] == 2);
  CHECK(result.failure.instruction == 0 && result.failure.step == 2 && result.failure.position == 1 && result.failure.value == 9);
  CHECK(std::string(result.failure.error(*program).what()) == "instruction 0 (gather_rows), step 2: index 9 at position 1 is out of range");
}

LW_TEST(bad_index_after_commit_finishes_the_step) {
  const auto program =
      decode(stream({{64}, {16}, {8}, {4, 0, true}},
                    {gather_rows({0, 0}, {1, 0}, {2, 0}, 2, 4, 4), map({3, 0}, {{3, 0}}, 1, {1}, {{MapOp::add, 0, 1}})}, 0));
  const auto table = floats({1, 2, 3, 4}), state = floats({0}), ids = Memory::allocate(8);
  const int32_t rows[] = {-1, 1};
  memcpy(ids->data(), rows, sizeof rows);
  const RunResult result = run(program, {table, ids, state}, 4);
  CHECK(result.steps == 1 && values(state)[0] == 1);
  CHECK(result.failure.instruction == 0 && result.failure.position == 0 && result.failure.value == -1);
}

LW_TEST(debug_finds_the_first_bad_value_and_does_not_commit) {
  // arena = log(x); arena2 = arena + 1; state += arena2
  const auto program = decode(stream({{64}, {8, 8}, {8, 0, true}},
                                     {map({0, 0}, {{1, 0}}, 2, {}, {{MapOp::log, 0}}), map({0, 32}, {{0, 0}}, 2, {1}, {{MapOp::add, 0, 1}}),
                                      map({2, 0}, {{2, 0}, {0, 32}}, 2, {}, {{MapOp::add, 0, 1}})},
                                     2));
  const auto x = floats({1, 1, 1, 0, 1, 1}), state = floats({0, 0});
  DebugFinding found = Run(program, {x, state}, 3, 0).debug(scratch());
  CHECK(found.instruction == 0 && found.step == 1 && !found.failure);
  CHECK(values(state)[0] == 1 && values(state)[1] == 1);
  values(x)[3] = 1;
  found = Run(program, {x, state}, 3, 0).debug(scratch());
  CHECK(found.instruction == -1 && found.step == 3 && values(state)[0] == 4);
}

namespace {

// The instruction of the arena program (memory 1: four numbers, memory 2: a result that is kept) at which a debug run stops; −1: none.
int64_t stops_at(std::vector<Words> instructions, std::initializer_list<float> numbers) {
  const size_t commit = instructions.size();
  const auto program = decode(stream({{256}, {16}, {16, 0, true}}, std::move(instructions), commit));
  return Run(program, {floats(numbers), Memory::allocate(16)}, 2, 0).debug(scratch()).instruction;
}

}  // namespace

LW_TEST(debug_lets_infinities_pass_that_are_meant) {
  constexpr double kInf = INFINITY;
  // 1 where x < 2, then −∞ elsewhere
  const Words mask = map({0, 0}, {{1, 0}}, 4, {2}, {{MapOp::less, 0, 1}});
  const Words masked = map({0, 16}, {{0, 0}, {1, 0}}, 4, {-kInf}, {{MapOp::select, 0, 1, 2}});
  const Words largest = reduce(ReduceKind::max, {2, 0}, {0, 16}, 1, 4, 1);
  CHECK(stops_at({mask, masked, largest}, {0, 1, 2, 3}) == -1);
  CHECK(stops_at({mask, masked, largest}, {2, 2, 2, 3}) == 2);  // what is kept must be finite
  CHECK(stops_at({mask, masked, map({2, 0}, {{0, 16}}, 4, {}, {{MapOp::neg, 0}})}, {0, 1, 2, 3}) == 2);
  CHECK(stops_at({map({2, 0}, {{1, 0}}, 4, {kInf}, {{MapOp::add, 0, 1}})}, {0, 1, 2, 3}) == 0);
  // From one to the next, in place and by a copy, as long as no NaN comes of it.
  const Words halved = map({0, 16}, {{0, 16}}, 4, {0.5}, {{MapOp::mul, 0, 1}}), turned = transpose({0, 48}, {0, 16}, 2, 2);
  const Words again = map({0, 64}, {{0, 48}}, 4, {}, {{MapOp::neg, 0}}), nothing = map({0, 64}, {{0, 48}}, 4, {0}, {{MapOp::mul, 0, 1}});
  CHECK(stops_at({mask, masked, halved, turned, again}, {0, 1, 2, 3}) == -1);
  CHECK(stops_at({mask, masked, halved, turned, nothing}, {0, 1, 2, 3}) == 4);
  CHECK(stops_at({fill({0, 0}, 4, kInf), map({0, 16}, {{0, 0}}, 4, {1}, {{MapOp::add, 0, 1}})}, {0, 0, 0, 0}) == -1);
}

LW_TEST(debug_counts_other_infinities) {
  const Words large = map({0, 0}, {{1, 0}}, 4, {1e38}, {{MapOp::mul, 0, 1}}), exponential = map({0, 0}, {{1, 0}}, 4, {}, {{MapOp::exp, 0}});
  CHECK(stops_at({large}, {1, 2, 3, 0}) == -1);
  CHECK(stops_at({large}, {1, 2, 4, 0}) == 0);
  CHECK(stops_at({exponential}, {0, 1, 89, 0}) == 0);
  // Data that are infinite, also those that were moved before.
  const Words moved = transpose({0, 0}, {1, 0}, 2, 2), negative = map({0, 16}, {{0, 0}}, 4, {}, {{MapOp::neg, 0}});
  CHECK(stops_at({map({0, 0}, {{1, 0}}, 4, {}, {{MapOp::neg, 0}})}, {0, 0, 0, HUGE_VALF}) == 0);
  CHECK(stops_at({moved, negative}, {0, 0, 0, 1}) == -1);
  CHECK(stops_at({moved, negative}, {0, 0, 0, HUGE_VALF}) == 1);
  // Where one that was meant lay before.
  const Words meant = fill({0, 0}, 4, -INFINITY), used = reduce(ReduceKind::max, {0, 32}, {0, 0}, 1, 4, 1);
  CHECK(stops_at({meant, used, map({0, 0}, {{1, 0}}, 4, {}, {{MapOp::abs, 0}}), negative}, {0, 0, 0, 1}) == -1);
  CHECK(stops_at({meant, used, map({0, 0}, {{1, 0}}, 4, {}, {{MapOp::abs, 0}}), exponential}, {0, 0, 89, 1}) == 3);
}

LW_TEST(debug_does_not_count_empty_products) {
  Words empty = gemm({0, 0}, {1, 0}, {1, 0}, 1, 0, 1);
  empty[13] = 0x1p50;  // of a batch that would take days to walk
  const auto program = decode(stream({{64}, {8}}, {empty}, 1));
  CHECK(!Run(program, {floats({1, 1})}, 1, 0).debug(scratch()));
}

LW_TEST(debug_looks_at_nothing_that_lay_there_before) {
  for (const KernelTable* table : available_tables()) {
    for (const int64_t h : {1, 10, 16, 17, 40, 48, 64}) {
      const auto units = static_cast<double>((h + kPanelUnits - 1) / kPanelUnits * kPanelUnits);
      const auto size = static_cast<double>(h), bytes = 4 * size * size;
      const Words words = stream({{4 * units * size}, {bytes}}, {with_operands(31, {{0, 0}, {1, 0}}, {size, 1, 0})}, 1);
      const auto program = lanewise::decode(words.data(), words.size(), *table);
      memset(program->arena->data(), 0xff, static_cast<size_t>(program->arena->bytes()));  // NaN
      CHECK_TEXT(!Run(program, {Memory::allocate(h * h * 4)}, 1, 0).debug(scratch()), std::string(table->isa) + " " + std::to_string(h));
    }
  }
}

LW_TEST(a_reader_sees_whole_steps_only) {
  const auto counter = counting(512);
  const auto w = Memory::allocate(2048);
  // copy out what the other program writes
  const auto reader = decode(stream({{0}, {2048}, {2048, 0, true}}, {map({2, 0}, {{1, 0}}, 512, {}, {{MapOp::abs, 0}})}, 1));
  const auto seen = Memory::allocate(2048);
  Background background(counter, {w}, int64_t{1} << 40);
  bool whole = true;
  for (int i = 0; i < 200; ++i) {
    run(reader, {w, seen});
    for (int e = 1; e < 512; ++e) whole = whole && values(seen)[e] == values(seen)[0];
  }
  background.cancel();
  background.wait();
  CHECK(whole);
}

LW_TEST(programs_that_write_what_the_other_reads_do_not_lock_up) {
  const auto update = [] {
    return decode(
        stream({{64}, {16}, {16, 0, true}},
               {map({0, 0}, {{1, 0}}, 4, {0.5}, {{MapOp::mul, 0, 1}}), map({2, 0}, {{2, 0}, {0, 0}}, 4, {}, {{MapOp::maximum, 0, 1}})}, 1));
  };
  const auto a = floats({1, 2, 3, 4}), b = floats({4, 3, 2, 1});
  Background first(update(), {a, b}, 20000), second(update(), {b, a}, 20000);
  CHECK(first.wait().steps == 20000);
  CHECK(second.wait().steps == 20000);
}

LW_TEST(several_runs_at_once_give_the_same_bits_on_any_number_of_threads) {
  // Products and maps large enough to be shared.
  const auto make = [] {
    return decode(stream({{4 * 256 * 256 * 2}, {4 * 256 * 256, 0, true}},
                         {random({0, 0}, 256 * 256), gemm({0, 4 * 256 * 256}, {0, 0}, {1, 0}, 256, 256, 256),
                          map({1, 0}, {{1, 0}, {0, 4 * 256 * 256}}, 256 * 256, {0.01}, {{MapOp::tanh, 1}, {MapOp::fma, 3, 2, 0}})},
                         2));
  };
  const auto start = [](float* w) {
    for (int i = 0; i < 256 * 256; ++i) w[i] = static_cast<float>(i % 17 - 8) * 0.1f;
  };
  const auto expected = Memory::allocate(4 * 256 * 256);
  start(values(expected));
  {
    const Threads one(1);
    run(make(), {expected}, 6);
  }
  for (const int threads : {1, 2, 4}) {
    const Threads use(threads);
    std::vector<std::shared_ptr<Memory>> results;
    std::vector<std::unique_ptr<Background>> runs;
    for (int r = 0; r < 3; ++r) {
      results.push_back(Memory::allocate(4 * 256 * 256));
      start(values(results.back()));
      runs.push_back(std::make_unique<Background>(make(), Memories{results.back()}, 6));
    }
    for (int r = 0; r < 3; ++r) {
      CHECK(runs[static_cast<size_t>(r)]->wait().steps == 6);
      CHECK_TEXT(memcmp(results[static_cast<size_t>(r)]->data(), expected->data(), 4 * 256 * 256) == 0,
                 std::to_string(threads) + " threads");
    }
  }
}

LW_TEST(dispatch_names_what_is_available) {
  const auto& tables = available_tables();
  CHECK(!tables.empty());
  for (const KernelTable* table : tables) CHECK(&find_table(table->isa) == table);
  CHECK(&find_table("") == tables.front());
  const std::string message = message_of([] { find_table("sse9"); });
  CHECK(message.find("expected one of ") != std::string::npos && message.find("got 'sse9'") != std::string::npos);
  CHECK(message.find(tables.back()->isa) != std::string::npos);
  CHECK(usable_processors() >= 1);
}

#if defined(__linux__)
// The files of control groups in a folder of their own.
class ControlGroups {
 public:
  ~ControlGroups() { std::filesystem::remove_all(root_); }

  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + file).parent_path());
    std::ofstream(root_ + file) << text;
  }

  double processors() const { return control_group_processors(root_); }

 private:
  std::string root_ = std::filesystem::temp_directory_path() / ("lanewise-" + std::to_string(getpid()));
};

LW_TEST(the_tightest_quota_of_a_control_group_and_those_around_it_counts) {
  const ControlGroups v2;
  CHECK(v2.processors() == INFINITY);
  v2.write("/proc/self/cgroup", "0::/outer/inner\n");
  CHECK(v2.processors() == INFINITY);
  v2.write("/sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n");
  CHECK(v2.processors() == INFINITY);
  v2.write("/sys/fs/cgroup/outer/cpu.max", "150000 100000\n");
  CHECK(v2.processors() == 1.5);
  v2.write("/sys/fs/cgroup/outer/inner/cpu.max", "400000 100000\n");
  CHECK(v2.processors() == 1.5);
  v2.write("/sys/fs/cgroup/outer/cpu.max", "0 0\n");
  CHECK(v2.processors() == 4);
}

LW_TEST(quotas_of_the_first_version_of_control_groups_count) {
  const ControlGroups v1;
  v1.write("/proc/self/cgroup", "12:memory:/memory\nno group\n4:cpuset:/set\n3:cpu,cpuacct:/service");
  v1.write("/sys/fs/cgroup/cpu/service/cpu.cfs_quota_us", "-1\n");
  v1.write("/sys/fs/cgroup/cpu/service/cpu.cfs_period_us", "100000\n");
  v1.write("/sys/fs/cgroup/cpu/set/cpu.cfs_quota_us", "100000\n");
  v1.write("/sys/fs/cgroup/cpu/set/cpu.cfs_period_us", "100000\n");
  CHECK(v1.processors() == INFINITY);
  v1.write("/sys/fs/cgroup/cpu/service/cpu.cfs_quota_us", "250000\n");
  CHECK(v1.processors() == 2.5);
}
#endif

#if defined(__unix__) && !defined(LW_TSAN)
LW_TEST(a_forked_child_gets_its_own_threads) {
  const Threads use(2);
  Counters before(8);
  {
    const ThreadPool::ActiveRun active(ThreadPool::instance());
    region(before);
  }
  const pid_t child = fork();
  if (child == 0) {
    ThreadPool::instance().set_threads(2);
    Counters counters(8);
    {
      const ThreadPool::ActiveRun active(ThreadPool::instance());
      for (int i = 0; i < 10; ++i) region(counters);
    }
    const auto w = floats({0});
    const auto program = counting(1);
    const bool ran = Background(program, {w}, 3).wait().steps == 3;
    _exit(counters.all(10) && ran ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif
