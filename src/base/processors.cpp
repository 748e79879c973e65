#include "base/processors.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>

namespace tandem {

int processors(const std::string& cgroup) {
  cpu_set_t set;
  CPU_ZERO(&set);
  int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
  double quota = 0, period = 0;  // [us]; no quota: the word "max" in version 2, which is no number, and -1 in version 1
  const bool limited = bool(std::ifstream(cgroup + "/cpu.max") >> quota >> period) ||
                       (std::ifstream(cgroup + "/cpu/cpu.cfs_quota_us") >> quota && std::ifstream(cgroup + "/cpu/cpu.cfs_period_us") >> period);
  if (limited && quota > 0 && period > 0) count = std::min<int>(count, std::ceil(quota / period));
  return std::max(1, count);
}

}  // namespace tandem
