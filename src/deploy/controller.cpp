#include "deploy/controller.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "math/so3.hpp"

namespace tandem {
namespace {

std::optional<Policy> read_policy(const Robot& robot, const std::string& path, const MpcSettings& settings) {
  if (path.empty()) return {};
  Policy policy = load_policy(path);
  check_policy(policy, robot, path);
  check(std::abs(policy.control_dt - settings.control_dt) < 1e-9, path, " acts every ", policy.control_dt,
        " s, the settings say mpc.control_dt = ", settings.control_dt, "; set mpc.control_dt to what the policy was trained with");
  const size_t nfoot = policy.layout.gait_offset.size();
  check(settings.gait.offset.size() == nfoot, "gait.offset has ", settings.gait.offset.size(), " values, expected ", nfoot, ", one per foot");
  policy.layout.gait_offset = settings.gait.offset;  // the gait that the robot walks in, as in the task
  return policy;
}

}  // namespace

PolicyController::PolicyController(const Robot& robot, const std::string& policy_path, const MpcSettings& settings, int nworld, int threads)
    : robot_(robot), settings_(settings), nworld_(nworld), policy_(read_policy(robot, policy_path, settings)), pool_(threads) {
  if (!policy_ || policy_->controller != Controller::kRl) mpc_.emplace(robot.model, settings, nworld, pool_.size());
  const size_t n = nworld, joints = n * robot.model.njnt;
  for (std::vector<double>* field : {&tau_ff, &q_des, &v_des, &kp, &kd}) field->assign(joints, 0.0);
  phase.assign(n, 0.0), next_phase_.assign(n, 0.0);
  status.assign(n, Status::kSolved);
  if (policy_) {
    q_.assign(n * robot.model.nq, 0.0);
    observation.assign(n * policy_->layout.size, 0.0f);
    action.assign(n * policy_->action_joint.size(), 0.0f);
    scratch_.assign(pool_.size(), std::vector<float>(scratch_size(*policy_)));
  }
}

void PolicyController::reset(int world, double new_phase) {
  check(world >= 0 && world < nworld_, "world = ", world, ", expected 0 to ", nworld_ - 1);
  check(std::isfinite(new_phase), "phase = ", new_phase, ", expected a number of periods");
  if (mpc_) mpc_->reset(world, new_phase);
  next_phase_[world] = new_phase - std::floor(new_phase);
}

void PolicyController::check_sizes(std::span<const double> q, std::span<const double> v) const {
  const size_t n = nworld_, nq = n * robot_.model.nq, nv = n * robot_.model.nv;
  check(q.size() == nq, "Controller: q has ", q.size(), " values, expected nworld x nq = ", nq);
  check(v.size() == nv, "Controller: v has ", v.size(), " values, expected nworld x nv = ", nv);
}

void PolicyController::step(std::span<const double> q, std::span<const double> v, std::span<const double> command,
                            std::span<const std::uint8_t> active, std::span<const double> ground) {
  const size_t n = nworld_;
  check_sizes(q, v);
  check(command.size() == 4 * n, "Controller: command has ", command.size(), " values, expected nworld x 4 = ", 4 * n);
  check(active.empty() || active.size() == n, "Controller: active has ", active.size(), " values, expected nworld = ", n);
  check(ground.empty() || ground.size() == 3 * n, "Controller: ground has ", ground.size(), " values, expected nworld x 3 = ", 3 * n);
  if (mpc_) mpc_->step(q, v, command, active, ground);
  const size_t nq = robot_.model.nq, nv = robot_.model.nv;
  pool_.run(nworld_, [&](int world, int thread) {
    if (!active.empty() && !active[world]) return;
    float* scratch = policy_ ? scratch_[thread].data() : nullptr;
    step_world(world, &q[world * nq], &v[world * nv], &command[4 * static_cast<size_t>(world)],
               ground.empty() ? nullptr : &ground[3 * static_cast<size_t>(world)], scratch);
  });
}

void PolicyController::step_world(int world, const double* q, const double* v, const double* command, const double* ground, float* scratch) {
  const size_t njnt = robot_.model.njnt, first = world * njnt;
  const SetPoints points{&tau_ff[first], &q_des[first], &v_des[first], &kp[first], &kd[first]};
  // the nominal pose at rest, or what the MPC says
  std::fill_n(points.tau_ff, njnt, 0.0), std::fill_n(points.v_des, njnt, 0.0);
  std::copy(robot_.nominal.begin(), robot_.nominal.end(), points.q_des);
  std::copy(robot_.kp.begin(), robot_.kp.end(), points.kp);
  std::copy(robot_.kd.begin(), robot_.kd.end(), points.kd);
  if (mpc_) {
    std::copy_n(&mpc_->output.tau_ff[first], njnt, points.tau_ff);
    std::copy_n(&mpc_->output.q_des[first], njnt, points.q_des);
    std::copy_n(&mpc_->output.v_des[first], njnt, points.v_des);
  }
  phase[world] = mpc_ ? mpc_->output.phase[world] : next_phase_[world];
  next_phase_[world] = phase[world] + settings_.control_dt / settings_.gait.period;
  next_phase_[world] -= std::floor(next_phase_[world]);
  status[world] = mpc_ ? mpc_->output.info[world].status : Status::kSolved;
  if (!policy_) return;

  const size_t nobs = policy_->layout.size, naction = policy_->action_joint.size(), nq = robot_.model.nq;
  double* own = std::copy_n(q, nq, &q_[world * nq]) - nq;
  if (robot_.model.floating) scale_to_unit(own + 3);
  float *obs = &observation[world * nobs], *act_on = &action[world * naction];
  observe(policy_->layout, {own, v, command, phase[world], mpc_ ? mpc_->output.value[world] : 0, ground ? ground[2] : 0}, obs);
  const bool finite = std::all_of(obs, obs + nobs, [](float x) { return std::isfinite(x); });
  std::fill_n(act_on, naction, 0.0f);
  if (!finite) {
    status[world] = Status::kNotFinite;
    return;
  }
  act(*policy_, obs, act_on, scratch);
  blend(policy_->blending, act_on, points);
}

void PolicyController::torque(std::span<const double> q, std::span<const double> v, std::span<double> tau) const {
  const Model& model = robot_.model;
  const size_t nq = model.nq, nv = model.nv, njnt = model.njnt;
  check_sizes(q, v);
  check(tau.size() == tau_ff.size(), "Controller: tau has ", tau.size(), " values, expected nworld x njnt = ", tau_ff.size());
  for (size_t i = 0; i < tau.size(); ++i) {
    const size_t world = i / njnt, joint = i % njnt;
    const double q_joint = q[world * nq + nq - njnt + joint], v_joint = v[world * nv + nv - njnt + joint], limit = model.tau_max[joint];
    tau[i] = std::clamp(tau_ff[i] + kp[i] * (q_des[i] - q_joint) + kd[i] * (v_des[i] - v_joint), -limit, limit);
  }
}

}  // namespace tandem
