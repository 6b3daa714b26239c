#include "memory.h"

#include <stdlib.h>
#include <string.h>

#include <algorithm>

#include "error.h"
#include "size.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#define LW_MMAP 1
#endif

namespace lanewise {
namespace {

#if defined(LW_MMAP)
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LW_ADDRESS_SANITIZER 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define LW_ADDRESS_SANITIZER 1
#endif
#if defined(LW_ADDRESS_SANITIZER)
constexpr size_t kMapBytes = size_t{1} << 30;  // of what malloc gives it knows the ends
#else
// From here on pages come straight from the system: zeroed, given back at once, 2 MiB of them at a time where it can.
constexpr size_t kMapBytes = size_t{1} << 20;
#endif

void* map_pages(size_t bytes) {
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return nullptr;
#if defined(MADV_HUGEPAGE)
  constexpr size_t kHugePage = size_t{2} << 20;
  if (bytes >= kHugePage) madvise(data, bytes, MADV_HUGEPAGE);  // advice only: failing is fine
#endif
  return data;
}
#endif

// Whole lines, one at least.
size_t rounded(size_t bytes) { return (std::max<size_t>(bytes, 1) + kMemoryAlignment - 1) / kMemoryAlignment * kMemoryAlignment; }

}  // namespace

void* allocate_zeroed(size_t bytes) {
  const size_t size = rounded(bytes);
#if defined(LW_MMAP)
  if (size >= kMapBytes) return map_pages(size);
#endif
#if defined(_WIN32)
  void* data = _aligned_malloc(size, kMemoryAlignment);
#else
  void* data = aligned_alloc(kMemoryAlignment, size);
#endif
  if (data) memset(data, 0, size);
  return data;
}

void free_zeroed(void* data, [[maybe_unused]] size_t bytes) {
  if (!data) return;
#if defined(LW_MMAP)
  const size_t size = rounded(bytes);
  if (size >= kMapBytes) {
    munmap(data, size);
    return;
  }
#endif
#if defined(_WIN32)
  _aligned_free(data);
#else
  free(data);
#endif
}

std::shared_ptr<Memory> Memory::allocate(int64_t bytes) {
  void* data = bytes >= 0 && bytes <= kMaxSize ? allocate_zeroed(static_cast<size_t>(bytes)) : nullptr;
  if (!data) {
    throw Error("ERR_LANEWISE_MEMORY", "memory: this machine cannot provide " + text(bytes) + " bytes",
                {{"bytes", static_cast<double>(bytes)}});
  }
  return borrow(data, bytes, [=] { free_zeroed(data, static_cast<size_t>(bytes)); });
}

std::shared_ptr<Memory> Memory::borrow(void* data, int64_t bytes, const std::function<void()>& release) {
  try {
    return std::make_shared<Memory>(data, bytes, release);
  } catch (...) {
    release();
    throw;
  }
}

}  // namespace lanewise
