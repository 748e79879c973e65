// How many processors this process may keep busy.
#pragma once

#include <string>

namespace tandem {

// Those it may run on (sched_getaffinity), or fewer where its container is given less time than that (a quota of control groups, version 1 or 2; part of
// a processor counts as one). At least 1.
//   cgroup   where the control groups are mounted
int processors(const std::string& cgroup = "/sys/fs/cgroup");

}  // namespace tandem
