// A robot with some joints frozen: the links they moved become part of their parents.
#pragma once

#include <vector>

#include "model/model.hpp"

namespace tandem {

struct LockedModel {
  Model model;             // without the locked joints, contacts and feet
  std::vector<int> joint;  // of each of its joints: the joint of the full model  (model.njnt)
  std::vector<int> body;   // of each body of the full model: the body of `model` that carries it  (nbody)
};

// Freezes the joints with locked[j] at q_joint[j]. Mass, centre of mass and inertia of the robot in any posture with those joint positions are unchanged.
//   locked   (njnt)
//   q_joint  joint positions [rad or m]  (njnt)
LockedModel lock_joints(const Model& model, const std::vector<bool>& locked, const std::vector<double>& q_joint);

}  // namespace tandem
