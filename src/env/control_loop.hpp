// Many robots under one controller: MPC alone, MPC with a residual policy, or a policy end to end. What training, eval, play and sweep all step.
//
//   ControlLoop loop(robot, settings, nworld, threads);
//   loop.reset(world, q, v, phase, parameters);      // any worlds
//   loop.prepare(active);                            // measure, plan (MPC), observe: writes measured_*, observation, mpc->output
//   loop.advance(actions, active);                   // blend, delay, physics: writes sim->output
//
// Same bits for every number of threads; no world disturbs another; nothing is allocated in prepare() and advance().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "env/settings.hpp"
#include "mpc/mpc.hpp"
#include "policy/policy.hpp"
#include "sim/simulator.hpp"

namespace tandem {

// How long the parts of the last prepare() and advance() took [s].
struct LoopTimes {
  double measure = 0, mpc = 0, observe = 0, blend = 0, physics = 0;
};

class ControlLoop {
 public:
  std::vector<double> command;      // base height, forward, left, yaw rate; the caller writes it  (nworld, 4)
  std::vector<double> phase;        // gait time in periods  (nworld)
  std::vector<double> measured_q;   // with noise, height above the ground under the feet  (nworld, nq)
  std::vector<double> measured_v;   // (nworld, nv)
  std::vector<float> observation;   // (nworld, layout().size)
  LoopTimes times;

  // The controller and blending are those of `blending` and settings.controller.
  ControlLoop(const Robot& robot, const TaskSettings& settings, int nworld, int threads);
  ~ControlLoop();

  const Robot& robot() const;
  const ObservationLayout& layout() const;
  const Blending& blending() const;
  int nworld() const;
  int naction() const;
  Simulator& simulator();
  Mpc* mpc();  // nullptr for kRl

  // Puts one world at q, v (above the ground of its place in the terrain) with gait time `phase`; forgets its plan and its delayed set points.
  //   seed, episode  name the random numbers of its noise
  void reset(int world, std::span<const double> q, std::span<const double> v, double phase, const WorldParameters& parameters, double delay,
             double noise_scale, std::uint64_t seed, std::uint32_t episode);

  void prepare(std::span<const unsigned char> active = {});
  // actions (nworld, naction); empty: all zero
  void advance(std::span<const float> actions, std::span<const unsigned char> active = {});

  std::vector<std::byte> save() const;
  void load(std::span<const std::byte> bytes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem
