// Random initial states and commands. Every draw is a function of (seed, world): base/rng.hpp.
#pragma once

#include <cstdint>
#include <vector>

#include "base/rng.hpp"
#include "model/model_view.hpp"
#include "model/robot.hpp"
#include "sim/initial_state_kernel.hpp"

namespace tandem {

// Draws initial states of one robot one after the other; allocates only when it is made.
class InitialStateSampler {
 public:
  // stance  as below. Throws Error where sample_initial_state does.
  InitialStateSampler(const Model& model, const double* stance, const InitialStateRange& range = {});
  // Writes q (nq) and v (nv) from the next numbers of `rng`; see sample_initial_state.
  void draw(Rng rng, double scale, double* q, double* v);

 private:
  ModelArrays<double> arrays_;
  std::vector<double> q_, memory_;  // of the stance (nq), of the kinematics
  StanceView<double> stance_;       // points into q_
};

// Draws the initial state of one world, `scale` times as far from `stance` as `range` allows (0: the stance itself, at rest).
//   stance  configuration of a floating-base robot that stands with its lowest contact point on the floor  (nq)
//   q, v    written  (nq), (nv)
// Joints keep the stance and zero velocity; the base moves up or down until the lowest contact point is as high as in the stance.
void sample_initial_state(const Model& model, const double* stance, const InitialStateRange& range, double scale, std::uint64_t seed, int world,
                          double* q, double* v);

// The same for worlds 0 .. nworld - 1 of a robot of robots/: arrays as Simulator::set_state takes them.
struct InitialStates {
  std::vector<int> worlds;  // 0 .. nworld - 1
  std::vector<double> q;    // (nworld, nq)
  std::vector<double> v;    // (nworld, nv)
};
InitialStates sample_initial_states(const Robot& robot, int nworld, double scale, std::uint64_t seed);

// Draws a command (vx, vy, wz) of one world, uniform in the robot's range.
void sample_command(const CommandRange& range, std::uint64_t seed, int world, double* command);

}  // namespace tandem
