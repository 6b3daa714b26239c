#include "compute_thread.h"

#include <exception>
#include <thread>

#include "denormals.h"
#include "kernels/args.h"
#include "memory.h"

#if defined(__linux__)
#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <signal.h>
#endif

namespace lanewise {
namespace {

#if defined(__linux__)
// Training flat out on a busy two-core machine, the event loop's p99 delay is 3.5 ms with 10, 4.4 ms with 5 or 0.
constexpr int kNiceness = 10;
#endif

void give_way() {
#if defined(__linux__)
  errno = 0;
  const int niceness = getpriority(PRIO_PROCESS, getpid());  // of the first thread: one of ours inherits its creator's, which may be ours
  if (errno == 0) setpriority(PRIO_PROCESS, 0, niceness + kNiceness);
  pthread_setname_np(pthread_self(), "lanewise");
#endif
}

// A thread inherits its creator's signal mask; the host's handlers must run on the host's threads.
class BlockSignals {
#if defined(__unix__) || defined(__APPLE__)
 public:
  BlockSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved_);
  }
  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &saved_, nullptr); }

 private:
  sigset_t saved_;
#endif
};

}  // namespace

bool start_compute_thread(std::function<void(void* scratch)> body) {
  void* scratch = allocate_zeroed(kScratchBytes);
  if (!scratch) return false;
  [[maybe_unused]] const BlockSignals block;
  try {
    std::thread([body = std::move(body), scratch] {
      give_way();
      const FlushDenormals flush;
      body(scratch);
      free_zeroed(scratch, kScratchBytes);
    }).detach();
  } catch (const std::exception&) {  // no thread, or no memory for one
    free_zeroed(scratch, kScratchBytes);
    return false;
  }
  return true;
}

}  // namespace lanewise
