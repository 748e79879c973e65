// Scenarios that tests of the closed loop share.
#pragma once

#include "cli/closed_loop.hpp"

namespace tandem {

constexpr std::uint64_t kSeed = 3;

inline Scenario standing(const ClosedLoop& loop, double seconds) { return standing_start(loop.robot(), loop.task(), loop.nworld(), seconds, kSeed); }

// Starts and commands drawn for every world.
inline Scenario random_walk(const ClosedLoop& loop, double seconds) {
  Scenario scenario = standing(loop, seconds);
  draw_states(loop.robot(), {}, 0.5, scenario);
  draw_commands(loop.task().command, scenario);
  return scenario;
}

}  // namespace tandem
