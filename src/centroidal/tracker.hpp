// From a centroidal plan to joint torques and set points, at the rate of the joint controller. docs/centroidal.md, section 7.
#pragma once

#include <vector>

#include "centroidal/centroidal.hpp"
#include "dynamics/dynamics.hpp"
#include "math/vec3.hpp"

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

  // Writes `output` for a robot that follows `plan`: set points as planned, and the torques with which, while the ground pushes with the planned
  // wrenches, feet in stance stay where they are and all other joints accelerate towards the plan, eq. (29)-(31).
  //   time  since the plan was made [s]
  //   q, v  measured now  (nq), (nv)
  void follow(CentroidalPlan plan, double time, const double* q, const double* v);

 private:
  void solve_accelerations();
  void blend_plan(const CentroidalNodeInput<float>& now, const CentroidalNodeInput<float>& then, double share);
  void keep_feasible(const double* R, Vec3<double>& force, Vec3<double>& moment) const;
  void add_foot(const CentroidalNodeInput<float>& now, const CentroidalNodeInput<float>& then, double share, int foot, const double* v);

  Model model_;
  RobotDynamics dynamics_;
  std::vector<int> joint_;  // of the robot, of each planned joint
  int foot_body_[kFeet];
  double foot_point_[3], sole_[2];
  std::vector<int> leg_[kFeet];  // joints of each leg
  double dt_, position_gain_, velocity_gain_, friction_;
  std::vector<double> nominal_, a_ff_, a_, h_, M_, J_, dJ_, load_;
  std::vector<double> rows_;  // linear system of the accelerations  (nv, nv + 1)
  int nrow_ = 0;
};

}  // namespace tandem
