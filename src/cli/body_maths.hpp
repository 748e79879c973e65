// Questions about one robot's dynamics that pictures and benchmarks ask, in double precision: where its contact points are, what torques a
// motion takes, and by how much the torques of two answers to one problem differ.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/model.hpp"

namespace tandem {

class BodyMaths {
 public:
  explicit BodyMaths(const Model& model);
  ~BodyMaths();
  BodyMaths(const BodyMaths&) = delete;
  BodyMaths& operator=(const BodyMaths&) = delete;

  // Positions of the contact points in the world at configuration q.
  //   q (nq);  points (ncon, 3), written [m]
  void contact_points(const double* q, std::span<double> points);

  // Inverse dynamics, joint rows of M a + h - J' force.
  //   q (nq), v (nv), a (nv), force (ncon, 3) in the world frame [N]
  // Returns the torques of the joints (njnt) [N m].
  std::vector<double> joint_torques(const double* q, const double* v, std::span<const double> a, std::span<const double> force);

  // Inverse dynamics is linear in acceleration and contact force, so at q the joint torques change by S (M a - J' force).
  //   a (nv)             difference of two accelerations
  //   force (ncon, 3)    difference of the contact forces, world frame [N]
  // Returns the largest change of any joint [N m].
  double torque_change(const double* q, std::span<const double> a, std::span<const double> force);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tandem
