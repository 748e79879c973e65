#include "centroidal/tracker.hpp"

#include <algorithm>
#include <cmath>

#include "math/dense.hpp"
#include "math/vec3.hpp"

namespace tandem {

Tracker::Tracker(const CentroidalMpc& mpc)
    : model_(mpc.robot().model), dynamics_(make_dynamics(model_)), joint_(mpc.joint_of_robot()), dt_(mpc.settings().dt) {
  for (const ContactPoint& point : model_.contacts) foot_body_[point.foot] = point.body;
  std::copy_n(mpc.settings().foot_point, 3, foot_point_);
  nominal_ = mpc.settings().nominal.empty() ? mpc.robot().nominal : mpc.settings().nominal;
  const size_t n = model_.nv;
  a_.resize(n), h_.resize(n), load_.resize(n), M_.resize(n * n), J_.resize(6 * n), dJ_.resize(6 * n);
  output = {std::vector<double>(model_.njnt), std::vector<double>(model_.njnt), std::vector<double>(model_.njnt)};
}

// Base rows of M a + h = load, solved for the acceleration of the base by elimination; M_bb is positive definite.
void Tracker::base_acceleration() {
  const int n = model_.nv;
  double A[6][7];
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j < 6; ++j) A[i][j] = M_[i * n + j];
    A[i][6] = load_[i] - h_[i];
    for (int j = 6; j < n; ++j) A[i][6] -= M_[i * n + j] * a_[j];
  }
  for (int j = 0; j < 6; ++j)
    for (int i = 0; i < 6; ++i) {
      if (i == j) continue;
      const double f = A[i][j] / A[j][j];
      for (int c = j; c < 7; ++c) A[i][c] -= f * A[j][c];
    }
  for (int i = 0; i < 6; ++i) a_[i] = A[i][6] / A[i][i];
}

void Tracker::follow(CentroidalPlan plan, double time, const double* q, const double* v) {
  const int n = model_.nv, last = static_cast<int>(plan.size()) - 3;
  const double at = std::clamp(time / dt_, 0.0, static_cast<double>(last));
  const int k = static_cast<int>(at);
  const double share = at - k;
  const NodeInput<float>&now = plan[k], &then = plan[k + 1];
  const auto blend = [share](double a, double b) { return a + share * (b - a); };
  for (int j = 0; j < model_.njnt; ++j) output.q_des[j] = nominal_[j], output.v_des[j] = 0;
  std::fill(a_.begin(), a_.end(), 0.0);
  for (size_t j = 0; j < joint_.size(); ++j) {
    output.q_des[joint_[j]] = blend(now.x[kJoints + j], then.x[kJoints + j]);
    output.v_des[joint_[j]] = blend(now.u[kVelocities + j], then.u[kVelocities + j]);
    a_[6 + joint_[j]] = (then.u[kVelocities + j] - now.u[kVelocities + j]) / dt_;
  }
  set_state(dynamics_, q, v);
  mass_matrix(dynamics_, M_.data());
  inverse_dynamics(dynamics_, nullptr, nullptr, h_.data());
  // what the ground does to every degree of freedom
  std::fill(load_.begin(), load_.end(), 0.0);
  for (int f = 0; f < kFeet; ++f) {
    double p[3], R[9];
    body_pose(dynamics_, foot_body_[f], p, R);
    body_jacobian(dynamics_, foot_body_[f], J_.data(), dJ_.data());
    const bool both = now.ref.stance[f] > 0 && then.ref.stance[f] > 0;
    Vec3<double> part[2];
    for (int i = 0; i < 2; ++i) {
      const int first = kWrench + 6 * f + 3 * i;
      const auto value = [&](int r) { return both ? blend(now.u[first + r], then.u[first + r]) : double(now.u[first + r]); };
      part[i] = {value(0), value(1), value(2)};
    }
    const Vec3<double> moment = part[1] + cross(load33<double>(R) * load3<double>(foot_point_), part[0]);
    const double wrench[6] = {moment.x, moment.y, moment.z, part[0].x, part[0].y, part[0].z};
    for (int r = 0; r < 6; ++r)
      for (int i = 0; i < n; ++i) load_[i] += J_[r * n + i] * wrench[r];
  }
  base_acceleration();
  for (int j = 0; j < model_.njnt; ++j) {
    double tau = h_[6 + j] - load_[6 + j] + model_.damping[j] * output.v_des[j];
    for (int i = 0; i < n; ++i) tau += M_[(6 + j) * n + i] * a_[i];
    output.tau_ff[j] = std::clamp(tau, -model_.tau_max[j], model_.tau_max[j]);
  }
}

}  // namespace tandem
