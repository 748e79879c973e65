// MPC and policy of some robots without a simulator: what runs between a robot's state estimator and its motor drives.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/parallel.hpp"
#include "mpc/mpc.hpp"
#include "policy/policy.hpp"

namespace tandem::python {

class PolicyController {
 public:
  // Set points of the motors: tau = tau_ff + kp (q_des - q) + kd (v_des - v).  (nworld, njnt)
  std::vector<double> tau_ff, q_des, v_des, kp, kd;
  std::vector<double> phase;       // gait time in periods that step() planned with  (nworld)
  std::vector<float> observation;  // (nworld, nobs)
  std::vector<float> action;       // (nworld, naction)

  // policy_path: file of a policy; empty: the MPC alone. Throws Error if the policy is not one for this robot and control step.
  PolicyController(const Robot& robot, const std::string& policy_path, const MpcSettings& settings, int nworld, int threads);

  const Robot& robot() const { return robot_; }
  const MpcSettings& settings() const { return settings_; }
  const Policy* policy() const { return policy_ ? &*policy_ : nullptr; }
  Mpc* mpc() { return mpc_ ? &*mpc_ : nullptr; }
  int nworld() const { return nworld_; }

  // Forgets the plan of one world and sets its gait time. Throws Error if there is no such world.
  void reset(int world, double phase);

  // Plans, observes and acts, for every world that is active; writes all of the above. Sizes and failures are those of Mpc::step; a world whose
  // observation is not finite, or whose quaternion is no rotation, gets the nominal pose at rest under the robot's gains. The policy observes the height
  // above the plane `ground` where the base is.
  void step(std::span<const double> q, std::span<const double> v, std::span<const double> command, std::span<const std::uint8_t> active = {},
            std::span<const double> ground = {});

 private:
  void step_world(int world, const double* q, const double* v, const double* command, const double* ground, float* scratch);

  Robot robot_;
  MpcSettings settings_;
  int nworld_;
  std::optional<Policy> policy_;
  std::optional<Mpc> mpc_;
  ThreadPool pool_;
  std::vector<double> q_;                    // with quaternions of unit length  (nworld, nq)
  std::vector<double> next_phase_;           // of worlds without an MPC  (nworld)
  std::vector<std::vector<float>> scratch_;  // per thread
};

}  // namespace tandem::python
