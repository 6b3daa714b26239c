// Calls that threads of the library would make at the same time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <thread>

#include "../kernels/args.h"

namespace lanewise::test {

// call(i, scratch) for i < count: one after the other or, built with the thread sanitizer, on two threads that take turns, so that it sees
// whether two calls touch the same bytes.
template <class Call>
void side_by_side(size_t count, const Call& call) {
  alignas(64) static uint8_t scratch[2][kScratchBytes];
  const auto every = [&](size_t step, size_t first) {
    for (size_t i = first; i < count; i += step) call(i, static_cast<void*>(scratch[first]));
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
