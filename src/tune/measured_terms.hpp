// What every recording measures of the plant, whoever controls it. Internal to src/tune.
#pragma once

#include <span>

#include "sim/simulator.hpp"
#include "tune/recording.hpp"

namespace tandem {

// Means over a sample of the terms of tune/stage_cost.hpp, in the order of kMeasuredTerms.
class TermMeter {
 public:
  void begin() { steps_ = 0, sum_[0] = sum_[1] = sum_[2] = sum_[3] = sum_[4] = 0; }
  // Adds one step of the simulator.   command (4): height, vx, vy, wz
  void add(const Simulator& sim, int world, std::span<const double> command);
  // Appends the means to the five columns that begin at `columns`.
  void finish(Column* columns) const;
  int steps() const { return steps_; }

 private:
  int steps_ = 0;
  double sum_[5] = {};
};

// Five empty columns.
std::vector<Column> term_columns();

}  // namespace tandem
