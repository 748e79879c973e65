#include "centroidal/tracker.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {

Tracker::Tracker(const CentroidalMpc& mpc)
    : model_(mpc.robot().model),
      dynamics_(make_dynamics(model_)),
      joint_(mpc.joint_of_robot()),
      dt_(mpc.settings().dt),
      position_gain_(mpc.settings().tracking_position),
      velocity_gain_(mpc.settings().tracking_velocity),
      friction_(mpc.settings().friction) {
  for (const ContactPoint& point : model_.contacts) foot_body_[point.foot] = point.body;
  for (int f = 0; f < kFeet; ++f)
    for (int i = foot_body_[f]; i > 0; i = model_.parent[i])
      if (std::count(joint_.begin(), joint_.end(), i - 1)) leg_[f].push_back(i - 1);
  std::copy_n(mpc.settings().foot_point, 3, foot_point_);
  std::copy_n(mpc.settings().sole, 2, sole_);
  nominal_ = mpc.settings().nominal.empty() ? mpc.robot().nominal : mpc.settings().nominal;
  const size_t n = model_.nv;
  a_ff_.resize(model_.njnt), a_.resize(n), h_.resize(n), load_.resize(n), M_.resize(n * n), J_.resize(6 * n), dJ_.resize(6 * n);
  rows_.resize(n * (n + 1));
  output = {std::vector<double>(model_.njnt), std::vector<double>(model_.njnt), std::vector<double>(model_.njnt)};
}

// Elimination with partial pivoting of the rows gathered in rows_; directions that they leave open get no acceleration.
void Tracker::solve_accelerations() {
  const int n = model_.nv, ld = n + 1;
  const auto row = [&](int i) { return rows_.data() + i * ld; };
  for (int j = 0; j < n; ++j) {
    int best = j;
    for (int i = j + 1; i < n; ++i)
      if (std::abs(row(i)[j]) > std::abs(row(best)[j])) best = i;
    std::swap_ranges(row(j), row(j) + ld, row(best));
    if (std::abs(row(j)[j]) < 1e-9) row(j)[j] = 1, row(j)[n] = 0;
    for (int i = j + 1; i < n; ++i) {
      const double f = row(i)[j] / row(j)[j];
      if (f == 0) continue;
      for (int c = j; c < ld; ++c) row(i)[c] -= f * row(j)[c];
    }
  }
  for (int i = n - 1; i >= 0; --i) {
    a_[i] = row(i)[n];
    for (int c = i + 1; c < n; ++c) a_[i] -= row(i)[c] * a_[c];
    a_[i] /= row(i)[i];
  }
}

// Set points and the accelerations that the plan implies.
void Tracker::blend_plan(const CentroidalNodeInput<float>& now, const CentroidalNodeInput<float>& then, double share) {
  const auto blend = [share](double a, double b) { return a + share * (b - a); };
  for (int j = 0; j < model_.njnt; ++j) output.q_des[j] = nominal_[j], output.v_des[j] = a_ff_[j] = 0;
  for (size_t j = 0; j < joint_.size(); ++j) {
    output.q_des[joint_[j]] = blend(now.x[kJoints + j], then.x[kJoints + j]);
    output.v_des[joint_[j]] = blend(now.u[kVelocities + j], then.u[kVelocities + j]);
    a_ff_[joint_[j]] = (then.u[kVelocities + j] - now.u[kVelocities + j]) / dt_;
  }
}

// The nearest wrench that the sole can pass on, component by component: pressure, friction cone, centre of pressure, friction about the normal.
//   R  the foot's axes
void Tracker::keep_feasible(const double* R, Vec3<double>& force, Vec3<double>& moment) const {
  const Mat3<double> axes = load33<double>(R);
  const double pressure = std::max(0.0, force.z), tangential = std::hypot(force.x, force.y), grip = friction_ * pressure;
  const double share = tangential > grip ? grip / tangential : 1;
  force = {share * force.x, share * force.y, pressure};
  Vec3<double> local = mul_t(axes, moment);
  const double limit[3] = {sole_[1] * pressure, sole_[0] * pressure, grip * std::hypot(sole_[0], sole_[1])};
  local = {std::clamp(local.x, -limit[0], limit[0]), std::clamp(local.y, -limit[1], limit[1]), std::clamp(local.z, -limit[2], limit[2])};
  moment = axes * local;
}

