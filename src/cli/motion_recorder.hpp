// Writes what one robot does as a folder that python/tandem/trajectory.py reads: state and forces after each control step, and the plan that led there.
#pragma once

#include <string>
#include <vector>

#include "cli/body_maths.hpp"
#include "cli/closed_loop.hpp"
#include "sim/trajectory.hpp"

namespace tandem {

class MotionRecorder {
 public:
  // Records world 0 of `loop` into `folder`; title: first line of plots. Throws Error as TrajectoryWriter does.
  MotionRecorder(const std::string& folder, const ClosedLoop& loop, const std::string& title);
  // To be called when the plan has been made, before the robot moves on.
  void keep_ground(const ClosedLoop& loop) { ground_ = loop.control.ground[0]; }
  // To be called after the simulator has advanced.   time  of the state since the first row, the first being that of one control step [s]
  // A loop that has no plan of the first one's length leaves the plan's columns zero.
  void append(ClosedLoop& loop, double time);
  // Writes the ground and completes the folder. Throws Error when the disk is full.
  void finish(const ClosedLoop& loop);

 private:
  void append_plan(ClosedLoop& loop, TrajectoryRow& row);

  std::string folder_;
  int nodes_;
  BodyMaths maths_;
  TrajectoryWriter writer_;
  Horizon plan_;
  std::vector<double> base_, points_;
  double ground_ = 0;  // what the plan counts heights from [m]
};

}  // namespace tandem
