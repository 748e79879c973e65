// What a policy sees: named groups of numbers in a fixed order, the same in training and on the robot. docs/training.md, eq. (1).
#pragma once

#include <string>
#include <vector>

#include "model/robot.hpp"
#include "policy/observation_kernel.hpp"

namespace tandem {

struct ObservationGroup {
  std::string name;
  int size;
  bool operator==(const ObservationGroup&) const = default;
};

// What is observed of a robot. With the MPC's value in it, the MIT Humanoid's has the 54 numbers of the residual policy; without, 53.
//   height 1            base above the ground [m]
//   gravity 3           unit vector of gravity in the base frame
//   joint_position njnt minus the nominal pose [rad]
//   angular_velocity 3  base frame [rad/s]
//   linear_velocity 3   base frame [m/s]
//   joint_velocity njnt [rad/s]
//   phase 2 nfoot       sine and cosine of 2 pi (gait time + offset of the foot)
//   value 1             log(1 + V_MPC / value_scale), at most 10, and 10 if V_MPC is not a number; only where an MPC runs
//   command 3           forward, left [m/s], yaw rate [rad/s]
struct ObservationLayout {
  std::vector<ObservationGroup> groups;
  std::vector<double> nominal;      // (njnt)
  std::vector<double> gait_offset;  // (nfoot)
  double value_scale = 1;           // [cost]
  bool with_value = false;          // whether "value" is among the groups
  int size = 0;                     // numbers in all
};

// The groups of a robot with so many joints and feet: what observe() computes, in its order.
std::vector<ObservationGroup> observation_groups(int njnt, int nfoot, bool with_value);
// "height 1, gravity 3, ..."
std::string described(const std::vector<ObservationGroup>& groups);

// Throws Error if the robot has a fixed base or value_scale is not positive.
ObservationLayout make_observation_layout(const Robot& robot, bool with_value, double value_scale);

using Measurement = MeasurementOf<double>;

// The layout as plain numbers, which point into it.
ObservationView<double> view_of(const ObservationLayout& layout);

// Writes `obs` (layout.size). Allocates nothing.
void observe(const ObservationLayout& layout, const Measurement& measurement, float* obs);

}  // namespace tandem
