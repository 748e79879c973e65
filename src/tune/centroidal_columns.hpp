// The nodes of a centroidal plan as columns of a recording: one list of fields for writing and reading. Internal to src/tune.
#pragma once

#include "centroidal/view.hpp"
#include "tune/recording.hpp"

namespace tandem {

// Calls visit(name, unit, numbers, size) for everything that a cost and a prediction need of a node.
template <class Node, class Visit>
void visit_node(Node& node, int nx, Visit&& visit) {
  auto& ref = node.ref;
  visit("x", "m/s, m^2/s, m, rad", node.x, nx);
  visit("u", "N, N m, rad/s", node.u, nx);
  visit("x_ref", "m/s, m^2/s, m, rad", ref.x, nx);
  visit("u_ref", "N, N m, rad/s", ref.u, nx);
  visit("stance", "1", ref.stance, kFeet);
  visit("swing_height", "m", ref.height, kFeet);
  visit("swing_rate", "m/s", ref.height_rate, kFeet);
  visit("swing_velocity", "m/s", ref.foot_velocity[0], 2 * kFeet);
  visit("torso_velocity", "m/s", ref.torso_velocity, 3);
  visit("torso_turn", "rad/s", ref.torso_turn, 3);
  visit("torso_position", "m", ref.torso_position, 3);
  visit("cos_yaw", "1", &ref.cos_yaw, 1);
  visit("sin_yaw", "1", &ref.sin_yaw, 1);
}

// Reads nodes. Holds pointers into the recording.
class NodeReader {
 public:
  // Throws Error unless the recording is of a centroidal MPC with this many states.
  NodeReader(const Recording& recording, int nx);
  void read(int sample, CentroidalNodeInput<double>& node) const;

 private:
  int nx_;
  std::vector<const float*> columns_;
};

}  // namespace tandem
