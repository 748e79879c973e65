// The centroidal MPC: momentum, posture and contact wrenches over 1.2 s, one Gauss-Newton step per call. docs/centroidal.md.
//
//   CentroidalMpc mpc(robot, settings, nworld);
//   mpc.step(q, v, command);           // every settings.control_dt
//   mpc.plan(0)                        // states, wrenches and joint velocities at the nodes
//
// Tracker (centroidal/tracker.hpp) turns a plan into joint torques and set points.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "centroidal/settings.hpp"
#include "centroidal/view.hpp"
#include "qp/qp.hpp"

namespace tandem {

// Where the time of one step goes [s]: plan and references, linearisation, forming the QP, solving it, moving the plan. Filled by profile().
struct CentroidalProfile {
  double prepare = 0, linearise = 0, form = 0, solve = 0, finish = 0;
};

// The plan of one world at the nodes, N + 1 of them; the last one has no input. Shapes and frames: centroidal/view.hpp.
using CentroidalPlan = std::span<const CentroidalNodeInput<float>>;

class CentroidalMpc {
 public:
  // How the last step went, per world.
  struct Output {
    std::vector<QpInfo> info;   // status of the QP; a world that failed starts afresh at the next step
    std::vector<double> cost;   // of the plan before the step: stage costs with penalties times dt, terminal cost
    std::vector<double> phase;  // gait time in periods, in [0, 1), of the first node
  } output;

  // Throws Error where robot and settings do not fit together.
  //   threads  that share the worlds, the caller's included; 0: one per processor
  CentroidalMpc(const Robot& robot, const CentroidalSettings& settings, int nworld, int threads = 1);
  ~CentroidalMpc();
  CentroidalMpc(CentroidalMpc&&) noexcept;

  // Starts a world afresh at gait time `phase` (in periods). Call it before the first step after the robot was put somewhere.
  void reset(int world, double phase = 0);

  // One control step of every active world.
  //   q        configurations of the whole robot, locked joints included  (nworld, nq)
  //   v        velocities  (nworld, nv)
  //   command  base height [m], forward, left [m/s] in the heading frame, yaw rate [rad/s]  (nworld, 4)
  //   active   0: leave this world alone; empty: all  (nworld)
  // Throws Error on wrong sizes. Does not allocate. Same bits for every number of threads.
  void step(std::span<const double> q, std::span<const double> v, std::span<const double> command, std::span<const unsigned char> active = {});

  // Stands on both feet from now on (true), or walks in its gait (false).
  void stand(int world, bool standing);

  // The plan of one world after step().
  CentroidalPlan plan(int world) const;
  // The state (nx) of one world as it was measured in the last step.
  std::span<const float> measured(int world) const;

  // Multipliers theta (theta_size(joints)); all 1 at first. Throws Error on a wrong size or entries that are not positive.
  void set_theta(std::span<const double> theta);

  // The QP that the next step of one world would solve, without changing anything: for tests and benchmarks.
  std::vector<float> form(int world, std::span<const double> q, std::span<const double> v, std::span<const double> command) const;
  QpDims dims() const;

  const CentroidalSettings& settings() const;
  const Robot& robot() const;
  int nworld() const;
  int joints() const;                              // that are not locked
  const std::vector<int>& joint_of_robot() const;  // the robot's joint of each of them  (joints)

  // Seconds per world and stage of the last step() on this many threads; measured only between profile(true) and profile(false).
  void profile(bool on);
  CentroidalProfile last_profile() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem
