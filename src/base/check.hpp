// The caller's mistakes: thrown before any work, naming value, expectation and cure. Never used inside kernels.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace tandem {

// What a program prints as one line before it exits with code 1.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Joins its arguments into one string: cat("nx = ", 3).
template <class... Args>
std::string cat(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return out.str();
}

// Throws Error(cat(args...)) unless `ok`.
template <class... Args>
void check(bool ok, const Args&... args) {
  if (!ok) throw Error(cat(args...));
}

}  // namespace tandem
