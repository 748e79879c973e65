// Every dynamics kernel in one go, for one state, on any team and Real: what the tests compare between teams, precisions, lanes and oracles.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "dynamics/centroidal_kernel.hpp"
#include "dynamics/integrate_kernel.hpp"
#include "dynamics/rnea_derivatives_kernel.hpp"
#include "model/model_view.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

template <class Real>
struct StateInput {
  std::vector<Real> q, v, a, force, q_other;  // force (ncon, 3); q_other: where difference goes
};

// Everything starts as NaN, so that what a kernel fails to write shows.
template <class Real>
struct Outputs {
  std::vector<Real> R, p, V, J, dJ, dJ_v, J_body, dJ_body, M, M_b, tau, h, h_b, JtF, A_G, h_G, com, v_com, q_next, dq, dtau_dq, dtau_dv;
  std::vector<Real> memory;

  Outputs(const Model& model) {
    const int nv = model.nv, ncon = static_cast<int>(model.contacts.size()), nb = model.nbody, base = model.floating ? 6 : 0;
    const Real nan(std::numeric_limits<float>::quiet_NaN());
    R.assign(9 * nb, nan), p.assign(3 * nb, nan), V.assign(6 * nb, nan);
    J.assign(3 * ncon * nv, nan), dJ.assign(3 * ncon * nv, nan), dJ_v.assign(3 * ncon, nan);
    J_body.assign(6 * nv, nan), dJ_body.assign(6 * nv, nan);
    M.assign(nv * nv, nan), M_b.assign(base * nv, nan), tau.assign(nv, nan), h.assign(nv, nan), h_b.assign(base, nan), JtF.assign(base, nan);
    A_G.assign(6 * nv, nan), h_G.assign(6, nan), com.assign(3, nan), v_com.assign(3, nan);
    q_next.assign(model.nq, nan), dq.assign(nv, nan), dtau_dq.assign(nv * nv, nan), dtau_dv.assign(nv * nv, nan);
    memory.assign(tree_data_size<Real>(nb) + derivative_data_size<Real>(nb, nv), nan);
  }
  std::vector<std::pair<std::string, const std::vector<Real>*>> fields() const {
    return {{"R", &R},
            {"p", &p},
            {"V", &V},
            {"J", &J},
            {"dJ", &dJ},
            {"dJ_v", &dJ_v},
            {"J_body", &J_body},
            {"dJ_body", &dJ_body},
            {"M", &M},
            {"M_b", &M_b},
            {"tau", &tau},
            {"h", &h},
            {"h_b", &h_b},
            {"JtF", &JtF},
            {"A_G", &A_G},
            {"h_G", &h_G},
            {"com", &com},
            {"v_com", &v_com},
            {"dq", &dq},
            {"q_next", &q_next},
            {"dtau_dq", &dtau_dq},
            {"dtau_dv", &dtau_dv}};
  }
};

constexpr double kTimeStep = 0.02;

// Jacobians of every contact point and of the last body.
template <Team T, class Real, class S>
void evaluate_jacobians(const T& team, const ModelView<S>& model, const StateInput<Real>& in, TreeData<Real> d, Outputs<Real>& out) {
  const Real zero(0);
  body_accelerations(team, model, Motion<Real>{in.v.data(), nullptr, {zero, zero, zero}}, d);
  for (int c = 0; c < model.ncon; ++c) {
    const BodyPoint<Real> point = contact_point(model, d.kin, c);
    point_jacobian(team, model, d.kin, point, out.J.data() + 3 * c * model.nv);
    point_jacobian_dot(team, model, d, point, out.dJ.data() + 3 * c * model.nv);
    for_each(team, 0, 1, [&](int) { store3(out.dJ_v.data() + 3 * c, point_acceleration(d, point)); });
  }
  const BodyPoint<Real> origin = body_origin(d.kin, model.nbody - 1);
  body_jacobian(team, model, d.kin, origin, out.J_body.data());
  body_jacobian_dot(team, model, d, origin, out.dJ_body.data());
}

template <Team T, class Real, class S>
void evaluate(const T& team, const ModelView<S>& model, const StateInput<Real>& in, Outputs<Real>& out) {
  const TreeData<Real> d = tree_data_at(out.memory.data(), model.nbody);
  const DerivativeData<Real> x = derivative_data_at(out.memory.data() + tree_data_size<Real>(model.nbody), model.nbody, model.nv);
  const Vec3<Real> gravity = load3<Real>(model.gravity);
  const Real* q = in.q.data();

  forward_kinematics(team, model, base_pose(model, q), q + joint_offset(model), d.kin);
  body_velocities(team, model, in.v.data(), d);
  body_inertias(team, model, d);
  composite_inertias(team, model, d);
  for_each(team, 0, 9 * model.nbody, [&](int e) { out.R[e] = d.kin.R[e]; });
  for_each(team, 0, 3 * model.nbody, [&](int e) { out.p[e] = d.kin.p[e]; });
  for_each(team, 0, 6 * model.nbody, [&](int e) { out.V[e] = d.V[e]; });
  evaluate_jacobians(team, model, in, d, out);

  crba(team, model, d, out.M.data());
  rnea(team, model, Motion<Real>{in.v.data(), in.a.data(), gravity}, in.force.data(), d, out.tau.data());
  bias_force(team, model, in.v.data(), gravity, d, out.h.data());
  if (model.nbase) {
    base_mass_rows(team, model, d, out.M_b.data());
    base_bias(team, model, in.v.data(), gravity, d, out.h_b.data());
    base_contact_force(team, model, d.kin, in.force.data(), out.JtF.data());
  }
  centroidal_momentum_matrix(team, model, d, out.A_G.data());
  centroidal_momentum(team, model, in.v.data(), d, out.h_G.data(), out.v_com.data());
  for_each(team, 0, 1, [&](int) { store3(out.com.data(), centre_of_mass(d)); });

  derivative_terms(team, model, Motion<Real>{in.v.data(), in.a.data(), gravity}, in.force.data(), d, x);
  rnea_derivatives(team, model, d, x, RneaDerivatives<Real>{out.dtau_dq.data(), out.dtau_dv.data()});
  integrate(team, model, q, in.v.data(), Real(Scalar<Real>(kTimeStep)), out.q_next.data());
  difference(team, model, q, in.q_other.data(), out.dq.data());
}

// max |a - b| over max |b|, or over `least` where b is smaller than that; NaN in a counts as infinite
inline double relative_error(const std::vector<double>& a, const std::vector<double>& b, double least = 1e-300) {
  double error = a.size() == b.size() ? 0 : std::numeric_limits<double>::infinity(), size = least;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    error = std::isnan(a[i]) ? std::numeric_limits<double>::infinity() : std::max(error, std::abs(a[i] - b[i]));
    size = std::max(size, std::abs(b[i]));
  }
  return error / size;
}

}  // namespace TANDEM_ISA
}  // namespace tandem
