// Whether something can fit into the memory of this machine, before it is taken.
#pragma once

#include <unistd.h>

#include <string>

#include "base/check.hpp"

namespace tandem {

// Throws Error, naming `what`, if the machine does not have so many bytes.
inline void check_memory(double bytes, const std::string& what) {
  const double memory = double(::sysconf(_SC_PHYS_PAGES)) * double(::sysconf(_SC_PAGE_SIZE)), gib = 1 << 30;
  check(bytes <= memory, what, " needs about ", bytes / gib, " GiB, this machine has ", memory / gib, "; use less");
}

}  // namespace tandem
