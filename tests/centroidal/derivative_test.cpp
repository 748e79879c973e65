// Every derivative of a node against finite differences, and the motion of the base against the centroidal momentum of the robot: in double.
#include <gtest/gtest.h>

#include <memory>

#include "centroidal/form_kernel.hpp"
#include "dynamics/dynamics.hpp"
#include "tests/centroidal/fixture.hpp"

namespace tandem {
namespace {

using Vec = std::vector<double>;

class Node : public testing::TestWithParam<std::array<double, 2>> {
 protected:
  void SetUp() override {
    robot = load_robot("unitree_g1");
    CentroidalSettings settings;
    // weights where the default has none, so that every term is looked at
    settings.weights.com = {3, 5};
    settings.weights.torso = {1, 2, 3, 100, 90, 4, .1, .2, .3, 5, 6, 2};
    settings.weights.swing = {0, 0, 7, 1000, 900, 20, 10, 11, 3, 1, 2, .5};
    settings.weights.base = {2, 3, 15, 1, 5, 6};
    settings.weights.torque = {2e-3, 2e-3, 1e-3, 8e-3, 2e-3, 2e-3};
    settings.penalties.collision = {300, .2};  // so wide that all pairs count
    arrays = make_arrays<double>(robot, settings);
    arrays.view.momentum_scale[1] = 1.2, arrays.view.momentum_scale[4] = 0.8;
    in = random_node(arrays, robot, GetParam(), 11);
    const CentroidalView<double>& v = arrays.view;
    memory.assign(node_memory_size<double>(v.model.nbody), NAN);
  }
  void linearise(CentroidalNodeOutput<double>& out) {
    const auto work = std::make_unique<NodeWork<double>>();
    linearise_node(arrays.view, in, memory.data(), *work, out);
  }
  // Change of measure() per unit of each x and u, by central differences.
  template <class Measure>
  std::vector<Vec> quotients(Measure&& measure) {
    const double h = 1e-5;
    std::vector<Vec> columns;
    for (double* block : {in.x, in.u})
      for (int i = 0; i < arrays.view.nx; ++i) {
        const double value = block[i];
        block[i] = value + h;
        Vec column = measure();
        block[i] = value - h;
        const Vec other = measure();
        block[i] = value;
        for (size_t r = 0; r < column.size(); ++r) column[r] = (column[r] - other[r]) / (2 * h);
        columns.push_back(column);
      }
    return columns;
  }
  Vec predicted(bool with_theta = false, Prediction<double>* keep = nullptr) {
    const CentroidalView<double>& v = arrays.view;
    CentroidalMotion<double> motion;
    const auto columns = std::make_unique<MotionColumns<double>>();
    const auto work = std::make_unique<PredictWork<double>>();
    const auto out = std::make_unique<Prediction<double>>();
    evaluate_motion(v, in.x, in.u, memory.data(), motion);
    motion_columns(v, in.x, motion, *columns);
    work->memory = memory.data() + tree_data_size<double>(v.model.nbody);
    work->with_theta = with_theta;
    predict(v, in, motion, *columns, *work, *out);
    if (keep) *keep = *out;
    return {out->next, out->next + v.nx};
  }
  static void expect_close(double value, double expected, const std::string& where) {
    EXPECT_NEAR(value, expected, 2e-5 * (1 + std::abs(expected))) << where;
  }

