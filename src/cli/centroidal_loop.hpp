// One robot in closed loop under the centroidal MPC and its tracker, as fast as it goes: what eval, play and fit run. Several at once: one loop per
// thread. docs/centroidal.md, section 7.
//
//   CentroidalLoop loop(robot, settings, plant);
//   loop.mpc().set_theta(theta);
//   WorldResult result = loop.run(trial, observer);
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "centroidal/tracker.hpp"
#include "cli/closed_loop.hpp"
#include "cli/fit_trial.hpp"

namespace tandem {

struct CentroidalLoopSettings {
  CentroidalSettings mpc;
  double physics_dt = 0.001;                // integration step [s]
  double track_dt = 0.002;                  // time between two set points of the joints [s]
  std::vector<std::string> simulator = {};  // SimSettings::program
};
Fields fields(CentroidalLoopSettings& settings);  // centroidal.*, loop.*

// What a run calls while it goes; each may be empty.
struct CentroidalObserver {
  std::function<void(const CentroidalMpc& mpc, std::span<const double> command)> planned = {};  // after a plan, before the robot moves on
  std::function<void(const Simulator& sim)> measured = {};                                      // after every physics step
  std::function<void(double time, double controller_seconds)> stepped = {};  // after a control step: its end [s], what MPC and tracker took [s]
};

class CentroidalLoop {
 public:
  // Throws Error where robot, settings and plant do not fit together.
  CentroidalLoop(const Robot& robot, const CentroidalLoopSettings& settings, const Plant& plant);
  ~CentroidalLoop();
  CentroidalLoop(CentroidalLoop&&) noexcept;

  CentroidalMpc& mpc();
  Simulator& sim();  // advances by physics_dt
  const Tracker& tracker() const;
  const Robot& robot() const;

  // Runs one trial from its start until its end or a fall. Same trial, same bits, whatever ran before. Rewards of the result are NaN.
  // Throws Interrupted after Ctrl-C, Error on a trial of another robot.
  WorldResult run(const Trial& trial, const CentroidalObserver& observer = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem
