#include <cmath>

#include "base/rng.hpp"
#include "tune/fit_problem.hpp"

namespace tandem {
namespace {

using Eigen::VectorXd;

constexpr double kThetaFloor = 1e-8;  // theta = softplus(r) + kThetaFloor
constexpr double kEpsilon = 1e-8;

// Features of some of the samples (places in p.sample), out of those of all where theta does not change them.
Features batch_features(const FitProblem& p, const Features& all, const std::vector<int>& batch, const std::vector<double>& theta) {
  std::vector<int> samples;
  for (int i : batch) samples.push_back(p.sample[i]);
  if (p.settings.momentum) return p.windows(samples, theta, true);
  Features out{all.ntheta, {}, {}};
  for (int i : batch) {
    const auto row = all.phi.begin() + static_cast<long>(i) * all.ntheta;
    out.phi.insert(out.phi.end(), row, row + all.ntheta), out.rest.push_back(all.rest[i]);
  }
  return out;
}

// Gradient of the mean squared error over a batch by the fitted values, plus the ridge's, eq. (3).
VectorXd batch_gradient(const FitProblem& p, const Features& features, const std::vector<int>& batch, const std::vector<double>& theta) {
  const Rows phi(features.phi.data(), static_cast<long>(batch.size()), features.ntheta);
  const VectorXd q = costs(p, features, theta);
  VectorXd error = p.scale * q - p.returns(batch);
  if (p.settings.offset) error.array() -= error.mean();
  const VectorXd by_theta = (2 * p.scale / static_cast<double>(batch.size())) * (phi.transpose() * error);
  VectorXd gradient(static_cast<long>(p.free.size()));
  for (size_t i = 0; i < p.free.size(); ++i)
    gradient[static_cast<long>(i)] = by_theta(p.free[i]).sum() + 2 * p.settings.ridge * p.variance * (theta[p.free[i][0]] - 1);
  return gradient;
}

}  // namespace

int fit_adam(const FitProblem& p, const Features& all, std::vector<double>& theta, const Progress& progress) {
  const AdamSettings& adam = p.settings.adam;
  const long m = static_cast<long>(p.free.size());
  VectorXd r(m), first = VectorXd::Zero(m), second = VectorXd::Zero(m);
  for (long i = 0; i < m; ++i) r[i] = std::log(std::expm1(theta[p.free[i][0]] - kThetaFloor));
  Rng rng{p.settings.seed, 0, 1};
  for (int update = 1; update <= adam.updates; ++update) {
    std::vector<int> batch(adam.batch);
    for (int& i : batch) i = p.train[static_cast<size_t>(rng.uniform() * static_cast<double>(p.train.size()))];
    const Features features = batch_features(p, all, batch, theta);
    // softplus'(r) is the logistic function
    VectorXd gradient = batch_gradient(p, features, batch, theta).array() / (1 + (-r).array().exp());
    const double norm = gradient.norm();
    if (norm > adam.max_gradient) gradient *= adam.max_gradient / norm;
    first = adam.beta1 * first + (1 - adam.beta1) * gradient;
    second = adam.beta2 * second + (1 - adam.beta2) * gradient.cwiseAbs2();
    const VectorXd mean = first / (1 - std::pow(adam.beta1, update)), square = second / (1 - std::pow(adam.beta2, update));
    r.array() -= adam.learning_rate * mean.array() / (square.array().sqrt() + kEpsilon);
    for (long i = 0; i < m; ++i)
      for (int member : p.free[i]) theta[member] = std::log1p(std::exp(r[i])) + kThetaFloor;
    if (progress && update % 50 == 0) {
      const VectorXd error = p.scale * costs(p, features, theta) - p.returns(batch);
      const double mse = (p.settings.offset ? (error.array() - error.mean()).matrix() : error).squaredNorm() / static_cast<double>(batch.size());
      progress(static_cast<double>(update) / adam.updates, mse);
    }
  }
  return adam.updates;
}

}  // namespace tandem
