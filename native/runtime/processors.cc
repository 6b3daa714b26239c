#include "processors.h"

#include <math.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace lanewise {
namespace {

#if defined(__linux__)
// The processors a thread may use (0: the calling thread), null if the system does not say. The mask may be longer than cpu_set_t on
// large machines: grow until it fits.
cpu_set_t* allowed_processors(int thread, size_t& bytes) {
  for (int count = CPU_SETSIZE; count <= 1 << 20; count *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<size_t>(count));
    if (!set) break;
    bytes = CPU_ALLOC_SIZE(static_cast<size_t>(count));
    if (sched_getaffinity(thread, bytes, set) == 0) return set;
    CPU_FREE(set);
  }
  return nullptr;
}

int affinity_processors() {
  size_t bytes = 0;
  cpu_set_t* set = allowed_processors(0, bytes);
  if (!set) return static_cast<int>(std::thread::hardware_concurrency());
  const int found = CPU_COUNT_S(bytes, set);
  CPU_FREE(set);
  return found;
}

constexpr double kNoQuota = std::numeric_limits<double>::infinity();

// cgroup v2: "max 100000" or "150000 100000".
double quota_v2(const std::string& directory) {
  std::ifstream file(directory + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return kNoQuota;
  return atof(quota.c_str()) / period;
}

double quota_v1(const std::string& directory) {
  std::ifstream quota_file(directory + "/cpu.cfs_quota_us"), period_file(directory + "/cpu.cfs_period_us");
  double quota = -1, period = 0;
  if (!(quota_file >> quota) || !(period_file >> period) || quota <= 0 || period <= 0) return kNoQuota;
  return quota / period;
}

// The quota of a group and of every group around it: the tightest one rules.
double tightest(const std::string& mount, std::string path, double (*quota)(const std::string&)) {
  double found = quota(mount);  // in a container the own group is often the mount itself
  while (path.size() > 1) {
    found = std::min(found, quota(mount + path));
    path.resize(path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/'));
  }
  return found;
}

bool lists_cpu(const std::string& controllers) {
  std::istringstream list(controllers);
  for (std::string name; std::getline(list, name, ',');) {
    if (name == "cpu") return true;
  }
  return false;
}

double cgroup_processors() {
  double found = kNoQuota;
  std::ifstream groups("/proc/self/cgroup");  // lines of "id:controllers:path"; v2 has no controllers
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (controllers.empty()) {
      found = std::min(found, tightest("/sys/fs/cgroup", path, quota_v2));
    } else if (lists_cpu(controllers)) {
      found = std::min(found, tightest("/sys/fs/cgroup/cpu", path, quota_v1));
    }
  }
  return found;
}
#endif

}  // namespace

int usable_processors() {
#if defined(__linux__)
  const double quota = ceil(cgroup_processors());
  const int found = affinity_processors();
  return std::max(1, quota < found ? static_cast<int>(quota) : found);
#else
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#endif
}

#if defined(__linux__)
int current_processor() { return sched_getcpu(); }

int current_thread() { return static_cast<int>(syscall(SYS_gettid)); }

KeptOff::KeptOff(int thread, int processor) : thread_(thread) {
  cpu_set_t* allowed = allowed_processors(thread, bytes_);
  if (!allowed) return;
  const size_t place = static_cast<size_t>(processor);
  const bool allows = CPU_ISSET_S(place, bytes_, allowed);
  CPU_CLR_S(place, bytes_, allowed);
  const bool moved = CPU_COUNT_S(bytes_, allowed) > 0 && sched_setaffinity(thread, bytes_, allowed) == 0;
  if (allows) CPU_SET_S(place, bytes_, allowed);
  if (moved) {
    allowed_ = allowed;
  } else {
    CPU_FREE(allowed);
  }
}

KeptOff::~KeptOff() {
  if (!allowed_) return;
  auto* allowed = static_cast<cpu_set_t*>(allowed_);
  sched_setaffinity(thread_, bytes_, allowed);
  CPU_FREE(allowed);
}
#else
int current_processor() { return -1; }

int current_thread() { return -1; }

KeptOff::KeptOff(int thread, int) : thread_(thread) {}

KeptOff::~KeptOff() = default;
#endif

}  // namespace lanewise
