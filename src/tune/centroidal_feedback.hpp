// What is added to the recorded wrenches while a window is predicted. docs/cost-matching.md, eq. (6)-(8). Internal to src/tune.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "centroidal/arrays.hpp"
#include "centroidal/node_kernel.hpp"
#include "tune/recording.hpp"

namespace tandem {

inline constexpr int kWrenches = 6 * kFeet;
inline constexpr int kBaseStates = 12;  // momenta, position and orientation of the base
using WrenchRows = Eigen::Matrix<double, kWrenches, Eigen::Dynamic, Eigen::RowMajor>;

// Linear feedback of the wrenches on the base states, per sample: the backward sweep of the controller's own problem along the recording, with the joints
// kept as recorded.  (nsample, 12, 12)
// The controller has the multipliers of recording.theta.
std::vector<float> feedback_gains(const Robot& robot, const CentroidalSettings& settings, const Recording& recording, int stride, int threads);

// Moves where the wrenches act to the recorded places of the soles.
//   in      predicted state, inputs as recorded; u is written
//   place   recorded positions of the soles in the world
//   by_x    derivative of the wrenches by x, written  (12, nx)
//   memory  tree_data_size(nbody)
void anchor_wrenches(const CentroidalView<double>& view, const Vec3<double> place[kFeet], CentroidalNodeInput<double>& in, WrenchRows& by_x,
                     double* memory);

// Positions of the soles in the world.
void sole_places(const CentroidalView<double>& view, const CentroidalNodeInput<double>& in, Vec3<double> place[kFeet], double* memory);

}  // namespace tandem
