#include "processors.h"

#include <math.h>

#include <algorithm>
#include <bit>
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
// The processors a thread may use (0: the calling thread) as a mask of bits, empty if the system does not say. It may be longer than
// cpu_set_t on large machines: grow until it fits.
std::vector<unsigned char> allowed_processors(int thread) {
  for (size_t bytes = sizeof(cpu_set_t); bytes <= 1 << 17; bytes *= 2) {
    std::vector<unsigned char> mask(bytes);
    if (sched_getaffinity(thread, bytes, reinterpret_cast<cpu_set_t*>(mask.data())) == 0) return mask;
  }
  return {};
}

int count(const std::vector<unsigned char>& mask) {
  int found = 0;
  for (const unsigned char byte : mask) found += std::popcount(byte);
  return found;
}

int affinity_processors() {
  const int found = count(allowed_processors(0));
  return found > 0 ? found : static_cast<int>(std::thread::hardware_concurrency());
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

void Placement::start() { thread_ = static_cast<int>(syscall(SYS_gettid)); }

void Placement::keep_off(int processor) {
  if (processor == off_ || thread_ < 0) return;
  off_ = processor;
  std::vector<unsigned char> mask = allowed_processors(thread_);
  if (mask != set_) allowed_ = mask;
  mask = allowed_;
  const size_t byte = static_cast<size_t>(processor) / 8;
  if (processor >= 0 && byte < mask.size()) mask[byte] &= static_cast<unsigned char>(~(1 << processor % 8));
  if (count(mask) == 0 || sched_setaffinity(thread_, mask.size(), reinterpret_cast<const cpu_set_t*>(mask.data())) != 0) return;
  set_ = mask;
}
#else
int current_processor() { return -1; }

void Placement::start() {}

void Placement::keep_off(int) {}
#endif

}  // namespace lanewise
