// A block of bytes that programs work on: the native heap's, or somebody else's (a SharedArrayBuffer).
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <memory>

#include "memory_lock.h"

namespace lanewise {

constexpr size_t kMemoryAlignment = 64;

class Memory {
 public:
  // Zeroed and 64-byte aligned; throws if the system has no such block.
  static std::shared_ptr<Memory> allocate(int64_t bytes);
  // Uses a block in place; `release` runs when the last owner lets go, or at once if there is no memory for the first.
  static std::shared_ptr<Memory> borrow(void* data, int64_t bytes, const std::function<void()>& release);

  Memory(void* data, int64_t bytes, std::function<void()> release)
      : data_(static_cast<uint8_t*>(data)), bytes_(bytes), release_(std::move(release)) {}
  ~Memory() { release_(); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  uint8_t* data() const { return data_; }
  int64_t bytes() const { return bytes_; }
  MemoryLock& lock() { return lock_; }

 private:
  uint8_t* const data_;
  const int64_t bytes_;
  const std::function<void()> release_;
  MemoryLock lock_;
};

// Zeroed, 64-byte aligned, untouched pages cost nothing; null if impossible. Freed with the same size.
void* allocate_zeroed(size_t bytes);
void free_zeroed(void* data, size_t bytes);

}  // namespace lanewise
