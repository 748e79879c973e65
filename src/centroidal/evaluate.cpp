#include "centroidal/evaluate.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "centroidal/arrays.hpp"
#include "centroidal/node_kernel.hpp"

namespace tandem {

struct CentroidalEvaluator::Impl {
  CentroidalArrays<double> arrays;
  std::vector<double> memory;
  NodeWork<double> work;
  CentroidalNodeOutput<double> output;
  Prediction<double> step;

  void evaluate(const CentroidalNodeInput<double>& node) {
    evaluate_motion(arrays.view, node.x, node.u, memory.data(), work.motion);
    work.frames = cost_frames(arrays.view, work.motion);
    stage_residuals(arrays.view, node, work.motion, work.frames, work.residual);
  }
};

namespace {

// Penalties of a node, eq. (21)-(24), without derivatives.
double penalties(const CentroidalView<double>& view, const CentroidalNodeInput<double>& node, const NodeWork<double>& work) {
  double sum = 0;
  LegRow<double> row;
  for (int f = 0; f < kFeet; ++f) {
    for (int edge = 0; edge < kPressureRows; ++edge) {
      pressure_row(view, node, work.motion, work.frames.foot[f], kPressureRows * f + edge, row);
      sum += node.ref.stance[f] * log_barrier(view.pressure, row.value).value;
    }
    cone_row(view, node, f, row);
    sum += node.ref.stance[f] * log_barrier(view.cone, row.value).value;
  }
  PairRow<double> pair;
  for (int i = 0; i < view.npair; ++i) {
    pair_row(view, work.motion, i, pair);
    sum += polynomial_barrier(view.collision, pair.value).value;
  }
  for (int j = 0; j < view.nj; ++j) {
    sum += polynomial_barrier(view.limits, node.x[kJoints + j] - view.q_min[j]).value;
    sum += polynomial_barrier(view.limits, view.q_max[j] - node.x[kJoints + j]).value;
  }
  return sum;
}

// The rows of a column of derivatives into column c of a row-major matrix with `cols` columns.
void put_column(const Rates<double>& rates, std::vector<double>& matrix, int cols, int c) {
  const Vec3<double>* blocks[] = {&rates.linear, &rates.angular, &rates.position, &rates.euler};
  for (int block = 0; block < 4; ++block) {
    double* at = matrix.data() + 3 * block * cols + c;
    at[0] = blocks[block]->x, at[cols] = blocks[block]->y, at[2 * cols] = blocks[block]->z;
  }
}

}  // namespace

CentroidalEvaluator::CentroidalEvaluator(const Robot& robot, const CentroidalSettings& settings)
    : impl_(std::make_unique<Impl>(make_arrays<double>(robot, settings))) {
  impl_->memory.resize(node_memory_size<double>(impl_->arrays.view.model.nbody));
}
CentroidalEvaluator::~CentroidalEvaluator() = default;
CentroidalEvaluator::CentroidalEvaluator(CentroidalEvaluator&&) noexcept = default;

int CentroidalEvaluator::nx() const { return impl_->arrays.view.nx; }
int CentroidalEvaluator::ntheta() const { return theta_size(impl_->arrays.view.nj); }
void CentroidalEvaluator::set_theta(std::span<const double> theta) { tandem::set_theta(theta, impl_->arrays); }

double CentroidalEvaluator::stage_features(const CentroidalNodeInput<double>& node, std::span<double> features) {
  Impl& s = *impl_;
  const CentroidalView<double>& view = s.arrays.view;
  check(static_cast<int>(features.size()) == ntheta(), "centroidal features: ", features.size(), " values, expected ", ntheta());
  s.evaluate(node);
  double* next = features.data() + kMomentumTheta;
  const auto add = [&](const double* nominal, const double* residual, int n) {
    for (int i = 0; i < n; ++i) *next++ += 0.5 * view.dt * nominal[i] * residual[i] * residual[i];
  };
  const StageTerms<double>&w = s.arrays.nominal, &r = s.work.residual;
  add(w.state, r.state, view.nx), add(w.input, r.input, view.nu);
  next += view.nx;  // terminal
  add(w.torso, r.torso, kFrameRows), add(w.com, r.com, 2);
  for (int f = 0; f < kFeet; ++f) add(w.swing[f], r.swing[f], kFrameRows);
  for (int f = 0; f < kFeet; ++f) add(w.torque[f], r.torque[f], kLegJoints);
  return view.dt * penalties(view, node, s.work);
}

void CentroidalEvaluator::terminal_features(const CentroidalNodeInput<double>& node, std::span<double> features) {
  const CentroidalView<double>& view = impl_->arrays.view;
  check(static_cast<int>(features.size()) == ntheta(), "centroidal features: ", features.size(), " values, expected ", ntheta());
  double residual[kMaxState];
  state_residual(node.ref, node.x, view.nx, residual);
  double* next = features.data() + kMomentumTheta + view.nx + view.nu;
  for (int i = 0; i < view.nx; ++i) next[i] += 0.5 * impl_->arrays.nominal_terminal[i] * residual[i] * residual[i];
}

double CentroidalEvaluator::gradient(const CentroidalNodeInput<double>& node, std::span<double> gx, std::span<double> gu) {
  Impl& s = *impl_;
  linearise_node(s.arrays.view, node, s.memory.data(), s.work, s.output);
  std::copy_n(s.output.gx, nx(), gx.begin()), std::copy_n(s.output.gu, nx(), gu.begin());
  return s.output.cost;
}

double CentroidalEvaluator::terminal_gradient(const CentroidalNodeInput<double>& node, std::span<double> gx) {
  double h[kMaxState], hxy[3];
  return terminal_cost(impl_->arrays.view, node.ref, node.x, gx.data(), h, hxy);
}

void CentroidalEvaluator::predict(const CentroidalNodeInput<double>& node, std::span<double> next, StepDerivatives* d) {
  Impl& s = *impl_;
  const CentroidalView<double>& view = s.arrays.view;
  const int n = view.nx;
  evaluate_motion(view, node.x, node.u, s.memory.data(), s.work.motion);
  motion_columns(view, node.x, s.work.motion, s.work.columns);
  s.work.predict.memory = s.memory.data() + tree_data_size<double>(view.model.nbody);
  s.work.predict.with_theta = d != nullptr;
  tandem::predict(view, node, s.work.motion, s.work.columns, s.work.predict, s.step);
  std::copy_n(s.step.next, n, next.begin());
  if (!d) return;
  d->A.assign(n * n, 0), d->B.assign(n * n, 0), d->theta.assign(n * kMomentumTheta, 0);
  for (int i = 0; i < n; ++i)
    if (i < kAngular || (i >= kPosition && i < kEuler) || i >= kJoints) d->A[i * n + i] = 1;
  for (int r = 0; r < 3; ++r) {
    d->A[(kPosition + r) * n + kLinear + r] = view.dt;
    put_column(s.step.angular[r], d->A, n, kAngular + r), put_column(s.step.euler[r], d->A, n, kEuler + r);
  }
  for (int j = 0; j < view.nj; ++j) {
    put_column(s.step.joint[j], d->A, n, kJoints + j), put_column(s.step.velocity[j], d->B, n, kVelocities + j);
    d->B[(kJoints + j) * n + kVelocities + j] = view.dt;
  }
  for (int w = 0; w < 6 * kFeet; ++w) put_column(s.step.wrench[w], d->B, n, kWrench + w);
  for (int t = 0; t < kMomentumTheta; ++t) put_column(s.step.theta[t], d->theta, kMomentumTheta, t);
}

CentroidalNodeInput<double> widen(const CentroidalNodeInput<float>& node) {
  CentroidalNodeInput<double> wide;
  constexpr size_t kReals = sizeof(node) / sizeof(float);
  std::copy_n(reinterpret_cast<const float*>(&node), kReals, reinterpret_cast<double*>(&wide));
  return wide;
}

}  // namespace tandem
