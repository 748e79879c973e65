// The linearised node against finite differences of the nonlinear equations it stands for, in double precision, on every robot.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "dynamics/integrate_kernel.hpp"
#include "model/robot.hpp"
#include "mpc/arrays.hpp"
#include "mpc/linearise_kernel.hpp"

namespace tandem {
namespace {

using Vec = std::vector<double>;
const SerialTeam kTeam;

// A node and the MPC it belongs to; rows are measured directly from the motion of the contact points.
class Linearise : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    robot = load_robot(GetParam());
    arrays = make_arrays<double>(robot.model, make_mpc_settings(robot), 1);
    const ModelView<double>& m = view().model;
    std::mt19937 random(7);
    std::normal_distribution<double> normal;
    const auto noise = [&](Vec& values, double scale) {
      for (double& value : values) value += scale * normal(random);
    };
    q = robot.stand;
    Vec turn(m.nv, 0.0);
    noise(turn, 0.3);
    integrate(kTeam, m, Vec(q).data(), turn.data(), 1.0, q.data());
    v.assign(m.nv, 0.0), noise(v, 1.0);
    w.assign(m.njnt, 0.0), noise(w, 1.0);
    F.assign(3 * m.ncon, 0.0), noise(F, 50.0);
    stance.assign(m.nfoot, 1.0);
    height.assign(m.nfoot, 0.05);
  }

  const MpcView<double>& view() const { return arrays.view; }

  NodeInput<double> input(Vec& memory, const Vec& v_next, const Vec& q_next) const {
    memory.assign(view().ninput, 0.0);
    NodeInput<double> in = node_input_at(view().model, memory.data());
    std::copy(q.begin(), q.end(), in.q), std::copy(v.begin(), v.end(), in.v), std::copy(v_next.begin(), v_next.end(), in.v_next);
    std::copy_n(q_next.begin(), 7, in.q_next), std::copy(F.begin(), F.end(), in.F), std::copy(stance.begin(), stance.end(), in.stance);
    std::copy(height.begin(), height.end(), in.height), std::copy(ground.begin(), ground.end(), in.ground);
    for (int i = 0; i < view().nforce; ++i) in.F[i] *= stance[view().model.contact_foot[i / 3]];  // a foot in swing has none
    *in.dt = dt, *in.rows_on = 1;
    return in;
  }

  // Velocity after the interval: the base rows solved for the base acceleration that makes the wrench vanish.
  Vec next_velocity() const {
    const ModelView<double>& m = view().model;
    Vec memory, work(node_work_size<double>(m)), v_next = v;
    std::copy(w.begin(), w.end(), v_next.begin() + 6);
    for (int pass = 0; pass < 2; ++pass) {  // affine in the acceleration: the second pass only removes rounding
      const NodeInput<double> in = input(memory, v_next, q);
      const BaseDynamics<double> d = base_dynamics_at(work.data(), m.nbody);
      const BaseMotion<double> motion = node_motion(kTeam, m, in, work.data() + base_dynamics_size<double>(m.nbody));
      base_dynamics(kTeam, m, motion, d);
      const Spatial<double> a = invert(load_inertia(d.I)) * base_wrench(m, motion, d);
      const Vec3<double> a_W = motion.R_WB * a.v;
      for (int r = 0; r < 3; ++r) v_next[r] -= dt * (&a_W.x)[r], v_next[3 + r] -= dt * (&a.w.x)[r];
    }
    return v_next;
  }

  // Everything the node predicts: tangent of the next configuration about `q_next`, next base velocity, contact rows.
  Vec measure(const Vec& q_next) const {
    const ModelView<double>& m = view().model;
    const Vec v_next = next_velocity();
    Vec q_hat(m.nq), dq(m.nv);
    integrate(kTeam, m, q.data(), v_next.data(), dt, q_hat.data());
    difference(kTeam, m, q_next.data(), q_hat.data(), dq.data());
    Vec all(dq.begin(), dq.begin() + 6);
    all.insert(all.end(), v_next.begin(), v_next.begin() + 6);
    const Vec rows = contact_rows();
    all.insert(all.end(), rows.begin(), rows.end());
    return all;
  }

  // Rows by moving the robot a little along v and looking at its contact points.
  Vec contact_rows() const {
    const ModelView<double>& m = view().model;
    const double h = 1e-6;
    Vec before(m.nq), after(m.nq);
    integrate(kTeam, m, q.data(), v.data(), -h, before.data());
    integrate(kTeam, m, q.data(), v.data(), h, after.data());
    const Vec p = points(q), p_0 = points(before), p_1 = points(after);
    Vec rows;
    for (int f = 0; f < m.nfoot; ++f) {
      for (int i = 0; i < view().nstance; ++i) {
        const bool standing = stance[f] > 0;
        if (!standing && i >= view().nswing) {
          rows.push_back(0);
          continue;
        }
        const ContactRow& row = standing ? view().stance_row[i] : view().swing_row[i];
        double value = standing ? 0 : -height[f];
        for (int c = 0; c < view().npoint; ++c) {
          const int at = 3 * (f * view().npoint + c);
          for (int r = 0; r < 3; ++r)
            value += row.weight[c] * (standing ? direction(row, f)[r] * (p_1[at + r] - p_0[at + r]) / (2 * h) : (r == 2) * p[at + r]);
          if (!standing) value -= row.weight[c] * ground_at(p[at], p[at + 1]);
        }
        rows.push_back(value);
      }
    }
    // feet apart: distance of the mean points along the base's y axis, beyond the least one
    const Mat3<double> R = quat_to_rotation(q.data() + 3);
    for (int pair = 0; pair < view().npair; ++pair) {
      double apart = -view().foot_distance;
      for (int c = 0; c < view().npoint; ++c) {
        const Vec3<double> left = load3<double>(&p[3 * (view().pair[pair].left * view().npoint + c)]);
        const Vec3<double> right = load3<double>(&p[3 * (view().pair[pair].right * view().npoint + c)]);
        apart += mul_t(R, left - right).y / view().npoint;
      }
      rows.push_back(apart);
    }
    return rows;
  }

