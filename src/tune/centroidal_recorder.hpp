// Records one world of a closed loop under the centroidal MPC.
//
//   recorder.begin();
//   every plan:              mpc.step(...); recorder.planned(mpc, command);
//   every simulator step:    sim.step();    recorder.measured(sim);
//   at the end:              append(all, recorder.finish(fell));
//
// Columns: x, u (measured: wrenches and joint velocities, means over the sample), u_plan (first input of the plan), schedule (contact states over the
// horizon, left and right in turn), reference (as NodeReference), command, and the measured terms of tune/stage_cost.hpp.
#pragma once

#include <memory>
#include <span>

#include "centroidal/centroidal.hpp"
#include "sim/simulator.hpp"
#include "tune/recording.hpp"

namespace tandem {

class CentroidalRecorder {
 public:
  // theta: multipliers that the controller has (theta_size(joints)), kept with the data.
  CentroidalRecorder(const CentroidalMpc& mpc, int world, std::span<const double> theta);
  ~CentroidalRecorder();
  CentroidalRecorder(CentroidalRecorder&&) noexcept;

  // Forgets what was recorded.
  void begin();
  // Opens a sample: after mpc.step(), before the simulator moves on.   command (4): height, vx, vy, wz of this world
  void planned(const CentroidalMpc& mpc, std::span<const double> command);
  // Adds one step of the simulator to the open sample.
  void measured(const Simulator& sim);
  // The trajectory, number 0, without a sample that was not measured.
  Recording finish(bool fell);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem
