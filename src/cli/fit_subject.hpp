// What is fitted: a robot with one of its controllers, run in closed loop trial by trial, and what came of each trial. docs/cost-matching.md.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cli/centroidal_loop.hpp"
#include "cli/fit_theta.hpp"
#include "tune/fit.hpp"
#include "tune/stage_cost.hpp"

namespace tandem {

struct TrialRun {
  WorldResult result;
  Recording recording;                          // one trajectory, without stage costs
  std::vector<std::array<double, 2>> velocity;  // of the base after every control step, along world x and y [m/s]
};

struct FitSubject {
  Robot robot;
  MatchedMpc mpc;
  ThetaOwner owner;
  int body;  // that pushes act on
  // Throws Error where the controller's simulated robot cannot differ in what this plant differs.
  std::function<void(const Plant& plant)> check_plant;
  // Runs one trial of one robot. Different threads at once need different `thread`, 0 .. threads - 1.   theta (mpc.ntheta)
  std::function<TrialRun(int thread, const Plant& plant, const std::vector<double>& theta, const Trial& trial)> run;
};

// The centroidal MPC of a humanoid with two flat feet. Throws Error where robot and settings do not fit together.
FitSubject centroidal_subject(const Robot& robot, const CentroidalLoopSettings& settings, int threads);
// The whole-body MPC. Plants may not differ in inertia alone, nor in the centre of mass of a torso that is not the base; delays are whole control steps.
FitSubject kinodynamic_subject(const RunSettings& settings, int threads);

// What came of a trial in numbers. Means are over the samples until the end or the fall.
struct TrialMeasures {
  double survived = 0;  // [s]
  bool fell = false;
  double cost = 0;            // mean stage cost L [1/s]
  double discounted = 0;      // mean discounted return of the samples whose return is not cut off; NaN if there are none
  double velocity_error = 0;  // root mean square of (vx, vy) against the command [m/s]
  double turn_error = 0;      // of the yaw rate [rad/s]
  double power = 0;           // positive mechanical [W]
  double torque = 0;          // mean of the sum of squared torques [N^2 m^2]
};

// How trials are judged.
struct Judge {
  StageCost cost;
  ReturnSettings returns;
};

// Writes the stage costs into run.recording.
TrialMeasures measure(const FitSubject& subject, const Judge& judge, TrialRun& run);

}  // namespace tandem
