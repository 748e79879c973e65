#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "tune/fit_problem.hpp"

namespace tandem {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kNewtonSteps = 200, kHalvings = 30;
constexpr double kFlat = 1e-11;              // gradient of a solved problem, against that at the start
constexpr double kInformationFloor = 1e-12;  // least information of a direction, against that of a multiplier on its own
constexpr double kProgress = 1e-4;           // Gauss-Newton stops at steps that gain less than this share of the objective

// Minimises d'Hd/2 + g'd over low <= d <= high by projected Newton steps (Bertsekas 1982); H positive definite, 0 within the bounds.
VectorXd solve_bounded(const MatrixXd& H, const VectorXd& g, const VectorXd& low, const VectorXd& high) {
  const auto value = [&](const VectorXd& d) { return d.dot(0.5 * (H * d) + g); };
  VectorXd d = VectorXd::Zero(g.size());
  const double small = kFlat * (1e-300 + g.cwiseAbs().maxCoeff());
  for (int step = 0; step < kNewtonSteps; ++step) {
    const VectorXd slope = H * d + g;
    // at a bound and pushed against it: stays there
    std::vector<int> inside;
    for (int i = 0; i < g.size(); ++i)
      if (!(d[i] <= low[i] && slope[i] > 0) && !(d[i] >= high[i] && slope[i] < 0)) inside.push_back(i);
    if (inside.empty() || slope(inside).cwiseAbs().maxCoeff() <= small) break;
    const VectorXd newton = -H(inside, inside).llt().solve(slope(inside));
    VectorXd next = d;
    double length = 1;
    for (int half = 0; half < kHalvings; ++half, length *= 0.5) {
      next = d;
      next(inside) += length * newton;
      next = next.cwiseMax(low).cwiseMin(high);
      if (value(next) < value(d)) break;
    }
    if (value(next) >= value(d)) break;
    d = next;
  }
  return d;
}

// The same for features of very different size: in units in which the diagonal of H is 1. Directions without information stay where they are.
VectorXd solve_scaled(const MatrixXd& H, const VectorXd& g, const VectorXd& low, const VectorXd& high) {
  VectorXd unit = H.diagonal().cwiseSqrt();
  for (double& u : unit)
    if (u == 0) u = 1;
  const VectorXd inverse = unit.cwiseInverse();
  MatrixXd scaled = inverse.asDiagonal() * H * inverse.asDiagonal();
  scaled.diagonal().array() += kInformationFloor;
  return inverse.cwiseProduct(solve_bounded(scaled, inverse.cwiseProduct(g), unit.cwiseProduct(low), unit.cwiseProduct(high)));
}

// Step of the free multipliers that minimises the objective with Q linear around theta: eq. (10), (11).
VectorXd best_step(const FitProblem& p, const Features& features, const VectorXd& q, const std::vector<double>& theta) {
  const int m = static_cast<int>(p.free.size()), n = static_cast<int>(p.train.size());
  const Rows phi(features.phi.data(), static_cast<long>(p.sample.size()), features.ntheta);
  MatrixXd J = MatrixXd::Zero(n, m);
  for (int i = 0; i < m; ++i)
    for (int member : p.free[i]) J.col(i) += p.scale * phi(p.train, member);
  VectorXd error = p.scale * q(p.train) - p.returns(p.train);
  if (p.settings.offset) {
    J.rowwise() -= J.colwise().mean().eval();
    error.array() -= error.mean();
  }
  VectorXd low(m), high(m), pull(m);
  for (int i = 0; i < m; ++i) {
    const bool momentum = p.free[i][0] < p.mpc->nmomentum;
    const double at = theta[p.free[i][0]];
    low[i] = (momentum ? p.settings.momentum_low : p.settings.low) - at, high[i] = (momentum ? p.settings.momentum_high : p.settings.high) - at;
    pull[i] = p.settings.ridge * (at - 1);
  }
  MatrixXd H = MatrixXd::Zero(m, m);
  H.selfadjointView<Eigen::Lower>().rankUpdate(J.transpose(), 1 / (n * p.variance));
  H.triangularView<Eigen::StrictlyUpper>() = H.transpose();
  H.diagonal().array() += p.settings.ridge;
  return solve_scaled(H, J.transpose() * error / (n * p.variance) + pull, low, high);
}

std::vector<double> moved(const FitProblem& p, const std::vector<double>& theta, const VectorXd& step, double share) {
  std::vector<double> next = theta;
  for (size_t i = 0; i < p.free.size(); ++i)
    for (int member : p.free[i]) next[member] += share * step[static_cast<long>(i)];
  return next;
}

}  // namespace

int fit_fast(const FitProblem& p, Features features, std::vector<double>& theta, const Progress& progress) {
  VectorXd q = costs(p, features, theta);
  if (!p.settings.momentum) {
    theta = moved(p, theta, best_step(p, features, q, theta), 1);
    if (progress) progress(1, train_mse(p, costs(p, features, theta)));
    return 1;
  }
  double now = objective(p, q, theta);
  for (int iteration = 0; iteration < p.settings.iterations; ++iteration) {
    const VectorXd step = best_step(p, features, q, theta);
    double best = now;
    for (double share = 1; share > 0.05 && best >= now; share *= 0.5) {
      const std::vector<double> next = moved(p, theta, step, share);
      Features there = all_features(p, next);
      const VectorXd q_there = costs(p, there, next);
      best = objective(p, q_there, next);
      if (std::isnan(best)) best = INFINITY;  // momentum that diverges
      if (best < now) theta = next, features = std::move(there), q = q_there;
    }
    if (progress) progress((iteration + 1.0) / p.settings.iterations, train_mse(p, q));
    if (now - best <= kProgress * now) return iteration + 1;
    now = best;
  }
  return p.settings.iterations;
}

}  // namespace tandem
