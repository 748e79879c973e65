// MPC and policy of some robots without a simulator: what runs between a robot's state estimator and its motor drives. docs/deploy.md.
//
//   PolicyController controller(robot, "policy.safetensors", trained_settings(robot, "policy.safetensors"));
//   controller.reset(0, phase);                 // after a stop: forget the plan
//   controller.step(q, v, command);             // every control_dt
//   controller.torque(q, v, tau);               // at the rate of the motors, where their drives do not close the loop themselves
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/parallel.hpp"
#include "mpc/mpc.hpp"
#include "policy/policy.hpp"

namespace tandem {

class PolicyController {
 public:
  // Set points of the motors: tau = tau_ff + kp (q_des - q) + kd (v_des - v). No limit of the robot bounds them; the torque must be.  (nworld, njnt)
  std::vector<double> tau_ff, q_des, v_des, kp, kd;
  std::vector<double> phase;       // gait time in periods that step() planned with  (nworld)
  std::vector<Status> status;      // how the QP ended; without an MPC kSolved, or kNotFinite  (nworld)
  std::vector<float> observation;  // (nworld, nobs)
  std::vector<float> action;       // (nworld, naction)

  // policy_path: file of a policy; empty: the MPC alone. Throws Error if the policy is not one for this robot and control step, and as Mpc does.
  PolicyController(const Robot& robot, const std::string& policy_path, const MpcSettings& settings, int nworld = 1, int threads = 1);

  const Robot& robot() const { return robot_; }
  const MpcSettings& settings() const { return settings_; }
  const Policy* policy() const { return policy_ ? &*policy_ : nullptr; }
  Mpc* mpc() { return mpc_ ? &*mpc_ : nullptr; }
  int nworld() const { return nworld_; }

  // Forgets the plan of one world and sets its gait time. Throws Error as Mpc::reset does.
  void reset(int world, double phase = 0);

  // Plans, observes and acts, for every world that is active; writes all of the above. Arguments are those of Mpc::step; throws Error on wrong sizes only,
  // allocates nothing. The policy observes the height above the plane `ground` where the base is.
  // A world without a usable plan has the nominal pose at rest, on which a residual policy goes on acting, as it did in training; one whose observation is
  // not finite has that pose under the robot's gains.
  void step(std::span<const double> q, std::span<const double> v, std::span<const double> command, std::span<const std::uint8_t> active = {},
            std::span<const double> ground = {});

  // Torques for a state by the set points of the last step, within the robot's limits.   q (nworld, nq), v (nworld, nv), tau (nworld, njnt) written
  // Throws Error on wrong sizes only, allocates nothing.
  void torque(std::span<const double> q, std::span<const double> v, std::span<double> tau) const;

 private:
  void check_sizes(std::span<const double> q, std::span<const double> v) const;
  void step_world(int world, const double* q, const double* v, const double* command, const double* ground, float* scratch);

  Robot robot_;
  MpcSettings settings_;
  int nworld_;
  std::optional<Policy> policy_;
  std::optional<Mpc> mpc_;
  ThreadPool pool_;
  std::vector<double> q_;                    // as observed: quaternions of unit length  (nworld, nq)
  std::vector<double> next_phase_;           // of worlds without an MPC  (nworld)
  std::vector<std::vector<float>> scratch_;  // per thread
};

}  // namespace tandem
