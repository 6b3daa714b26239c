// How many processors this process may use, and which of them its threads are on.
#pragma once
#include <stddef.h>

namespace lanewise {

// The smaller of the affinity mask and the cgroup quota (rounded up); at least 1.
int usable_processors();

// Where the calling thread runs, −1 if the system does not say.
int current_processor();

// The calling thread as KeptOff knows it, −1 where threads cannot be moved.
int current_thread();

// Keeps a thread off one processor while this lives. A thread that waits for a processor moves at once, one that sleeps when it
// is woken, and where it has moved to it stays. Does nothing where the system does not allow it or leaves the thread no other.
class KeptOff {
 public:
  KeptOff(int thread, int processor);
  ~KeptOff();
  KeptOff(const KeptOff&) = delete;
  KeptOff& operator=(const KeptOff&) = delete;

 private:
  const int thread_;
  void* allowed_ = nullptr;  // the thread's own mask, null: nothing to give back
  size_t bytes_ = 0;
};

}  // namespace lanewise