  // Of the plane, whose height under the base is frozen at the linearisation point, as the controller does.
  double ground_at(double x, double y) const { return ground[2] + ground[0] * (x - q[0]) + ground[1] * (y - q[1]); }

  // Directions are frozen at the linearisation point, as the controller does.
  Vec direction(const ContactRow& row, int foot) const {
    if (row.axis != RowAxis::kLateral) return {double(row.axis == RowAxis::kX), double(row.axis == RowAxis::kY), double(row.axis == RowAxis::kZ)};
    const double* first = &frozen[3 * foot * view().npoint];
    const double* last = first + 3 * (view().npoint / 2);
    const double x = first[0] - last[0], y = first[1] - last[1], n = std::sqrt(x * x + y * y + 1e-6);
    return {-y / n, x / n, 0};
  }

  Vec points(const Vec& configuration) const {
    const ModelView<double>& m = view().model;
    Vec memory(kinematics_size<double>(m.nbody)), p(3 * m.ncon);
    const Kinematics<double> kin = kinematics_at(memory.data(), m.nbody);
    forward_kinematics(kTeam, m, Pose<double>{quat_to_rotation(configuration.data() + 3), load3<double>(configuration.data())},
                       configuration.data() + 7, kin);
    for (int c = 0; c < m.ncon; ++c) store3(p.data() + 3 * c, contact_position(m, kin, c));
    return p;
  }

  void expect_derivatives() {
    const MpcView<double>& mpc = view();
    const ModelView<double>& m = mpc.model;
    const QpLayout lay = qp_layout(mpc.dims);
    const int n = m.nv;
    frozen = points(q);
    const Vec v_next = next_velocity();
    Vec q_next(m.nq);
    integrate(kTeam, m, q.data(), v_next.data(), dt, q_next.data());

    Vec memory, out(node_output_size(mpc), NAN), work(node_work_size<double>(m), NAN), stage(lay.stage, 0.0);
    linearise_node(kTeam, mpc, input(memory, v_next, q_next), node_output_at(mpc, out.data()), work.data());
    for (int i = 0; i < mpc.nlinear; ++i) stage[mpc.scatter[i]] = out[i];
    for (int r = 0; r < 3; ++r) {
      stage[lay.E + r * lay.ldz + n + r] = 1, stage[lay.Phi + r * lay.ldp + r] = 1, stage[lay.Gam + r * lay.ldp + r] = dt;
    }
    // predicted change of measure() for a change of one input
    const auto column = [&](int z) {
      Vec all(12 + mpc.dims.nc, 0.0);
      for (int r = 0; r < 6; ++r) all[6 + r] = stage[lay.E + r * lay.ldz + z];
      for (int r = 0; r < 6; ++r) {
        if (z < 6) all[r] = stage[lay.Phi + r * lay.ldp + z];
        for (int c = 0; c < 6; ++c) all[r] += stage[lay.Gam + r * lay.ldp + c] * all[6 + c];
      }
      for (int r = 0; z < 2 * n && r < mpc.dims.nc; ++r) all[12 + r] = stage[lay.C + r * lay.ldx + z];
      return all;
    };
    const Vec rows = contact_rows();
    for (int r = 0; r < mpc.dims.nc; ++r) ASSERT_NEAR(stage[lay.lc + r], -rows[r], 1e-6) << "bound of row " << r;

    const double h = 1e-5;
    const Vec q_0 = q, v_0 = v, w_0 = w, F_0 = F;
    for (int z = 0; z < lay.ldz; ++z) {
      Vec difference_quotient(12 + mpc.dims.nc, 0.0);
      for (double sign : {1.0, -1.0}) {
        Vec step(n, 0.0);
        if (z < n) step[z] = sign * h;
        integrate(kTeam, m, q_0.data(), step.data(), 1.0, q.data());
        v = v_0, w = w_0, F = F_0;
        if (z >= n && z < 2 * n) v[z - n] += sign * h;
        if (z >= 2 * n && z < 2 * n + mpc.nforce) F[z - 2 * n] += sign * h;
        if (z >= 2 * n + mpc.nforce) w[z - 2 * n - mpc.nforce] += sign * h;
        const Vec value = measure(q_next);
        for (size_t i = 0; i < value.size(); ++i) difference_quotient[i] += sign * value[i] / (2 * h);
      }
      q = q_0, v = v_0, w = w_0, F = F_0;
      const Vec expected = column(z);
      for (size_t i = 0; i < expected.size(); ++i)
        ASSERT_NEAR(expected[i], difference_quotient[i], 1e-4 * (1 + std::abs(expected[i]))) << "row " << i << ", input " << z;
    }
  }

  const double dt = 0.04;
  Robot robot;
  MpcArrays<double> arrays;
  Vec q, v, w, F, stance, height, frozen, ground{0.1, -0.2, 0.03};
};

TEST_P(Linearise, EveryDerivativeMatchesFiniteDifferencesInStance) { expect_derivatives(); }

TEST_P(Linearise, EveryDerivativeMatchesFiniteDifferencesInSwing) {
  stance[0] = 0;
  expect_derivatives();
}

INSTANTIATE_TEST_SUITE_P(Robots, Linearise, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"));

}  // namespace
}  // namespace tandem
