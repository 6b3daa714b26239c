// How many processors this process may use, and which of them its threads are on.
#pragma once
#include <string>
#include <vector>

namespace lanewise {

// The smaller of the affinity mask and the cgroup quota (rounded up); at least 1.
int usable_processors();

#if defined(__linux__)
// How many the control groups of this process allow, of both versions of cgroup; infinity without a quota. Their files are looked for
// below `root`.
double control_group_processors(const std::string& root);
#endif

// Where the calling thread runs, −1 if the system does not say.
int current_processor();

// Keeps one thread off one processor at a time, as far as the system allows it and leaves the thread another.
class Affinity {
 public:
  // By the thread itself, before anything else. Without memory for it the thread is left where it is.
  void start();
  // Off this processor at once, or from its next wake-up on if it sleeps; −1: anywhere. Costs nothing if it is so already, and never
  // memory. Where somebody else has changed the processors that the thread may use, those count.
  void keep_off(int processor);

 private:
  int thread_ = -1, off_ = -1;
  // Masks of the system, of the same length: without our doing, as it was last set (all 0: never), and one to work with.
  std::vector<unsigned char> allowed_, set_, mask_;
};

}  // namespace lanewise
