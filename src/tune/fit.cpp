#include "tune/fit.hpp"

#include <Eigen/Eigenvalues>
#include <cmath>
#include <map>
#include <numeric>

#include "base/check.hpp"
#include "base/stopwatch.hpp"
#include "tune/fit_problem.hpp"

namespace tandem {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

// Samples that are, or are not, for validation.
std::vector<int> places(const std::vector<unsigned char>& validation, bool which) {
  std::vector<int> list;
  for (size_t i = 0; i < validation.size(); ++i)
    if (bool(validation[i]) == which) list.push_back(static_cast<int>(i));
  return list;
}

double variance_of(const VectorXd& values) { return (values.array() - values.mean()).square().mean(); }

// a of the line return = a Q + b (b = 0 where it is not free) through the samples fitted to.
double best_scale(const FitProblem& p, const VectorXd& q) {
  VectorXd x = q(p.train), y = p.returns(p.train);
  if (p.settings.offset) x.array() -= x.mean(), y.array() -= y.mean();
  const double a = x.dot(y) / x.squaredNorm();
  check(a > 0 && std::isfinite(a), "fit: returns do not rise with the cost of their windows (scale ", a,
        "); use features.mode = recorded, a shorter features.horizon, or fit.scale = false");
  return a;
}

// The multipliers that are fitted, those with one value together.
std::vector<std::vector<int>> free_multipliers(const MatchedMpc& mpc, const FitSettings& settings) {
  std::vector<std::vector<int>> free;
  std::map<int, size_t> place;  // of a value in `free`
  for (int i = 0; i < mpc.ntheta; ++i) {
    if (mpc.pinned[i] || !(i < mpc.nmomentum ? settings.momentum : settings.cost)) continue;
    const auto [found, added] = place.emplace(value_number(mpc, i, settings.tie), free.size());
    if (added) free.emplace_back();
    free[found->second].push_back(i);
  }
  return free;
}

FitProblem make_problem(const MatchedMpc& mpc, const Recording& recording, const FitSettings& settings) {
  check_fit_settings(mpc, settings);
  check_recording(recording);
  check(recording.controller == mpc.controller, "fit: a recording of the ", recording.controller, " MPC, expected one of the ", mpc.controller,
        " MPC");
  FitProblem p{};
  p.mpc = &mpc, p.settings = settings;
  const std::vector<unsigned char> split = validation_split(ntrajectory(recording), settings.validation_share, settings.seed);
  p.sample = usable_samples(mpc, recording, settings.features, settings.returns, settings.every);
  const std::vector<double> returns = discounted_returns(recording, discount_time(mpc, settings.returns), settings.returns.fall_cost);
  p.returns.resize(static_cast<long>(p.sample.size()));
  for (size_t i = 0; i < p.sample.size(); ++i) {
    p.validation.push_back(split[recording.trajectory[p.sample[i]]]);
    p.returns[static_cast<long>(i)] = returns[p.sample[i]];
  }
  p.train = places(p.validation, false);
  check(p.train.size() >= 2 && p.train.size() < p.sample.size(), "fit: ", p.train.size(), " samples to fit to and ", p.sample.size() - p.train.size(),
        " to validate with; record longer trajectories: each needs its window and ", discount_time(mpc, settings.returns),
        " s of discount, or raise returns.truncation");
  p.variance = variance_of(p.returns(p.train));
  check(p.variance > 0, "fit: all returns are the same; is the stage cost constant?");
  p.free = free_multipliers(mpc, settings);
  p.windows = mpc.open(recording, settings.features);
  return p;
}

MatchQuality quality(const FitProblem& p, const VectorXd& q, double offset, const std::vector<int>& which) {
  const VectorXd cost = q(which), target = p.returns(which);
  MatchQuality out;
  out.mse = (p.scale * cost.array() + offset - target.array()).square().mean();
  const double variance = variance_of(target);
  out.explained = variance > 0 ? 1 - out.mse / variance : 0;
  const double covariance = ((cost.array() - cost.mean()) * (target.array() - target.mean())).mean();
  out.line_slope = variance > 0 ? covariance / variance : 0;
  out.line_start = cost.mean() - out.line_slope * target.mean();
  return out;
}

}  // namespace

Features all_features(const FitProblem& p, const std::vector<double>& theta) {
  Stopwatch watch;
  Features features = p.windows(p.sample, theta, p.settings.momentum);
  p.feature_seconds += watch.lap();
  return features;
}

VectorXd costs(const FitProblem& p, const Features& features, const std::vector<double>& theta) {
  const long n = static_cast<long>(features.rest.size()), m = p.mpc->nmomentum, k = features.ntheta - m;
  const Rows phi(features.phi.data(), n, features.ntheta);
  return phi.rightCols(k) * Eigen::Map<const VectorXd>(theta.data() + m, k) + Eigen::Map<const VectorXd>(features.rest.data(), n);
}

double best_offset(const FitProblem& p, const VectorXd& q) { return p.settings.offset ? (p.returns(p.train) - p.scale * q(p.train)).mean() : 0; }

double train_mse(const FitProblem& p, const VectorXd& q) {
  return (p.scale * q(p.train).array() + best_offset(p, q) - p.returns(p.train).array()).square().mean();
}

double objective(const FitProblem& p, const VectorXd& q, const std::vector<double>& theta) {
  double pull = 0;
  for (const std::vector<int>& tied : p.free) pull += (theta[tied[0]] - 1) * (theta[tied[0]] - 1);
  return train_mse(p, q) / p.variance + p.settings.ridge * pull;
}

