#include "tune/centroidal_replay.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <memory>

#include "base/parallel.hpp"
#include "centroidal/evaluate.hpp"
#include "tune/centroidal_columns.hpp"
#include "tune/centroidal_feedback.hpp"

namespace tandem {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Sensitivity = Eigen::Matrix<double, Eigen::Dynamic, kMomentumTheta, Eigen::RowMajor>;

// Of one thread.
struct Scratch {
  CentroidalEvaluator evaluator;
  std::vector<double> memory, next, gx, gu;
  StepDerivatives step;
  WrenchRows by_x;
  Sensitivity S;  // of the predicted state by the momentum multipliers
  CentroidalNodeInput<double> recorded{}, node{};
};

struct Replay {
  CentroidalArrays<double> arrays;
  NodeReader reader;
  FeatureMode mode;
  int stride, horizon, restart;
  bool penalties;
  std::vector<float> gains;  // kStabilised
  ThreadPool pool;
  std::vector<Scratch> scratch;  // per thread

  void read_node(int sample, CentroidalNodeInput<double>& node) const;
  void feed_back(int sample, Scratch& s) const;
  void advance(Scratch& s, bool slopes, double* slope) const;
  double window(int sample, bool slopes, Scratch& s, double* phi) const;
};

// A recorded node with the mean input until the next one.
void Replay::read_node(int sample, CentroidalNodeInput<double>& node) const {
  CentroidalNodeInput<double> other;
  reader.read(sample, node);
  for (int i = 1; i < stride; ++i) {
    reader.read(sample + i, other);
    for (int j = 0; j < arrays.view.nu; ++j) node.u[j] += other.u[j];
  }
  for (int j = 0; j < arrays.view.nu; ++j) node.u[j] /= stride;
}

// Inputs of s.node, whose state is predicted, and their derivatives by it: eq. (6)-(8).
void Replay::feed_back(int sample, Scratch& s) const {
  const CentroidalView<double>& view = arrays.view;
  s.by_x.setZero(kWrenches, view.nx);
  if (mode == FeatureMode::kStabilised) {
    using Gain = Eigen::Matrix<float, kWrenches, kBaseStates, Eigen::RowMajor>;
    s.by_x.leftCols<kBaseStates>() = Eigen::Map<const Gain>(&gains[static_cast<size_t>(sample) * Gain::SizeAtCompileTime]).cast<double>();
    for (int w = 0; w < kWrenches; ++w)
      for (int i = 0; i < kBaseStates; ++i) s.node.u[kWrench + w] += s.by_x(w, i) * (s.node.x[i] - s.recorded.x[i]);
  }
  if (mode == FeatureMode::kAnchored) {
    Vec3<double> place[kFeet];
    sole_places(view, s.recorded, place, s.memory.data());
    anchor_wrenches(view, place, s.node, s.by_x, s.memory.data());
  }
}

// From s.node to the next state; with slopes, adds those of its cost and carries the sensitivity on: eq. (9).
void Replay::advance(Scratch& s, bool slopes, double* slope) const {
  const int nx = arrays.view.nx;
  s.evaluator.predict(s.node, s.next, slopes ? &s.step : nullptr);
  if (slopes) {
    s.evaluator.gradient(s.node, s.gx, s.gu);
    const Eigen::Map<const Matrix> A(s.step.A.data(), nx, nx), B(s.step.B.data(), nx, nx);
    const Eigen::Map<const Sensitivity> direct(s.step.theta.data(), nx, kMomentumTheta);
    const Eigen::Map<const Eigen::VectorXd> gx(s.gx.data(), nx), gu(s.gu.data() + kWrench, kWrenches);
    const Sensitivity inputs = s.by_x * s.S;
    Eigen::Map<Eigen::Matrix<double, kMomentumTheta, 1>> sum(slope);
    sum += s.S.transpose() * gx + inputs.transpose() * gu;
    s.S = (A * s.S + B.middleCols<kWrenches>(kWrench) * inputs + direct).eval();
  }
  std::copy(s.next.begin(), s.next.end(), s.node.x);
}

// Adds the features of the window that starts at `sample` to phi (ntheta); its first entries are the slopes. Returns the penalties.
double Replay::window(int sample, bool slopes, Scratch& s, double* phi) const {
  const int nx = arrays.view.nx;
  const std::span<double> features(phi, s.evaluator.ntheta());
  double rest = 0;
  double x[kMaxState];
  for (int k = 0; k < horizon; ++k) {
    const int at = sample + k * stride;
    read_node(at, s.recorded);
    std::copy_n(s.node.x, nx, x);
    s.node = s.recorded;
    if (k == 0 || (restart > 0 && k % restart == 0)) {
      s.S.setZero(nx, kMomentumTheta);
    } else {
      std::copy_n(x, nx, s.node.x);
    }
    feed_back(at, s);
    rest += s.evaluator.stage_features(s.node, features);
    advance(s, slopes, phi);
  }
  reader.read(sample + horizon * stride, s.recorded);
  s.node.ref = s.recorded.ref;
  s.evaluator.terminal_features(s.node, features);
  if (slopes) {
    s.evaluator.terminal_gradient(s.node, s.gx);
    Eigen::Map<Eigen::Matrix<double, kMomentumTheta, 1>> sum(phi);
    sum += s.S.transpose() * Eigen::Map<const Eigen::VectorXd>(s.gx.data(), nx);
  }
  return penalties ? rest : 0;
}

}  // namespace

WindowCost open_replay(const Robot& robot, const CentroidalSettings& settings, const Recording& recording, const FeatureSettings& features,
                       int stride) {
  CentroidalSettings costed = settings;
  // the slopes must not see what the cost leaves out
  if (!features.penalties)
    for (auto* penalty : {&costed.penalties.cone, &costed.penalties.pressure, &costed.penalties.limits, &costed.penalties.collision})
      (*penalty)[0] = 0;
  CentroidalArrays<double> arrays = make_arrays<double>(robot, settings);
  const int nx = arrays.view.nx, nbody = arrays.view.model.nbody;
  const auto replay = std::make_shared<Replay>(Replay{.arrays = std::move(arrays),
                                                      .reader = NodeReader(recording, nx),
                                                      .mode = features.mode,
                                                      .stride = stride,
                                                      .horizon = features.horizon > 0 ? features.horizon : settings.horizon,
                                                      .restart = features.restart,
                                                      .penalties = features.penalties,
                                                      .gains = {},
                                                      .pool = ThreadPool(features.threads),
                                                      .scratch = {}});
  if (features.mode == FeatureMode::kStabilised) replay->gains = feedback_gains(robot, settings, recording, stride, features.threads);
  const std::vector<double> zero(nx, 0.0);
  for (int t = 0; t < replay->pool.size(); ++t) {
    replay->scratch.push_back(
        {CentroidalEvaluator(robot, costed), std::vector<double>(node_memory_size<double>(nbody)), zero, zero, zero, {}, {}, {}});
  }
  return [replay](std::span<const int> samples, std::span<const double> theta, bool slopes) {
    const size_t n = samples.size(), ntheta = theta.size();
    Features out{static_cast<int>(ntheta), std::vector<double>(n * ntheta, 0.0), std::vector<double>(n)};
    for (Scratch& s : replay->scratch) s.evaluator.set_theta(theta);
    replay->pool.run(static_cast<int>(n),
                     [&](int i, int thread) { out.rest[i] = replay->window(samples[i], slopes, replay->scratch[thread], &out.phi[i * ntheta]); });
    return out;
  };
}

}  // namespace tandem
