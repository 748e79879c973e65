#include "cli/body_maths.hpp"

#include <algorithm>
#include <cmath>

#include "dynamics/dynamics.hpp"

namespace tandem {

struct BodyMaths::State {
  Model model;
  RobotDynamics dynamics;
  std::vector<double> rest, M, J, unused;
};

BodyMaths::BodyMaths(const Model& model) : state_(new State{model, make_dynamics(model), {}, {}, {}, {}}) {
  const size_t nv = model.nv;
  state_->rest.assign(nv, 0), state_->M.resize(nv * nv), state_->J.resize(3 * nv), state_->unused.resize(3 * nv + 3);
}
BodyMaths::~BodyMaths() = default;

void BodyMaths::contact_points(const double* q, std::span<double> points) {
  set_state(state_->dynamics, q, state_->rest.data());
  double velocity[3];
  for (size_t c = 0; c < state_->model.contacts.size(); ++c) contact_state(state_->dynamics, static_cast<int>(c), &points[3 * c], velocity);
}

std::vector<double> BodyMaths::joint_torques(const double* q, const double* v, std::span<const double> a, std::span<const double> force) {
  std::vector<double> tau(state_->model.nv);
  set_state(state_->dynamics, q, v);
  inverse_dynamics(state_->dynamics, a.data(), force.data(), tau.data());
  return {tau.end() - state_->model.njnt, tau.end()};
}

double BodyMaths::torque_change(const double* q, std::span<const double> a, std::span<const double> force) {
  State& s = *state_;
  const int nv = s.model.nv, nbase = nv - s.model.njnt;
  set_state(s.dynamics, q, s.rest.data());
  mass_matrix(s.dynamics, s.M.data());
  std::vector<double> tau(nv, 0.0);
  for (int i = 0; i < nv; ++i)
    for (int j = 0; j < nv; ++j) tau[i] += s.M[i * nv + j] * a[j];  // M a
  for (size_t c = 0; c < s.model.contacts.size(); ++c) {
    contact_jacobian(s.dynamics, static_cast<int>(c), s.J.data(), s.unused.data(), s.unused.data() + 3 * nv);
    for (int i = 0; i < nv; ++i)
      for (int r = 0; r < 3; ++r) tau[i] -= s.J[r * nv + i] * force[3 * c + r];  // - J' force
  }
  double largest = 0;
  for (int i = nbase; i < nv; ++i) largest = std::max(largest, std::abs(tau[i]));
  return largest;
}

}  // namespace tandem
