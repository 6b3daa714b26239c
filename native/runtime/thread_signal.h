// One thread posts, one thread waits: bounded spinning, then sleep. A post to a waiter that spins is one store.
#pragma once
#include <stdint.h>

#include <atomic>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "processors.h"
#endif
#if defined(_WIN32)
#if !defined(NOMINMAX)
#define NOMINMAX  // std::min, not a macro
#endif
#include <windows.h>
#endif

namespace lanewise {

// Tells the core that this is a spin loop.
inline void spin_pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  __asm__ volatile("isb" ::: "memory");  // `yield` is a no-op on most ARM cores
#endif
}

class Signal {
 public:
  uint32_t value() const { return value_.load(std::memory_order_acquire); }

  // Sequentially consistent with sleep(): either the sleeper sees the new value or the poster sees the sleeper.
  void post(uint32_t value) {
    value_.store(value);
    if (const int sleeper = sleeper_.load()) wake(sleeper);
  }

  // Sleeps until the value is not `old`.
  void sleep(uint32_t old) {
    sleeper_.store(this_thread());
    while (value_.load() == old) block(old);
    sleeper_.store(0);
    woken();
  }

 private:
#if defined(__linux__)
  // Linux may wake a thread on its waker's processor while its own is idle: where both have been busy it does not look, and in a virtual
  // machine an idle processor passes for one that the host has taken away. Both threads would then wait for each other there, so the
  // sleeper is woken elsewhere; unless that was late, for then others keep the processors busy and the system knows better for a while.
  static constexpr int64_t kLate = 500'000, kLeastRest = 1'000'000, kMostRest = 128'000'000;  // nanoseconds

  static int this_thread() { return current_thread(); }
  static int64_t now() { return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }

  void block(uint32_t old) { syscall(SYS_futex, reinterpret_cast<uint32_t*>(&value_), FUTEX_WAIT_PRIVATE, old, nullptr, nullptr, 0); }

  void wake(int sleeper) {
    std::optional<KeptOff> elsewhere;
    const int64_t time = now(), apart = time >= rests_until_.load(std::memory_order_relaxed);
    if (apart) elsewhere.emplace(sleeper, current_processor());
    woken_apart_.store(apart ? time : 0, std::memory_order_relaxed);
    syscall(SYS_futex, reinterpret_cast<uint32_t*>(&value_), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }

  void woken() {
    const int64_t start = woken_apart_.exchange(0, std::memory_order_relaxed);
    if (start == 0) return;
    const int64_t time = now();
    if (time - start > kLate) rests_until_.store(time + rest_, std::memory_order_relaxed);
    rest_ = time - start > kLate ? std::min(2 * rest_, kMostRest) : kLeastRest;
  }

  std::atomic<int64_t> rests_until_{0}, woken_apart_{0};  // woken_apart_: when, 0 if it was not
  int64_t rest_ = kLeastRest;
#elif defined(_WIN32)
  // Not std::atomic::wait: that of libstdc++ 12 looks at the value before it locks, and a post in between is lost.
  void block(uint32_t old) { WaitOnAddress(&value_, &old, sizeof old, INFINITE); }
  void wake(int) { WakeByAddressSingle(&value_); }
  void woken() {}
  static int this_thread() { return 1; }
#else
  void block(uint32_t old) { value_.wait(old); }
  void wake(int) { value_.notify_one(); }
  void woken() {}
  static int this_thread() { return 1; }
#endif

  std::atomic<uint32_t> value_{0};
  std::atomic<int> sleeper_{0};  // the thread that sleeps, 0: none
};

}  // namespace lanewise
