// Whether something can fit into the memory of this machine, before it is taken.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>

#include "base/check.hpp"

namespace tandem {

// What this process can still take [bytes]: MemAvailable of /proc/meminfo (all memory, where a system does not say that), or what `ulimit -v` leaves it where
// that is less.
inline double available_memory() {
  const double page = double(::sysconf(_SC_PAGE_SIZE));
  double available = double(::sysconf(_SC_PHYS_PAGES)) * page;
  const std::string key = "MemAvailable:";
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);)
    if (line.starts_with(key)) available = 1024 * std::strtod(line.c_str() + key.size(), nullptr);
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return available;
  double pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return std::min(available, std::max(0.0, double(limit.rlim_cur) - pages * page));
}

// Throws Error, naming `what` and the cure, if so many bytes are not to be had.
inline void check_memory(double bytes, const std::string& what, const std::string& cure = "use less") {
  const double available = available_memory();
  const auto gib = [](double count) { return std::round(count / (1 << 30) * 10) / 10; };
  check(bytes <= available, what, " needs about ", gib(bytes), " GiB, this machine has ", gib(available), " GiB available; ", cure);
}

}  // namespace tandem
