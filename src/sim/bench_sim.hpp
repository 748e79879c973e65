// Benchmark of the simulator: physics steps per second of standing robots, against a plain mj_step loop on one thread in the same run.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/bench.hpp"

namespace tandem {

struct SimBenchSettings {
  std::vector<std::string> robots = {"mit_humanoid", "unitree_go2", "unitree_g1"};
  int worlds = 64;                     // in the batch rows; every robot has a row with one world too
  int threads = 0;                     // of the batch rows; 0: one per processor
  double seconds = 1.0;                // time spent on each row [s]
  std::function<void()> poll = [] {};  // called many times a second; what it throws ends the benchmark
};

// Two physics rates, 1 kHz and 400 Hz, by {one world, one thread; the batch on one thread; the batch on all threads}, then one world on rough ground of
// 20 mm amplitude. `iterations` is the physics steps of one control step of 10 ms, `per_second` counts physics steps, `check` is the largest difference of
// q and v to the mj_step loop after 0.2 s.
// The robots stand in their nominal pose under stiff gains, all feet on the ground.
std::vector<BenchRow> bench_sim(const SimBenchSettings& settings = {});

}  // namespace tandem
