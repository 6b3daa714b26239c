// Calls that threads of the library would make at the same time.
#pragma once
#include <cstddef>
#include <new>
#include <thread>

#include "../kernels/args.h"
#include "../runtime/denormals.h"

namespace lanewise::test {

// call(i, scratch) for i < count with denormals flushed, one after the other or, built with the thread sanitizer, on two threads, so that
// it sees whether two calls touch the same bytes.
template <class Call>
void side_by_side(size_t count, const Call& call) {
  // Memory of its own each, so that the address sanitizer sees the first byte beyond.
  static void* const scratch[] = {::operator new(kScratchBytes, std::align_val_t(64)), ::operator new(kScratchBytes, std::align_val_t(64))};
  const auto every = [&](size_t step, size_t first) {
    const FlushDenormals flush;
    for (size_t i = first; i < count; i += step) call(i, scratch[first]);
  };
#ifdef __SANITIZE_THREAD__
  if (count > 1) {
    std::thread other(every, 2, 1);
    every(2, 0);
    return other.join();
  }
#endif
  every(1, 0);
}

}  // namespace lanewise::test
