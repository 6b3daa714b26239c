// How many processors this process may use.
#pragma once

namespace lanewise {

// The smaller of the affinity mask and the cgroup quota (rounded up); at least 1.
int usable_processors();

}  // namespace lanewise
