// A reader/writer lock that is fair: a step taken every microsecond cannot starve the one who waits to copy the result out.
// Uncontended, locking and unlocking are one atomic operation each.
#pragma once
#include <stdint.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace lanewise {

class MemoryLock {
 public:
  bool try_lock() { return waiting_.load() == 0 && take_exclusive(); }
  bool try_lock_shared() { return waiting_.load() == 0 && take_shared(); }
  void lock() {
    if (!try_lock()) wait(&MemoryLock::take_exclusive);
  }
  void lock_shared() {
    if (!try_lock_shared()) wait(&MemoryLock::take_shared);
  }
  // Beside those who read now, however many wait to write: these wait for them anyway. For a thread that must not wait for all that a
  // long reader holds up; once it finds nobody reading it waits for its turn like any other.
  void join_shared() {
    int32_t readers = holders_.load();
    while (readers > 0) {
      if (holders_.compare_exchange_weak(readers, readers + 1)) return;
    }
    lock_shared();
  }
  void unlock() {
    holders_.store(0);
    if (waiting_.load() != 0) wake();
  }
  void unlock_shared() {
    holders_.fetch_sub(1);
    if (waiting_.load() != 0) wake();
  }

 private:
  static constexpr int32_t kExclusive = -1;

  bool take_exclusive() {
    int32_t free = 0;
    return holders_.compare_exchange_strong(free, kExclusive);
  }
  bool take_shared() {
    int32_t readers = holders_.load();
    while (readers >= 0) {
      if (holders_.compare_exchange_weak(readers, readers + 1)) return true;
    }
    return false;
  }

  // First come, first served: `waiting_` keeps everybody else off the fast path.
  void wait(bool (MemoryLock::*take)()) {
    std::unique_lock guard(mutex_);
    waiting_.fetch_add(1);
    const uint64_t ticket = next_ticket_++;
    changed_.wait(guard, [&] { return ticket == serving_ && (this->*take)(); });
    ++serving_;
    waiting_.fetch_sub(1);
    changed_.notify_all();
  }

  void wake() {
    std::lock_guard guard(mutex_);
    changed_.notify_all();
  }

  std::atomic<int32_t> holders_{0};  // readers, or kExclusive
  std::atomic<int32_t> waiting_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t next_ticket_ = 0, serving_ = 0;
};

}  // namespace lanewise
