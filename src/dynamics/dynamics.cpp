#include "dynamics/dynamics.hpp"

#include <algorithm>

#include "dynamics/centroidal_kernel.hpp"
#include "dynamics/rnea_derivatives_kernel.hpp"

namespace tandem {
namespace {

constexpr SerialTeam kTeam;

TreeData<double> tree(RobotDynamics& dynamics) { return tree_data_at(dynamics.memory.data(), dynamics.arrays.view.nbody); }

DerivativeData<double> derivative_data(RobotDynamics& dynamics) {
  const ModelView<double>& model = dynamics.arrays.view;
  return derivative_data_at(dynamics.memory.data() + tree_data_size<double>(model.nbody), model.nbody, model.nv);
}

}  // namespace

RobotDynamics make_dynamics(const Model& model) {
  RobotDynamics dynamics;
  dynamics.arrays = make_arrays<double>(model);
  dynamics.memory.resize(tree_data_size<double>(model.nbody) + derivative_data_size<double>(model.nbody, model.nv));
  dynamics.v.resize(model.nv);
  return dynamics;
}

void set_state(RobotDynamics& dynamics, const double* q, const double* v) {
  const ModelView<double>& model = dynamics.arrays.view;
  const TreeData<double> d = tree(dynamics);
  store3(dynamics.p_WO, base_position(model, q));
  std::copy(v, v + model.nv, dynamics.v.begin());
  forward_kinematics(kTeam, model, base_pose(model, q), q + joint_offset(model), d.kin);
  body_velocities(kTeam, model, v, d);
  body_inertias(kTeam, model, d);
  composite_inertias(kTeam, model, d);
}

void body_pose(RobotDynamics& dynamics, int body, double* p, double* R) {
  store3(p, load3<double>(dynamics.p_WO) + load3<double>(tree(dynamics).kin.p + 3 * body));
  store33(R, load33<double>(tree(dynamics).kin.R + 9 * body));
}

void contact_state(RobotDynamics& dynamics, int c, double* p, double* v) {
  const ModelView<double>& model = dynamics.arrays.view;
  const BodyPoint<double> point = contact_point(model, tree(dynamics).kin, c);
  Vec3<double> velocity = relative_velocity(tree(dynamics), point);
  if (model.nbase) velocity = velocity + load3<double>(dynamics.v.data());
  store3(p, load3<double>(dynamics.p_WO) + point.p);
  store3(v, velocity);
}

void contact_jacobian(RobotDynamics& dynamics, int c, double* J, double* dJ, double* dJ_v) {
  const ModelView<double>& model = dynamics.arrays.view;
  const BodyPoint<double> point = contact_point(model, tree(dynamics).kin, c);
  point_jacobian(kTeam, model, tree(dynamics).kin, point, J);
  point_jacobian_dot(kTeam, model, tree(dynamics), point, dJ);
  body_accelerations(kTeam, model, Motion<double>{dynamics.v.data(), nullptr, {0, 0, 0}}, tree(dynamics));
  store3(dJ_v, point_acceleration(tree(dynamics), point));
}

void body_jacobian(RobotDynamics& dynamics, int body, double* J, double* dJ) {
  const ModelView<double>& model = dynamics.arrays.view;
  const BodyPoint<double> point = body_origin(tree(dynamics).kin, body);
  body_jacobian(kTeam, model, tree(dynamics).kin, point, J);
  body_jacobian_dot(kTeam, model, tree(dynamics), point, dJ);
}

void mass_matrix(RobotDynamics& dynamics, double* M) { crba(kTeam, dynamics.arrays.view, tree(dynamics), M); }

void inverse_dynamics(RobotDynamics& dynamics, const double* a, const double* force, double* tau) {
  const ModelView<double>& model = dynamics.arrays.view;
  rnea(kTeam, model, Motion<double>{dynamics.v.data(), a, load3<double>(model.gravity)}, force, tree(dynamics), tau);
}

void inverse_dynamics_derivatives(RobotDynamics& dynamics, const double* a, const double* force, double* dtau_dq, double* dtau_dv) {
  const ModelView<double>& model = dynamics.arrays.view;
  const Motion<double> motion{dynamics.v.data(), a, load3<double>(model.gravity)};
  derivative_terms(kTeam, model, motion, force, tree(dynamics), derivative_data(dynamics));
  rnea_derivatives(kTeam, model, tree(dynamics), derivative_data(dynamics), RneaDerivatives<double>{dtau_dq, dtau_dv});
}

void centroidal_momentum(RobotDynamics& dynamics, double* A_G, double* h_G) {
  const ModelView<double>& model = dynamics.arrays.view;
  double v_com[3];
  centroidal_momentum_matrix(kTeam, model, tree(dynamics), A_G);
  centroidal_momentum(kTeam, model, dynamics.v.data(), tree(dynamics), h_G, v_com);
}

void centre_of_mass(RobotDynamics& dynamics, double* p, double* v) {
  double h_G[6];
  centroidal_momentum(kTeam, dynamics.arrays.view, dynamics.v.data(), tree(dynamics), h_G, v);
  store3(p, load3<double>(dynamics.p_WO) + centre_of_mass(tree(dynamics)));
}

}  // namespace tandem
