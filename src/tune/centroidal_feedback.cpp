#include "tune/centroidal_feedback.hpp"

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <algorithm>
#include <memory>

#include "base/parallel.hpp"
#include "centroidal/form_kernel.hpp"
#include "tune/centroidal_columns.hpp"

namespace tandem {
namespace {

constexpr int kBoth = kBaseStates + kWrenches;
using Square = Eigen::Matrix<double, kBaseStates, kBaseStates, Eigen::RowMajor>;
using Stage = Eigen::Matrix<double, kBoth, kBoth, Eigen::RowMajor>;
using Step = Eigen::Matrix<double, kBaseStates, kBoth, Eigen::RowMajor>;

// One node of the controller's own problem, reduced to base states and wrenches.
struct Linearisation {
  explicit Linearisation(const CentroidalView<double>& v)
      : view(one_interval(v)),
        list(row_list(v)),
        dims(centroidal_dims(1, v.nx, 1)),
        memory(node_memory_size<double>(v.model.nbody)),
        data(qp_size(dims)),
        work(std::make_unique<NodeWork<double>>()),
        out(std::make_unique<CentroidalNodeOutput<double>>()) {
    rows.resize(static_cast<size_t>(list.nrow) * qp_view(dims, data.data()).lay.ldz);
  }

  void evaluate(const CentroidalNodeInput<double>& node) {
    std::fill(data.begin(), data.end(), 0.0);
    const QpView<double> qp = qp_view(dims, data.data());
    linearise_node(view, node, memory.data(), *work, *out);
    form_constants(view, qp);
    const auto read = [](double value) { return value; };
    form_dynamics(view, out->step, node.x, read, QpStage<double>{qp, 0});
    form_cost(view, list, *out, read, QpStage<double>{qp, 0}, rows.data());
    const int ldz = qp.lay.ldz;
    const auto place = [&](int i) { return i < kBaseStates ? i : view.nx + kWrench + i - kBaseStates; };
    for (int i = 0; i < kBoth; ++i)
      for (int j = 0; j < kBoth; ++j) {
        H(i, j) = qp.H(0)[place(i) * ldz + place(j)] + (i == j ? qp.hdiag(0)[place(i)] : 0.0);
        if (i < kBaseStates) AB(i, j) = qp.AB(0)[i * ldz + place(j)];
      }
  }

  // Matrices are made for one interval, whatever the horizon of the controller.
  static CentroidalView<double> one_interval(CentroidalView<double> v) {
    v.N = 1;
    return v;
  }

  CentroidalView<double> view;
  RowList<double> list;
  QpDims dims;
  std::vector<double> memory, data, rows;
  std::unique_ptr<NodeWork<double>> work;
  std::unique_ptr<CentroidalNodeOutput<double>> out;
  Stage H;
  Step AB;
};

}  // namespace

std::vector<float> feedback_gains(const Robot& robot, const CentroidalSettings& settings, const Recording& recording, int stride, int threads) {
  CentroidalArrays<double> arrays = make_arrays<double>(robot, settings);
  set_theta(recording.theta, arrays);
  const CentroidalView<double>& view = arrays.view;
  const NodeReader reader(recording, view.nx);
  // chains of samples one interval apart, by their last sample
  std::vector<int> ends;
  for (int k = 0; k < nsample(recording); ++k)
    if (k + stride >= nsample(recording) || recording.trajectory[k + stride] != recording.trajectory[k]) ends.push_back(k);
  ThreadPool pool(threads);
  std::vector<Linearisation> lines;
  for (int t = 0; t < pool.size(); ++t) lines.emplace_back(view);
  std::vector<float> gains(static_cast<size_t>(nsample(recording)) * kWrenches * kBaseStates);
  pool.run(static_cast<int>(ends.size()), [&](int chain, int thread) {
    Linearisation& at = lines[thread];
    CentroidalNodeInput<double> node{};
    Square V = Square::Zero();
    for (int i = 0; i < kBaseStates; ++i) V(i, i) = view.terminal[i];
    for (int k = ends[chain]; k >= 0 && recording.trajectory[k] == recording.trajectory[ends[chain]]; k -= stride) {
      reader.read(k, node);
      at.evaluate(node);
      const Stage M = at.H + at.AB.transpose() * V * at.AB;
      const Square Muu = M.bottomRightCorner<kWrenches, kWrenches>(), Mux = M.bottomLeftCorner<kWrenches, kBaseStates>();
      const Square K = -Muu.llt().solve(Mux);
      V = M.topLeftCorner<kBaseStates, kBaseStates>() + Mux.transpose() * K;
      V = (0.5 * (V + V.transpose())).eval();
      std::copy_n(K.data(), K.size(), &gains[static_cast<size_t>(k) * K.size()]);
    }
  });
  return gains;
}

void sole_places(const CentroidalView<double>& view, const CentroidalNodeInput<double>& in, Vec3<double> place[kFeet], double* memory) {
  CentroidalMotion<double> motion;
  evaluate_motion(view, in.x, in.u, memory, motion);
  for (int f = 0; f < kFeet; ++f) place[f] = load3<double>(in.x + kPosition) + motion.foot[f];
}

void anchor_wrenches(const CentroidalView<double>& view, const Vec3<double> place[kFeet], CentroidalNodeInput<double>& in, WrenchRows& by_x,
                     double* memory) {
  CentroidalMotion<double> motion;
  evaluate_motion(view, in.x, in.u, memory, motion);
  by_x.setZero(kWrenches, view.nx);
  for (int f = 0; f < kFeet; ++f) {
    double* moment = in.u + kWrench + 6 * f + 3;
    const Vec3<double> force = load3<double>(in.u + kWrench + 6 * f), p = load3<double>(in.x + kPosition) + motion.foot[f];
    store3(moment, load3<double>(moment) + cross(place[f] - p, force));
    const auto column = [&](int c, Vec3<double> dp) {
      const Vec3<double> change = cross(force, dp);
      by_x(6 * f + 3, c) = change.x, by_x(6 * f + 4, c) = change.y, by_x(6 * f + 5, c) = change.z;
    };
    for (int r = 0; r < 3; ++r) column(kPosition + r, unit3<double>(r)), column(kEuler + r, cross(motion.turn[r], motion.foot[f]));
    for (int i = 0; i < kLegJoints; ++i)
      if (view.leg[f][i] > 0) column(kJoints + view.leg[f][i] - 1, point_axis(load6(motion.d.kin.S + 6 * view.leg[f][i]), motion.foot[f]));
  }
}

}  // namespace tandem
