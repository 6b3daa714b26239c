#include "processors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <new>
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

// The text of a file, empty if there is none. Without streams, which a C++ library linked into the addon would bring along whole.
std::string contents(const std::string& path) {
  std::string text;
  FILE* file = fopen(path.c_str(), "re");
  if (!file) return text;
  char part[4096];
  while (const size_t bytes = fread(part, 1, sizeof part, file)) text.append(part, bytes);
  fclose(file);
  return text;
}

// Of microseconds that the group may run within a period. Not a number, as "max", or none is no quota.
double quota_of(const std::string& allowed, const std::string& period) {
  const double quota = strtod(allowed.c_str(), nullptr), of = strtod(period.c_str(), nullptr);
  return quota > 0 && of > 0 ? quota / of : kNoQuota;
}

// cgroup v2: "max 100000" or "150000 100000".
double quota_v2(const std::string& directory) {
  const std::string both = contents(directory + "/cpu.max");
  return quota_of(both, both.substr(std::min(both.find(' '), both.size())));
}

double quota_v1(const std::string& directory) {
  return quota_of(contents(directory + "/cpu.cfs_quota_us"), contents(directory + "/cpu.cfs_period_us"));
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

bool lists_cpu(const std::string& controllers) { return ("," + controllers + ",").find(",cpu,") != std::string::npos; }
#endif

}  // namespace

#if defined(__linux__)
double control_group_processors(const std::string& root) {
  double found = kNoQuota;
  const std::string groups = contents(root + "/proc/self/cgroup");  // lines of "id:controllers:path"; v2 has no controllers
  for (size_t begin = 0, end; begin < groups.size(); begin = end + 1) {
    end = std::min(groups.find('\n', begin), groups.size());
    const std::string line = groups.substr(begin, end - begin);
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (controllers.empty()) {
      found = std::min(found, tightest(root + "/sys/fs/cgroup", path, quota_v2));
    } else if (lists_cpu(controllers)) {
      found = std::min(found, tightest(root + "/sys/fs/cgroup/cpu", path, quota_v1));
    }
  }
  return found;
}
#endif

int usable_processors() {
#if defined(__linux__)
  const double quota = ceil(control_group_processors(""));
  const int found = affinity_processors();
  return std::max(1, quota < found ? static_cast<int>(quota) : found);
#else
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#endif
}

#if defined(__linux__)
int current_processor() { return sched_getcpu(); }

void Affinity::start() {
  try {
    mask_ = allowed_ = allowed_processors(0);
    set_.resize(mask_.size());
    thread_ = static_cast<int>(syscall(SYS_gettid));
  } catch (const std::bad_alloc&) {
  }
}

void Affinity::keep_off(int processor) {
  if (processor == off_ || thread_ < 0) return;
  off_ = processor;
  if (sched_getaffinity(thread_, mask_.size(), reinterpret_cast<cpu_set_t*>(mask_.data())) != 0) return;
  if (mask_ != set_) allowed_ = mask_;
  mask_ = allowed_;
  const size_t byte = static_cast<size_t>(processor) / 8;
  if (processor >= 0 && byte < mask_.size()) mask_[byte] &= static_cast<unsigned char>(~(1 << processor % 8));
  if (count(mask_) == 0 || sched_setaffinity(thread_, mask_.size(), reinterpret_cast<const cpu_set_t*>(mask_.data())) != 0) return;
  set_ = mask_;
}
#else
int current_processor() { return -1; }

void Affinity::start() {}

void Affinity::keep_off(int) {}
#endif

}  // namespace lanewise