Fields fields(FitSettings& s) {
  const Range positive = more_than(0), count = at_least(1);
  return {{"fit.mode", make_choice(&s.mode, {"fast", "adam"})},
          {"fit.cost", &s.cost},
          {"fit.momentum", &s.momentum},
          {"fit.tie", &s.tie},
          {"fit.scale", &s.scale},
          {"fit.offset", &s.offset},
          {"fit.ridge", &s.ridge, at_least(0)},
          {"fit.low", &s.low, positive},
          {"fit.high", &s.high, positive},
          {"fit.momentum_low", &s.momentum_low, positive},
          {"fit.momentum_high", &s.momentum_high, positive},
          {"fit.every", &s.every, count},
          {"fit.validation_share", &s.validation_share, {0, 1, true, true}},
          {"fit.seed", &s.seed, at_least(0)},
          {"fit.iterations", &s.iterations, count},
          {"adam.learning_rate", &s.adam.learning_rate, positive},
          {"adam.beta1", &s.adam.beta1, {0, 1, false, true}},
          {"adam.beta2", &s.adam.beta2, {0, 1, false, true}},
          {"adam.updates", &s.adam.updates, count},
          {"adam.batch", &s.adam.batch, count},
          {"adam.max_gradient", &s.adam.max_gradient, positive},
          {"features.mode", make_choice(&s.features.mode, {"recorded", "stabilised", "anchored", "replay"})},
          {"features.horizon", &s.features.horizon, at_least(0)},
          {"features.restart", &s.features.restart, at_least(0)},
          {"features.penalties", &s.features.penalties},
          {"features.threads", &s.features.threads, at_least(0)},
          {"returns.discount_time", &s.returns.discount_time, at_least(0)},
          {"returns.truncation", &s.returns.truncation, {0, 1, true, false}},
          {"returns.fall_cost", &s.returns.fall_cost, at_least(0)}};
}

void check_fit_settings(const MatchedMpc& mpc, const FitSettings& s) {
  check(s.cost || s.momentum, "fit: neither cost nor momentum is to be fitted; set one of fit.cost, fit.momentum");
  check(!s.momentum || mpc.nmomentum > 0, "fit: the ", mpc.controller, " MPC has no momentum multipliers; fit those of the cost: --parameters cost");
  check(!s.momentum || s.features.mode != FeatureMode::kRecorded,
        "fit: momentum multipliers do not change recorded states; set features.mode to stabilised, anchored or replay");
  check(s.low > 0 && s.low < 1 && s.high > 1, "fit: bounds ", s.low, " to ", s.high, ", expected positive ones with 1 between them");
  check(s.momentum_low > 0 && s.momentum_low < 1 && s.momentum_high > 1, "fit: bounds of the momentum multipliers ", s.momentum_low, " to ",
        s.momentum_high, ", expected positive ones with 1 between them");
  check(s.ridge >= 0, "fit: ridge = ", s.ridge, ", expected 0 or more");
}

FitResult fit(const MatchedMpc& mpc, const Recording& recording, const FitSettings& settings, const Progress& progress) {
  Stopwatch watch, preparation;
  FitProblem p = make_problem(mpc, recording, settings);
  p.feature_seconds += preparation.lap();
  FitResult result;
  result.theta.assign(mpc.ntheta, 1.0);
  const Features start = all_features(p, result.theta);
  const VectorXd before = costs(p, start, result.theta);
  check(before.allFinite(),
        "fit: the cost of a window is not finite; use features.mode = recorded or a shorter features.horizon or features.restart");
  if (settings.scale) p.scale = best_scale(p, before);
  const bool fast = settings.mode == FitMode::kFast;
  result.iterations = fast ? fit_fast(p, start, result.theta, progress) : fit_adam(p, start, result.theta, progress);
  const VectorXd after = costs(p, settings.momentum ? all_features(p, result.theta) : start, result.theta);
  const std::vector<int> held_out = places(p.validation, true);
  const double offset_before = best_offset(p, before);
  result.scale = p.scale, result.offset = best_offset(p, after);
  result.train_before = quality(p, before, offset_before, p.train), result.train_after = quality(p, after, result.offset, p.train);
  result.validation_before = quality(p, before, offset_before, held_out), result.validation_after = quality(p, after, result.offset, held_out);
  result.sample = p.sample, result.validation = p.validation;
  result.returns.assign(p.returns.begin(), p.returns.end());
  result.q_before.assign(before.begin(), before.end()), result.q_after.assign(after.begin(), after.end());
  result.feature_seconds = p.feature_seconds;
  result.seconds = watch.lap();
  return result;
}

Identifiability identifiability(const MatchedMpc& mpc, const Features& features) {
  const long n = static_cast<long>(features.rest.size());
  check(n >= 2, "identifiability: ", n, " samples, expected at least 2");
  const Rows phi(features.phi.data(), n, features.ntheta);
  Identifiability out;
  std::vector<VectorXd> columns;
  for (int i = 0; i < mpc.ntheta; ++i) {
    const VectorXd centred = phi.col(i).array() - phi.col(i).mean();
    const double norm = centred.norm();
    if (mpc.pinned[i] || norm <= 1e-12 * phi.col(i).norm()) continue;
    out.parameter.push_back(i), columns.push_back(centred / norm);
  }
  const long m = static_cast<long>(columns.size());
  MatrixXd X(n, m);
  for (long i = 0; i < m; ++i) X.col(i) = columns[static_cast<size_t>(i)];
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(X.transpose() * X);
  for (long i = m - 1; i >= 0; --i) {
    out.singular_values.push_back(std::sqrt(std::max(0.0, solver.eigenvalues()[i])));
    for (long j = 0; j < m; ++j) out.directions.push_back(solver.eigenvectors()(j, i));
  }
  return out;
}

}  // namespace tandem
