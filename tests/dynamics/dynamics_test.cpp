// The dynamics against MuJoCo, in double precision, on the project's robots and on random trees.
#include "dynamics/dynamics.hpp"

#include <gtest/gtest.h>

#include "tests/dynamics/evaluate.hpp"
#include "tests/dynamics/robots.hpp"
#include "tests/support/mujoco_oracle.hpp"

namespace tandem {
namespace {

constexpr double kTolerance = 1e-10;
constexpr int kStates = 4;

using Vector = std::vector<double>;

// rows [angular; linear] of a body Jacobian from MuJoCo's two halves
Vector stack(const Vector& angular, const Vector& linear) {
  Vector out = angular;
  out.insert(out.end(), linear.begin(), linear.end());
  return out;
}

struct AgainstMujoco : testing::TestWithParam<RobotCase> {
  Model model = make_model(GetParam());
  MujocoOracle oracle = GetParam().file.empty() ? oracle_from_text(to_mjcf(model), model) : oracle_from_file(GetParam().file, model);
  ModelArrays<double> arrays = make_arrays<double>(model);
  StateInput<double> in;
  Outputs<double> out{model};
  Vector origin;  // of frame O in the world

  void take_state(int seed) {
    SCOPED_TRACE(seed);
    in = {random_configuration(model, 10 + seed), random_vector(model.nv, 2, 20 + seed), random_vector(model.nv, 5, 30 + seed),
          random_vector(3 * static_cast<int>(model.contacts.size()), 50, 40 + seed), random_configuration(model, 50 + seed)};
    out = Outputs<double>(model);
    evaluate(SerialTeam{}, arrays.view, in, out);
    oracle.set_state(in.q, in.v, in.a);
    origin.resize(3);
    store3(origin.data(), base_position(arrays.view, in.q.data()));
  }
  Vector contact_position_W(int c) const {
    const ContactPoint& contact = model.contacts[c];
    const double *R = &out.R[9 * contact.body], *p = &out.p[3 * contact.body];
    Vector x(3);
    store3(x.data(), load3<double>(origin.data()) + load3<double>(p) + load33<double>(R) * load3<double>(contact.p_BC));
    return x;
  }
};

TEST_P(AgainstMujoco, Poses) {
  for (int state = 0; state < kStates; ++state) {
    take_state(state);
    for (int i = 0; i < model.nbody; ++i) {
      const double *p = oracle.d->xpos + 3 * oracle.body[i], *R = oracle.d->xmat + 9 * oracle.body[i];
      const Vector ours{origin[0] + out.p[3 * i], origin[1] + out.p[3 * i + 1], origin[2] + out.p[3 * i + 2]};
      ASSERT_LT(relative_error(ours, Vector(p, p + 3)), kTolerance) << model.body_name[i] << ", state " << state;
      ASSERT_LT(relative_error(Vector(&out.R[9 * i], &out.R[9 * i] + 9), Vector(R, R + 9)), kTolerance) << model.body_name[i] << ", state " << state;
    }
  }
}

TEST_P(AgainstMujoco, PointJacobiansAndTheirRates) {
  const int nv = model.nv;
  for (int state = 0; state < kStates; ++state) {
    take_state(state);
    for (size_t c = 0; c < model.contacts.size(); ++c) {
      const Vector point = contact_position_W(static_cast<int>(c));
      Vector jacobian(3 * nv), rate(3 * nv);
      mj_jac(oracle.m.get(), oracle.d.get(), jacobian.data(), nullptr, point.data(), oracle.body[model.contacts[c].body]);
      mj_jacDot(oracle.m.get(), oracle.d.get(), rate.data(), nullptr, point.data(), oracle.body[model.contacts[c].body]);
      const Vector J(&out.J[3 * c * nv], &out.J[3 * c * nv] + 3 * nv), dJ(&out.dJ[3 * c * nv], &out.dJ[3 * c * nv] + 3 * nv);
      ASSERT_LT(relative_error(J, oracle.columns(jacobian.data(), 3)), kTolerance) << "contact " << c << ", state " << state;
      ASSERT_LT(relative_error(dJ, oracle.columns(rate.data(), 3)), kTolerance) << "contact " << c << ", state " << state;
    }
  }
}

TEST_P(AgainstMujoco, BodyJacobianAndItsRate) {
  const int nv = model.nv, id = oracle.body[model.nbody - 1];
  for (int state = 0; state < kStates; ++state) {
    take_state(state);
    Vector linear(3 * nv), angular(3 * nv);
    mj_jacBody(oracle.m.get(), oracle.d.get(), linear.data(), angular.data(), id);
    ASSERT_LT(relative_error(out.J_body, stack(oracle.columns(angular.data(), 3), oracle.columns(linear.data(), 3))), kTolerance)
        << "state " << state;
    mj_jacDot(oracle.m.get(), oracle.d.get(), linear.data(), angular.data(), oracle.d->xpos + 3 * id, id);
    ASSERT_LT(relative_error(out.dJ_body, stack(oracle.columns(angular.data(), 3), oracle.columns(linear.data(), 3))), kTolerance)
        << "state " << state;
  }
}

// (dJ/dt) v from body accelerations against the matrix times v
TEST_P(AgainstMujoco, JacobianRateTimesVelocity) {
  const int nv = model.nv;
  for (int state = 0; state < kStates; ++state) {
    take_state(state);
    for (size_t c = 0; c < model.contacts.size(); ++c) {
      const Vector point = contact_position_W(static_cast<int>(c));
      Vector rate(3 * nv), expected(3, 0.0);
      mj_jacDot(oracle.m.get(), oracle.d.get(), rate.data(), nullptr, point.data(), oracle.body[model.contacts[c].body]);
      for (int r = 0; r < 3; ++r)
        for (int k = 0; k < nv; ++k) expected[r] += rate[r * nv + k] * oracle.d->qvel[k];
      ASSERT_LT(relative_error(Vector(&out.dJ_v[3 * c], &out.dJ_v[3 * c] + 3), expected), kTolerance) << "contact " << c << ", state " << state;
    }
  }
}

TEST_P(AgainstMujoco, MassMatrix) {
  for (int state = 0; state < kStates; ++state) {
    take_state(state);
    ASSERT_LT(relative_error(out.M, oracle.mass_matrix()), kTolerance) << "state " << state;
  }
}

TEST_P(AgainstMujoco, BiasForce) {
  for (int state = 0; state < kStates; ++state) {
    take_state(state);
    ASSERT_LT(relative_error(out.h, oracle.columns(oracle.d->qfrc_bias, 1)), kTolerance) << "state " << state;
  }
}

// tau = M a + h - J'f: mj_inverse for the first part, mj_jac for the second
TEST_P(AgainstMujoco, InverseDynamicsWithContactForces) {
  const int nv = model.nv;
  for (int state = 0; state < kStates; ++state) {
    take_state(state);
    Vector expected = oracle.columns(oracle.d->qfrc_inverse, 1);
    for (size_t c = 0; c < model.contacts.size(); ++c) {
      Vector jacobian(3 * nv);
      mj_jac(oracle.m.get(), oracle.d.get(), jacobian.data(), nullptr, contact_position_W(static_cast<int>(c)).data(),
             oracle.body[model.contacts[c].body]);
      const Vector J = oracle.columns(jacobian.data(), 3);
      for (int r = 0; r < 3; ++r)
        for (int k = 0; k < nv; ++k) expected[k] -= J[r * nv + k] * in.force[3 * c + r];
    }
    ASSERT_LT(relative_error(out.tau, expected), kTolerance) << "state " << state;
  }
}

TEST_P(AgainstMujoco, CentroidalMomentumAndCentreOfMass) {
  const int nv = model.nv, root = oracle.body[0];
  for (int state = 0; state < kStates; ++state) {
    take_state(state);
    Vector angular(3 * nv), linear(3 * nv);
    mj_angmomMat(oracle.m.get(), oracle.d.get(), angular.data(), root);
    mj_jacSubtreeCom(oracle.m.get(), oracle.d.get(), linear.data(), root);
    const double mass = oracle.m->body_subtreemass[root];
    for (double& x : linear) x *= mass;
    ASSERT_LT(relative_error(out.A_G, stack(oracle.columns(angular.data(), 3), oracle.columns(linear.data(), 3))), kTolerance) << "state " << state;

    const double *com = oracle.d->subtree_com + 3 * root, *v_com = oracle.d->subtree_linvel + 3 * root, *L = oracle.d->subtree_angmom + 3 * root;
    const Vector ours{origin[0] + out.com[0], origin[1] + out.com[1], origin[2] + out.com[2]};
    ASSERT_LT(relative_error(ours, Vector(com, com + 3)), kTolerance) << "state " << state;
    ASSERT_LT(relative_error(out.v_com, Vector(v_com, v_com + 3)), kTolerance) << "state " << state;
    ASSERT_LT(relative_error(out.h_G, Vector{L[0], L[1], L[2], mass * v_com[0], mass * v_com[1], mass * v_com[2]}), kTolerance) << "state " << state;
  }
}

TEST_P(AgainstMujoco, Integration) {
  for (int state = 0; state < kStates; ++state) {
    take_state(state);
    Vector q(oracle.d->qpos, oracle.d->qpos + oracle.m->nq), expected(model.nq);
    mj_integratePos(oracle.m.get(), q.data(), oracle.d->qvel, kTimeStep);
    for (int i = 0; i < model.nq; ++i) expected[i] = q[oracle.q_address[i]];
    ASSERT_LT(relative_error(out.q_next, expected), kTolerance) << "state " << state;
  }
}

TEST_P(AgainstMujoco, Difference) {
  for (int state = 0; state < kStates; ++state) {
    take_state(state);
    Vector to(oracle.m->nq), v(oracle.m->nv);
    for (int i = 0; i < model.nq; ++i) to[oracle.q_address[i]] = in.q_other[i];
    mj_differentiatePos(oracle.m.get(), v.data(), 1.0, oracle.d->qpos, to.data());
    ASSERT_LT(relative_error(out.dq, oracle.columns(v.data(), 1)), kTolerance) << "state " << state;
  }
}

INSTANTIATE_TEST_SUITE_P(Robots, AgainstMujoco, testing::ValuesIn(robot_cases()), case_name);

}  // namespace
}  // namespace tandem