  Robot robot;
  CentroidalArrays<double> arrays;
  CentroidalNodeInput<double> in;
  Vec memory;
};

// Rates of a column as rows of the state.
Vec rows_of(const Rates<double>& rates, int nx) {
  Vec rows(nx, 0.0);
  store3(&rows[kLinear], rates.linear), store3(&rows[kAngular], rates.angular), store3(&rows[kPosition], rates.position);
  store3(&rows[kEuler], rates.euler);
  return rows;
}

TEST_P(Node, ThePredictionHasTheDerivativesOfTheStep) {
  const CentroidalView<double>& v = arrays.view;
  const auto step = std::make_unique<Prediction<double>>();
  predicted(true, step.get());
  const std::vector<Vec> expected = quotients([&] { return predicted(); });
  for (int z = 0; z < v.nx + v.nu; ++z) {
    Vec column(v.nx, 0.0);
    const int u = z - v.nx;
    if (z < kAngular) {
      column[z] = 1, column[kPosition + z] = v.dt;
    } else if (z < kPosition) {
      column = rows_of(step->angular[z - kAngular], v.nx);
    } else if (z < kEuler) {
      column[z] = 1;
    } else if (z < kJoints) {
      column = rows_of(step->euler[z - kEuler], v.nx);
    } else if (u < 0) {
      column = rows_of(step->joint[z - kJoints], v.nx);
      column[z] = 1;
    } else if (u < kVelocities) {
      column = rows_of(step->wrench[u], v.nx);
    } else {
      column = rows_of(step->velocity[u - kVelocities], v.nx);
      column[kJoints + u - kVelocities] = v.dt;
    }
    for (int r = 0; r < v.nx; ++r) expect_close(column[r], expected[z][r], "row " + std::to_string(r) + ", column " + std::to_string(z));
  }
}

TEST_P(Node, ThePredictionHasTheDerivativesByTheMomentumMultipliers) {
  const auto step = std::make_unique<Prediction<double>>();
  predicted(true, step.get());
  for (int t = 0; t < kMomentumTheta; ++t) {
    double& scale = arrays.view.momentum_scale[t];
    const double value = scale, h = 1e-5;
    scale = value + h;
    const Vec high = predicted();
    scale = value - h;
    const Vec low = predicted();
    scale = value;
    const Vec column = rows_of(step->theta[t], arrays.view.nx);
    for (int r = 0; r < arrays.view.nx; ++r) expect_close(column[r], (high[r] - low[r]) / (2 * h), "row " + std::to_string(r));
  }
}

TEST_P(Node, ContactRowsHaveTheirDerivatives) {
  const auto out = std::make_unique<CentroidalNodeOutput<double>>();
  const auto values = [&] {
    linearise(*out);
    Vec all;
    for (int f = 0; f < kFeet; ++f)
      for (int r = 0; r < 6; ++r) all.push_back(out->contact[f][r].value);
    return all;
  };
  const std::vector<Vec> expected = quotients(values);
  values();
  const CentroidalView<double>& v = arrays.view;
  for (int z = 0; z < v.nx + v.nu; ++z)
    for (int i = 0; i < 12; ++i) {
      const int c = z < v.nx ? z : z - v.nx < kVelocities ? -1 : z - kVelocities;
      expect_close(c < 0 ? 0.0 : out->contact[i / 6][i % 6].column[c], expected[z][i], "row " + std::to_string(i) + ", column " + std::to_string(z));
    }
}

TEST_P(Node, TheGradientIsThatOfTheCost) {
  const auto out = std::make_unique<CentroidalNodeOutput<double>>();
  const std::vector<Vec> expected = quotients([&] {
    linearise(*out);
    return Vec{out->cost};
  });
  linearise(*out);
  const CentroidalView<double>& v = arrays.view;
  for (int i = 0; i < v.nx; ++i) expect_close(out->gx[i], expected[i][0], "state " + std::to_string(i));
  for (int i = 0; i < v.nu; ++i) expect_close(out->gu[i], expected[v.nx + i][0], "input " + std::to_string(i));
}

// Without penalties the Hessian is the weighted sum of the squares of the residuals' derivatives.
TEST_P(Node, TheHessianIsThatOfTheSquaredResiduals) {
  CentroidalView<double>& v = arrays.view;
  v.cone.mu = v.pressure.mu = v.limits.mu = v.collision.mu = 0;
  const auto work = std::make_unique<NodeWork<double>>();
  const auto out = std::make_unique<CentroidalNodeOutput<double>>();
  const auto flat = [](const StageTerms<double>& terms) {
    const double* first = terms.state;
    return Vec(first, first + sizeof(terms) / sizeof(double));
  };
  const std::vector<Vec> J = quotients([&] {
    work->residual = {};
    linearise_node(v, in, memory.data(), *work, *out);
    return flat(work->residual);
  });
  const Vec weight = flat(v.weight);
  linearise_node(v, in, memory.data(), *work, *out);
  const QpDims dims = centroidal_dims(1, v.nx, 1);
  Vec data(qp_size(dims), 0.0);
  const QpView<double> qp = qp_view(dims, data.data());
  const RowList<double> list = row_list(v);
  Vec rows(list.nrow * qp.lay.ldz, 0.0);
  form_cost(v, list, *out, [](double value) { return value; }, QpStage<double>{qp, 0}, rows.data());
  const int nz = v.nx + v.nu;
  for (int a = 0; a < nz; ++a)
    for (int b = 0; b < nz; ++b) {
      double expected = 0;
      for (size_t r = 0; r < weight.size(); ++r) expected += v.dt * weight[r] * J[a][r] * J[b][r];
      const double formed = qp.H(0)[a * qp.lay.ldz + b] + (a == b ? qp.hdiag(0)[a] : 0.0);
      ASSERT_NEAR(formed, expected, 1e-5 * (1 + std::abs(expected))) << a << " " << b;
    }
}

TEST_P(Node, TheBaseMovesSoThatTheRobotHasItsMomentum) {
  const Model& model = arrays.locked.model;
  const CentroidalView<double>& v = arrays.view;
  CentroidalMotion<double> motion;
  evaluate_motion(v, in.x, in.u, memory.data(), motion);
  RobotDynamics dynamics = make_dynamics(model);
  Vec q(model.nq), velocity(model.nv), A(6 * model.nv), h(6);
  std::copy_n(in.x + kPosition, 3, q.begin());
  const double* e = in.x + kEuler;
  const double yaw[4] = {std::cos(e[0] / 2), 0, 0, std::sin(e[0] / 2)}, pitch[4] = {std::cos(e[1] / 2), 0, std::sin(e[1] / 2), 0},
               roll[4] = {std::cos(e[2] / 2), std::sin(e[2] / 2), 0, 0};
  double both[4];
  quat_multiply(both, yaw, pitch);
  quat_multiply(&q[3], both, roll);
  std::copy_n(in.x + kJoints, v.nj, q.begin() + 7);
  store3(velocity.data(), motion.velocity);
  store3(&velocity[3], mul_t(quat_to_rotation(&q[3]), motion.omega));
  std::copy_n(in.u + kVelocities, v.nj, velocity.begin() + 6);
  set_state(dynamics, q.data(), velocity.data());
  centroidal_momentum(dynamics, A.data(), h.data());
  for (int r = 0; r < 3; ++r) {
    EXPECT_NEAR(h[3 + r], v.mass * in.x[kLinear + r], 1e-9);
    EXPECT_NEAR(h[r], v.mass * in.x[kAngular + r], 1e-9);
  }
}

INSTANTIATE_TEST_SUITE_P(Phases, Node, testing::Values(std::array<double, 2>{1, 1}, std::array<double, 2>{1, 0}, std::array<double, 2>{0, 1}));

}  // namespace
}  // namespace tandem
