// A number that one thread posts and another waits for: it may look at it for as long as it likes, then sleep until it changes. A post to
// one that is awake wakes nobody.
#pragma once
#include <stdint.h>

#include <atomic>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
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
  explicit Signal(uint32_t value = 0) : value_(value) {}

  uint32_t value() const { return value_.load(std::memory_order_acquire); }

  // Whether post() would have to wake somebody.
  bool sleeping() const { return sleeping_.load(std::memory_order_acquire); }

  // Sequentially consistent with sleep(): either the sleeper sees the new value or the poster sees the sleeper.
  void post(uint32_t value) {
    value_.store(value);
    if (sleeping_.load()) wake();
  }

  // Changes the value unless somebody else has. Wakes nobody.
  bool replace(uint32_t old, uint32_t value) { return value_.compare_exchange_strong(old, value); }

  // Sleeps until the value is not `old`.
  void sleep(uint32_t old) {
    sleeping_.store(true);
    while (value_.load() == old) block(old);
    sleeping_.store(false);
  }

 private:
#if defined(__linux__)
  void block(uint32_t old) { syscall(SYS_futex, reinterpret_cast<uint32_t*>(&value_), FUTEX_WAIT_PRIVATE, old, nullptr, nullptr, 0); }
  void wake() { syscall(SYS_futex, reinterpret_cast<uint32_t*>(&value_), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0); }
#elif defined(_WIN32)
  // Not std::atomic::wait: that of libstdc++ 12 looks at the value before it locks, and a post in between is lost.
  void block(uint32_t old) { WaitOnAddress(&value_, &old, sizeof old, INFINITE); }
  void wake() { WakeByAddressSingle(&value_); }
#else
  void block(uint32_t old) { value_.wait(old); }
  void wake() { value_.notify_one(); }
#endif

  std::atomic<uint32_t> value_;
  std::atomic<bool> sleeping_{false};
};

}  // namespace lanewise
