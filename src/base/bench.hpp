// One row of a benchmark's table: what was timed, how it was checked, and against what it is compared in the same run.
#pragma once

#include <string>

namespace tandem {

struct BenchRow {
  std::string name;       // what was timed
  std::string robot;      // robot or problem it ran on
  int worlds;             // problems per call
  int threads;            // threads that shared them
  int iterations;         // solver iterations or physics steps in one call; 0 where there are none
  double median_us;       // time of one call [us]
  double p99_us;          // its 99th percentile [us]
  double per_second;      // worlds (times steps, for physics) per second
  std::string reference;  // what `ratio` compares with; empty if nothing
  double ratio;           // throughput over the reference's; 0 if there is no reference
  double check;           // error against the oracle, found before anything was timed
};

}  // namespace tandem
