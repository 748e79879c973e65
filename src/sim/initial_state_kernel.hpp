// The random initial state of one robot, in any precision, on the processor or a device. docs/training.md, "One control step".
#pragma once

#include <cmath>

#include "base/rng.hpp"
#include "sim/terrain_kernel.hpp"

namespace tandem {

// Half-widths of the uniform distribution around the stance. The defaults are those of the usual reset.
struct InitialStateRange {
  double angle = 0.31415926535897932;  // roll, pitch, yaw [rad]
  double velocity = 0.5;               // of the base, each axis, world frame [m/s]
  double angular_velocity = 0.5;       // of the base, each axis, base frame [rad/s]
};

inline namespace TANDEM_ISA {

// Height of the lowest contact point in the world.
template <class S>
TANDEM_FN S lowest_contact(const ModelView<S>& model, const S* q, S* memory) {
  const Kinematics<S> kin = kinematics_of(model, q, memory);
  S lowest = contact_position<S>(model, kin, 0).z;
  for (int c = 1; c < model.ncon; ++c) lowest = min(lowest, contact_position<S>(model, kin, c).z);
  return lowest;
}

// Where initial states are drawn around.
template <class S>
struct StanceView {
  const S* q;  // (nq)
  S lowest;    // height of its lowest contact point [m]
  InitialStateRange range;
};

// Draws q (nq) and v (nv), `scale` times as far from the stance as its range allows; the lowest contact point is as high as in the stance.
//   memory  kinematics_size()
template <class S>
TANDEM_FN void draw_initial_state(const ModelView<S>& model, const StanceView<S>& stance, Rng rng, double scale, S* q, S* v, S* memory) {
  const InitialStateRange& range = stance.range;
  for (int i = 0; i < model.nq; ++i) q[i] = stance.q[i];
  for (int i = 0; i < model.nv; ++i) v[i] = S(0);
  // turn the stance: R = Rz(yaw) Ry(pitch) Rx(roll) R_stance
  for (int axis = 0; axis < 3; ++axis) {
    const double half = 0.5 * scale * rng.uniform(-range.angle, range.angle);
    S turn[4] = {S(std::cos(half)), S(0), S(0), S(0)}, turned[4];
    turn[1 + axis] = S(std::sin(half));
    quat_multiply(turned, turn, q + 3);
    for (int i = 0; i < 4; ++i) q[3 + i] = turned[i];
  }
  for (int i = 0; i < 3; ++i) v[i] = S(scale * rng.uniform(-range.velocity, range.velocity));
  for (int i = 3; i < 6; ++i) v[i] = S(scale * rng.uniform(-range.angular_velocity, range.angular_velocity));
  q[2] += stance.lowest - lowest_contact(model, q, memory);
}

}  // namespace TANDEM_ISA
}  // namespace tandem
