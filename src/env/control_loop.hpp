// Many robots under one controller: MPC alone, MPC with a residual policy, or a policy end to end. What training, eval, play and sweep all step.
//
//   ControlLoop loop(robot, settings, nworld, threads);
//   loop.reset(world, {.q = q, .v = v, .phase = phase});   // any worlds
//   loop.prepare(active);                                  // measure, plan (MPC), observe: writes measured_*, phase, observation, mpc()->output
//   loop.advance(actions, active);                         // blend, delay, physics: writes simulator().output, ground
//
// Same bits for every number of threads; no world disturbs another; nothing is allocated in prepare() and advance().
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/parallel.hpp"
#include "env/settings.hpp"
#include "env/streams.hpp"
#include "mpc/mpc.hpp"
#include "policy/policy.hpp"
#include "sim/simulator.hpp"

namespace tandem {

// How long the parts of the last prepare() and advance() took [s].
struct LoopTimes {
  double measure = 0, mpc = 0, observe = 0, blend = 0, physics = 0;
};

// How one world starts.
struct WorldStart {
  std::span<const double> q;              // z above the ground of the place, wherever in the terrain x and y put it  (nq)
  std::span<const double> v;              // (nv)
  double phase = 0;                       // gait time in periods
  WorldParameters parameters = {};        // of the simulator
  std::span<const double> kp_scale = {};  // gains as applied over gains asked for; empty: 1  (njnt)
  std::span<const double> kd_scale = {};  // (njnt)
  double delay = 0;                       // of the set points, rounded to control steps; at most settings.randomise.delay[1] [s]
  double noise_scale = 1;                 // of settings.noise
  EpisodeKey key = {};                    // names the random numbers of the noise
};

// Memory that a world takes, from above [bytes]: of the simulator alone; of a ControlLoop, simulator and MPC included.
double simulator_bytes(const Model& model);
double loop_bytes(const Robot& robot, const TaskSettings& settings);

class ControlLoop {
 public:
  std::vector<double> command;  // base height, forward, left, yaw rate; the caller writes it  (nworld, 4)
  std::vector<double> phase;    // gait time in periods at the last prepare()  (nworld)
  std::vector<double> ground;   // mean height of the terrain under the feet, 0 on flat ground [m]  (nworld)
  std::vector<double> plane;  // of the ground, as the MPC takes it: rise along the world's x and y, height under the base above `ground`  (nworld, 3)
  std::vector<double> measured_q;  // with noise, height above `ground`  (nworld, nq)
  std::vector<double> measured_v;  // (nworld, nv)
  std::vector<float> observation;  // (nworld, layout().size)
  LoopTimes times;

  // Controller, blending, noise, terrain, MPC and physics are those of `settings`. Every world stands at rest, commanded to step in place.
  //   threads  that share the worlds, the caller's included; 0: one per processor
  // Throws Error unless the robot has a floating base and contact points, nworld is at least 1, all worlds fit into the memory that is available, and the
  // settings fit the robot.
  ControlLoop(const Robot& robot, const TaskSettings& settings, int nworld, int threads);
  ~ControlLoop();

  const Robot& robot() const;  // with the gait of settings.mpc
  const TaskSettings& settings() const;
  const ObservationLayout& layout() const;
  const Blending& blending() const;
  const Terrain& terrain() const;
  int nworld() const;
  int naction() const;
  double control_dt() const;  // [s]
  Simulator& simulator();
  Mpc* mpc();  // nullptr for kRl
  ThreadPool& pool();

  // Puts one world at the start of an episode: forgets its plan and its delayed set points. Throws Error as Simulator::set_state and set_parameters do.
  void reset(int world, const WorldStart& start);

  // Between advance() and prepare(): the same robots go on from the same states under another controller, gait, blending, solver or gains. The plan of the
  // MPC is kept where the new one has the same size and starts afresh otherwise. Throws Error, and changes nothing, unless the robot, the ground, the time
  // steps and the longest delay are those of before; and where ControlLoop does. Allocates.
  void change(const Robot& robot, const TaskSettings& settings);

  // active (nworld)  0: leave this world alone; empty: all. A world that advance() left alone stands still until its reset().
  void prepare(std::span<const unsigned char> active = {});
  // actions (nworld, naction), ignored by kMpc; empty: all zero. A world with an action that is not finite gets kFaultSetPoint when it is applied.
  void advance(std::span<const float> actions, std::span<const unsigned char> active = {});

  // The same under set points from elsewhere, with the gains of the robot.   tau_ff, q_des, v_des (nworld, njnt)
  void follow(std::span<const double> tau_ff, std::span<const double> q_des, std::span<const double> v_des);

  // Everything that the next steps depend on. load() of what save() wrote goes on bit for bit, whatever the number of threads. Throws Error unless
  // the bytes are of a loop of the same robot, controller and number of worlds; then the worlds must be reset before they are used.
  std::vector<std::byte> save() const;
  void load(std::span<const std::byte> bytes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What the set points of the last advance() asked of the joints in the state that was measured before it, limits aside, in two parts: what those of the MPC
// alone would have asked, and the rest, which is the policy's [N m].   mpc, residual (njnt)
void split_torques(ControlLoop& loop, int world, double* mpc, double* residual);

// The last three actions of one world, zeros before its first.  each (naction)
struct LastActions {
  const float *now, *previous, *before_previous;
};

// The reward of the last control step of one world, from its true state.   terms (kRewardTerms) written, as compute_reward of env/reward.hpp does
void compute_reward(ControlLoop& loop, int world, const LastActions& actions, bool terminated, float* terms);

}  // namespace tandem
