// Benchmark of the inference that runs on a robot.
#pragma once

#include <vector>

#include "base/bench.hpp"
#include "model/robot.hpp"

namespace tandem {

// One row: the mean action of a policy with three hidden layers of 256. `check` is the largest difference to the same network in double precision;
// the reference is reading its weights once, which no single observation can beat: a ratio of 1 is the speed of the memory they lie in.
std::vector<BenchRow> bench_policy(const Robot& robot);

}  // namespace tandem
