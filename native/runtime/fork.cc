#include "fork.h"

#if defined(__linux__)
// The GNU C library exports only the first, and links a pthread_atfork that calls it into each library; musl exports only the second.
// Weak, so that one binary loads with either.
extern "C" {
__attribute__((weak)) int __register_atfork(void (*prepare)(), void (*parent)(), void (*child)(), void* library);
__attribute__((weak)) int pthread_atfork(void (*prepare)(), void (*parent)(), void (*child)());
}
#elif defined(__APPLE__)
#include <pthread.h>
#endif

namespace lanewise {

bool call_in_forked_child([[maybe_unused]] void (*forget)()) {
#if defined(__linux__)
  if (__register_atfork) return __register_atfork(nullptr, nullptr, forget, nullptr) == 0;  // no library: the addon is never unloaded
  return pthread_atfork && pthread_atfork(nullptr, nullptr, forget) == 0;
#elif defined(__APPLE__)
  return pthread_atfork(nullptr, nullptr, forget) == 0;
#else
  return false;
#endif
}

}  // namespace lanewise
