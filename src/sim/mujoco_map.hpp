// MujocoMap: where the joints, bodies, feet and contact points of a Model lie in MuJoCo's arrays. Built once, by name.
#pragma once

#include <mujoco/mujoco.h>

#include <string>
#include <vector>

#include "model/model.hpp"

namespace tandem {

struct MujocoMap {
  // per joint of Model
  std::vector<int> qpos;      // address in qpos  (njnt)
  std::vector<int> dof;       // address in qvel  (njnt)
  std::vector<int> actuator;  // index of its actuator  (njnt)
  std::vector<int> ctrl;      // address of its control in ctrl  (njnt)
  std::vector<int> output;    // address of its velocity in actuator_velocity  (njnt)
  // per body of Model
  std::vector<int> body;  // MuJoCo's index  (nbody)
  // per MuJoCo body
  std::vector<int> model_body;  // Model's index of the body it is welded into; -1: does not move  (m->nbody)
  std::vector<double> carrier;  // quaternion from its axes to those of the body it is welded into; unit for that itself  (m->nbody, 4)
  // per MuJoCo geom
  std::vector<int> geom_body;  // Model's body; -1: floor  (m->ngeom)
  std::vector<int> geom_foot;  // foot it belongs to; -1: not a foot  (m->ngeom)
};

// Throws Error if `m` and `model` disagree, naming the element and the cure. `foot_geoms` as in SimSettings.
MujocoMap make_mujoco_map(const mjModel* m, const Model& model, const std::vector<std::string>& foot_geoms);

}  // namespace tandem
