// Whole-body MPC of many robots ("worlds") of one kind: measured states and commands in, joint set points out, one real-time iteration per call. docs/mpc.md.
//
//   Mpc mpc(model, settings, nworld, threads);
//   mpc.reset(world, phase);                    // forget the plan, set the gait time
//   mpc.step(q, v, command);                    // every world, one control step
//   mpc.output.tau_ff, .q_des, .v_des           // tau = tau_ff + kp (q_des - q) + kd (v_des - v), at the rate of the motor drive
//
// Nothing is allocated in a step, results do not depend on the number of threads, and no world disturbs another.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "model/model.hpp"
#include "mpc/settings.hpp"

namespace tandem {

// What step() writes. A world whose solve failed gets the nominal pose at rest without feed-forward, and starts afresh at the next call.
struct MpcOutput {
  std::vector<double> tau_ff;  // inverse dynamics of the first interval, eq. (20) [N m]  (nworld, njnt)
  std::vector<double> q_des;   // joint set points one control step ahead [rad]  (nworld, njnt)
  std::vector<double> v_des;   // [rad/s]  (nworld, njnt)
  std::vector<double> value;   // V_MPC: cost (2) of the plan  (nworld)
  std::vector<double> phase;   // gait time in periods, in [0, 1), of the plan's first node  (nworld)
  std::vector<QpInfo> info;    // how the QP went  (nworld)
};

// A plan for drawing: what the robot is expected to do over the horizon.
struct Horizon {
  std::vector<double> q;       // (nodes, nq)
  std::vector<double> v;       // (nodes, nv)
  std::vector<double> force;   // contact forces over the intervals, world frame [N]  (nodes - 1, ncon, 3)
  std::vector<double> stance;  // 1 in stance  (nodes, nfoot)
};

// A QP and the plan that its solution is a step from.
struct FormedQp {
  std::vector<float> qp;  // data of qp_size(dims())
  Horizon plan;           // linearisation point
};

// Where the time of one control step goes [s]: plan shift and references, linearisation, forming the QP, factorisation with all iterations, update with
// inverse dynamics. Filled by profile().
struct MpcProfile {
  double prepare = 0, linearise = 0, form = 0, solve = 0, finish = 0;
};

class Mpc {
 public:
  MpcOutput output;

  // Throws Error where the model or the settings do not fit: no floating base, feet with unequal numbers of points, wrong sizes, dt not positive.
  //   threads  that share the worlds, the caller's included; 0: one per processor
  Mpc(const Model& model, const MpcSettings& settings, int nworld, int threads = 1);
  ~Mpc();
  Mpc(Mpc&&) noexcept;

  // Forgets the plan of one world; its gait time becomes `phase` (periods, whole ones aside). Throws Error if there is no such world or
  // `phase` is not finite.
  void reset(int world, double phase = 0);

  // One control step of every world.
  //   q (nworld, nq), v (nworld, nv)   measured state, conventions of Model
  //   command (nworld, 4)              base height [m], forward and left velocity in the heading frame [m/s], yaw rate [rad/s]
  //   active (nworld)                  0: leave this world alone; empty: all
  //   ground (nworld, 3)               plane that the robot walks on: its rise along the world's x and y, and its height under the base, counted as q is [m];
  //                                    empty: level at height 0
  // A state that is not finite, a quaternion of length zero, or a plan that runs away (docs/mpc.md, section 8) gives that world the safe output. Throws
  // Error on wrong sizes only.
  void step(std::span<const double> q, std::span<const double> v, std::span<const double> command, std::span<const unsigned char> active = {},
            std::span<const double> ground = {});

  // Everything that the next steps depend on, outputs included. An Mpc that loads it goes on bit for bit, whatever its number of threads.
  // load() throws Error, and changes nothing, unless the bytes are of an Mpc of the same robot, horizon and number of worlds.
  std::vector<std::byte> save() const;
  void load(std::span<const std::byte> bytes);

  // The plan of one world after step(); allocates.
  Horizon horizon(int world) const;

  // The QP that the next step() of one world on level ground would solve for this state, and the plan it is about, without changing anything: for tests and
  // benchmarks.
  FormedQp form(int world, std::span<const double> q, std::span<const double> v, std::span<const double> command) const;
  QpDims dims() const;

  const MpcSettings& settings() const;
  const Model& model() const;
  int nworld() const;

  // Seconds per world and stage of the last step() on this many threads; measured only between profile(true) and profile(false).
  void profile(bool on);
  MpcProfile last_profile() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem
