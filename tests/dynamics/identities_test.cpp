// What must hold between the results of the dynamics kernels, without any other program's opinion: equations of motion, momentum, energy, derivatives.
#include <gtest/gtest.h>

#include "dynamics/dynamics.hpp"
#include "tests/dynamics/evaluate.hpp"
#include "tests/dynamics/robots.hpp"

namespace tandem {
namespace {

using Vector = std::vector<double>;

struct Identities : testing::TestWithParam<RobotCase> {
  Model model = make_model(GetParam());
  ModelArrays<double> arrays = make_arrays<double>(model);
  int nv = model.nv, ncon = static_cast<int>(model.contacts.size()), nbase = model.floating ? 6 : 0;
  StateInput<double> in{random_configuration(model, 1), random_vector(nv, 2, 2), random_vector(nv, 5, 3), random_vector(3 * ncon, 50, 4),
                        random_configuration(model, 5)};
  Outputs<double> out = evaluate_at(in);

  Outputs<double> evaluate_at(const StateInput<double>& state) const {
    Outputs<double> result(model);
    evaluate(SerialTeam{}, arrays.view, state, result);
    return result;
  }
  // The state after moving along the tangent `dq` and changing v by `dv`.
  StateInput<double> moved(const Vector& dq, const Vector& dv) const {
    StateInput<double> state = in;
    integrate(SerialTeam{}, arrays.view, in.q.data(), dq.data(), 1.0, state.q.data());
    for (int i = 0; i < nv; ++i) state.v[i] += dv[i];
    return state;
  }
  // sum over rows: A (rows, nv) times x
  Vector times(const Vector& A, const Vector& x) const {
    Vector y(A.size() / nv, 0.0);
    for (size_t e = 0; e < A.size(); ++e) y[e / nv] += A[e] * x[e % nv];
    return y;
  }
  Vector contact_forces_in_v() const {
    Vector y(nv, 0.0);
    for (size_t e = 0; e < out.J.size(); ++e) y[e % nv] += out.J[e] * in.force[e / nv];
    return y;
  }
  // Kinetic and potential energy; every body on its own, from its pose and velocity.
  double energy(const StateInput<double>& state) const {
    const Outputs<double> at = evaluate_at(state);
    const Vector Mv = times(at.M, state.v);
    double kinetic = 0, mass = 0, height = 0;
    for (int k = 0; k < nv; ++k) kinetic += 0.5 * state.v[k] * Mv[k];
    for (int i = 0; i < model.nbody; ++i) mass += model.mass[i];
    for (int r = 0; r < 3; ++r) height -= model.gravity[r] * (at.com[r] + (nbase ? state.q[r] : model.p_PB[r]));
    return kinetic + mass * height;
  }
};

TEST_P(Identities, EquationOfMotion) {
  Vector expected = times(out.M, in.a);
  const Vector contact = contact_forces_in_v();
  for (int k = 0; k < nv; ++k) expected[k] += out.h[k] - contact[k];
  EXPECT_LT(relative_error(out.tau, expected), 1e-12);
}

TEST_P(Identities, BaseRowsAreTheFirstRows) {
  const Vector contact = contact_forces_in_v();
  EXPECT_LT(relative_error(out.M_b, Vector(out.M.begin(), out.M.begin() + nbase * nv)), 1e-14);
  EXPECT_LT(relative_error(out.h_b, Vector(out.h.begin(), out.h.begin() + nbase)), 1e-12);
  EXPECT_LT(relative_error(out.JtF, Vector(contact.begin(), contact.begin() + nbase)), 1e-12);
}

TEST_P(Identities, CentroidalMomentumIsMatrixTimesVelocity) { EXPECT_LT(relative_error(out.h_G, times(out.A_G, in.v)), 1e-12); }

// Actuators that supply tau without contact forces feed the energy at the rate tau'v.
TEST_P(Identities, PowerIsTheRateOfEnergy) {
  const double dt = 1e-4;
  const auto energy_after = [&](double t) {
    Vector dq(nv), dv(nv);
    for (int k = 0; k < nv; ++k) {
      dq[k] = t * in.v[k];
      dv[k] = t * in.a[k];
    }
    return energy(moved(dq, dv));
  };
  const double rate = (8 * (energy_after(dt) - energy_after(-dt)) - (energy_after(2 * dt) - energy_after(-2 * dt))) / (12 * dt);
  double power = 0, size = 0;
  const Vector contact = contact_forces_in_v();
  for (int k = 0; k < nv; ++k) {
    power += in.v[k] * (out.tau[k] + contact[k]);
    size += std::abs(in.v[k] * (out.tau[k] + contact[k]));
  }
  EXPECT_NEAR(rate, power, 1e-7 * size);
}

// Fourth-order central differences of rnea.
TEST_P(Identities, DerivativesOfInverseDynamics) {
  const double step = 1e-3;
  Vector dtau_dq(nv * nv), dtau_dv(nv * nv);
  for (int k = 0; k < nv; ++k) {
    for (const double s : {-2.0, -1.0, 1.0, 2.0}) {
      Vector d(nv, 0.0), zero(nv, 0.0);
      d[k] = s * step;
      const Vector by_q = evaluate_at(moved(d, zero)).tau, by_v = evaluate_at(moved(zero, d)).tau;
      const double weight = (std::abs(s) == 1 ? 8 * s : -s / 2) / (12 * step);
      for (int j = 0; j < nv; ++j) {
        dtau_dq[j * nv + k] += weight * by_q[j];
        dtau_dv[j * nv + k] += weight * by_v[j];
      }
    }
  }
  EXPECT_LT(relative_error(out.dtau_dq, dtau_dq, 1), 1e-8);
  EXPECT_LT(relative_error(out.dtau_dv, dtau_dv, 1), 1e-8);
}

// The host interface is the kernels.
TEST_P(Identities, HostInterfaceAgreesWithKernels) {
  RobotDynamics dynamics = make_dynamics(model);
  set_state(dynamics, in.q.data(), in.v.data());
  Vector M(nv * nv), tau(nv), dq(nv * nv), dv(nv * nv), A_G(6 * nv), h_G(6), J(6 * nv), dJ(6 * nv);
  mass_matrix(dynamics, M.data());
  inverse_dynamics(dynamics, in.a.data(), in.force.data(), tau.data());
  inverse_dynamics_derivatives(dynamics, in.a.data(), in.force.data(), dq.data(), dv.data());
  centroidal_momentum(dynamics, A_G.data(), h_G.data());
  body_jacobian(dynamics, model.nbody - 1, J.data(), dJ.data());
  EXPECT_LT(relative_error(M, out.M), 1e-14);
  EXPECT_LT(relative_error(tau, out.tau), 1e-14);
  EXPECT_LT(relative_error(dq, out.dtau_dq), 1e-14);
  EXPECT_LT(relative_error(dv, out.dtau_dv), 1e-14);
  EXPECT_LT(relative_error(A_G, out.A_G), 1e-14);
  EXPECT_LT(relative_error(h_G, out.h_G), 1e-14);
  EXPECT_LT(relative_error(J, out.J_body), 1e-14);
  EXPECT_LT(relative_error(dJ, out.dJ_body), 1e-14);
}

// Position, velocity and Jacobian of a contact point belong together: v = J v, and its difference over time.
TEST_P(Identities, ContactVelocityIsJacobianTimesVelocity) {
  RobotDynamics dynamics = make_dynamics(model);
  const double dt = 1e-4;
  for (int c = 0; c < ncon; ++c) {
    Vector J(3 * nv), dJ(3 * nv), dJ_v(3), p(3), v(3), rate(3, 0.0), unused(3);
    for (const double s : {-2.0, -1.0, 1.0, 2.0}) {
      Vector dq(nv);
      for (int k = 0; k < nv; ++k) dq[k] = s * dt * in.v[k];
      const StateInput<double> state = moved(dq, Vector(nv, 0.0));
      set_state(dynamics, state.q.data(), state.v.data());
      contact_state(dynamics, c, p.data(), unused.data());
      for (int r = 0; r < 3; ++r) rate[r] += (std::abs(s) == 1 ? 8 * s : -s / 2) / (12 * dt) * p[r];
    }
    set_state(dynamics, in.q.data(), in.v.data());
    contact_state(dynamics, c, p.data(), v.data());
    contact_jacobian(dynamics, c, J.data(), dJ.data(), dJ_v.data());
    EXPECT_LT(relative_error(v, times(J, in.v)), 1e-12);
    EXPECT_LT(relative_error(dJ_v, times(dJ, in.v)), 1e-11);
    EXPECT_LT(relative_error(v, rate, 1), 1e-8);
  }
}

INSTANTIATE_TEST_SUITE_P(Robots, Identities, testing::ValuesIn(robot_cases()), case_name);

}  // namespace
}  // namespace tandem
