// Where the time of a step goes.
#pragma once

#include <chrono>

#include "base/team.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

struct Stopwatch {
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();

  // Seconds since the last call, or since it was made.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last).count();
    last = now;
    return seconds;
  }
};

// Adds laps to the fields of a profile.   profile  nullptr: measures nothing
template <class Profile>
struct ProfileClock {
  Profile* profile;
  Stopwatch watch = {};
  void lap(double Profile::* field) {
    if (profile) profile->*field += watch.lap();
  }
};

}  // namespace TANDEM_ISA
}  // namespace tandem