// What the ground does to every degree of freedom through one foot, and rows that keep a foot in stance where it is: J a + dJ v = -damping J v.
void Tracker::add_foot(const CentroidalNodeInput<float>& now, const CentroidalNodeInput<float>& then, double share, int f, const double* v) {
  const int n = model_.nv;
  double p[3], R[9];
  body_pose(dynamics_, foot_body_[f], p, R);
  body_jacobian(dynamics_, foot_body_[f], J_.data(), dJ_.data());
  const bool both = now.ref.stance[f] > 0 && then.ref.stance[f] > 0;
  Vec3<double> part[2];  // force, moment
  for (int i = 0; i < 2; ++i) {
    const int first = kWrench + 6 * f + 3 * i;
    const auto value = [&](int r) { return now.u[first + r] + (both ? share * (then.u[first + r] - now.u[first + r]) : 0.0); };
    part[i] = {value(0), value(1), value(2)};
  }
  keep_feasible(R, part[0], part[1]);
  const Vec3<double> moment = part[1] + cross(load33<double>(R) * load3<double>(foot_point_), part[0]);
  const double wrench[6] = {moment.x, moment.y, moment.z, part[0].x, part[0].y, part[0].z};
  for (int r = 0; r < 6; ++r)
    for (int i = 0; i < n; ++i) load_[i] += J_[r * n + i] * wrench[r];
  if (now.ref.stance[f] == 0) return;
  for (int r = 0; r < static_cast<int>(leg_[f].size()); ++r) {
    double* row = rows_.data() + nrow_++ * (n + 1);
    row[n] = 0;
    for (int i = 0; i < n; ++i) row[i] = J_[r * n + i], row[n] -= (dJ_[r * n + i] + velocity_gain_ * J_[r * n + i]) * v[i];
  }
}

void Tracker::follow(CentroidalPlan plan, double time, const double* q, const double* v) {
  const int n = model_.nv, last = static_cast<int>(plan.size()) - 3;
  const double at = std::clamp(time / dt_, 0.0, static_cast<double>(last));
  const int k = static_cast<int>(at);
  const CentroidalNodeInput<float>&now = plan[k], &then = plan[k + 1];
  blend_plan(now, then, at - k);
  set_state(dynamics_, q, v);
  mass_matrix(dynamics_, M_.data());
  inverse_dynamics(dynamics_, nullptr, nullptr, h_.data());
  std::fill(load_.begin(), load_.end(), 0.0);
  nrow_ = 0;
  for (int f = 0; f < kFeet; ++f) add_foot(now, then, at - k, f, v);
  // base rows of M a + h = J' wrench
  for (int i = 0; i < 6; ++i) {
    double* row = rows_.data() + nrow_++ * (n + 1);
    std::copy_n(&M_[i * n], n, row);
    row[n] = load_[i] - h_[i];
  }
  // joints that do not hold a foot accelerate towards the plan
  for (int j = 0; j < model_.njnt; ++j) {
    bool holds = false;
    for (int f = 0; f < kFeet; ++f) holds |= now.ref.stance[f] > 0 && std::count(leg_[f].begin(), leg_[f].end(), j) > 0;
    if (holds) continue;
    double* row = rows_.data() + nrow_++ * (n + 1);
    std::fill_n(row, n, 0.0);
    row[6 + j] = 1;
    row[n] = a_ff_[j] + position_gain_ * (output.q_des[j] - q[7 + j]) + velocity_gain_ * (output.v_des[j] - v[6 + j]);
  }
  solve_accelerations();
  for (int j = 0; j < model_.njnt; ++j) {
    double tau = h_[6 + j] - load_[6 + j] + model_.damping[j] * output.v_des[j];
    for (int i = 0; i < n; ++i) tau += M_[(6 + j) * n + i] * a_[i];
    output.tau_ff[j] = std::clamp(tau, -model_.tau_max[j], model_.tau_max[j]);
  }
}

}  // namespace tandem
