// The G1 and random nodes of its plan, for tests of the centroidal MPC.
#pragma once

#include <random>

#include "centroidal/arrays.hpp"
#include "centroidal/node_kernel.hpp"

namespace tandem {

// A node near the nominal pose: posture, momentum, joint velocities, wrenches and references all disturbed.
//   stance   left, right
inline CentroidalNodeInput<double> random_node(const CentroidalArrays<double>& arrays, const Robot& robot, std::array<double, 2> stance,
                                               unsigned seed) {
  const CentroidalView<double>& view = arrays.view;
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  CentroidalNodeInput<double> in{};
  for (int i = 0; i < 12; ++i) in.x[i] = 0.3 * normal(random), in.ref.x[i] = 0.1 * normal(random);
  in.x[kPosition + 2] += robot.base_height;
  for (int j = 0; j < view.nj; ++j) {
    in.x[kJoints + j] = robot.nominal[arrays.locked.joint[j]] + 0.2 * normal(random);
    in.u[kVelocities + j] = normal(random);
    in.ref.x[kJoints + j] = robot.nominal[arrays.locked.joint[j]];
  }
  for (int f = 0; f < kFeet; ++f) {
    double* wrench = in.u + kWrench + 6 * f;
    for (int i = 0; i < 6; ++i) wrench[i] = 5 * normal(random);
    wrench[2] += 150;
    in.ref.stance[f] = stance[f];
    in.ref.height[f] = stance[f] > 0 ? 0 : 0.05, in.ref.height_rate[f] = stance[f] > 0 ? 0 : 0.2;
    in.ref.foot_velocity[f][0] = 0.7, in.ref.foot_velocity[f][1] = 0.1;
  }
  for (int r = 0; r < 3; ++r) in.ref.torso_velocity[r] = 0.2 * r, in.ref.torso_turn[r] = 0.1 * r, in.ref.torso_position[r] = 0.3 * r;
  in.ref.cos_yaw = std::cos(0.4), in.ref.sin_yaw = std::sin(0.4);
  return in;
}

}  // namespace tandem
