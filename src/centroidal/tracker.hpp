// From a centroidal plan to joint torques and set points, at the rate of the joint controller. docs/centroidal.md, section 7.
#pragma once

#include <vector>

#include "centroidal/centroidal.hpp"
#include "dynamics/dynamics.hpp"

namespace tandem {

// Set points of one world. Joints of the whole robot, locked ones at their nominal position.
struct TrackerOutput {
  std::vector<double> tau_ff;  // feed-forward torque [N m]  (njnt)
  std::vector<double> q_des;   // [rad]  (njnt)
  std::vector<double> v_des;   // [rad/s]  (njnt)
};

// Allocates only when it is made.
class Tracker {
 public:
  TrackerOutput output;

  explicit Tracker(const CentroidalMpc& mpc);

  // Writes `output` for a robot that follows `plan`: joints as planned, and the torques that give them their planned accelerations while the ground
  // pushes with the planned wrenches, eq. (29)-(31).
  //   time  since the plan was made [s]
  //   q, v  measured now  (nq), (nv)
  void follow(CentroidalPlan plan, double time, const double* q, const double* v);

 private:
  void base_acceleration();

  Model model_;
  RobotDynamics dynamics_;
  std::vector<int> joint_;  // of the robot, of each planned joint
  int foot_body_[kFeet];
  double foot_point_[3];
  double dt_;
  std::vector<double> nominal_, a_, h_, M_, J_, dJ_, load_;
};

}  // namespace tandem
