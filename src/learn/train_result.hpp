// What a training says of itself, whoever computes it.
#pragma once

#include <cstdint>
#include <vector>

#include "learn/events.hpp"

namespace tandem {

// Where a training stands, for the line that shows its progress.
struct TrainStatus {
  std::int64_t iteration, iterations, robot_steps;
  double steps_per_second;  // of the last iteration
  double reward, length;    // of the last 100 episodes; NaN before the first ended
  double seconds_left;
};

struct TrainResult {
  std::int64_t iteration = 0, robot_steps = 0;
  bool interrupted = false;
  double seconds = 0;               // of this process
  double steps_per_second = 0;      // robot-steps of this process per second
  std::vector<NamedNumber> shares;  // of the time: policy, the parts of the environment, update, save, other
  std::vector<NamedNumber> last;    // scalars of the last iteration
};

}  // namespace tandem
