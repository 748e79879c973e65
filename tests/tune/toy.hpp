// A small matched MPC with everything that the fit may meet: two multipliers of the model, five of the cost, one pinned, and a nonlinear dependence on the
// first two.
#pragma once

#include "tests/tune/recordings.hpp"

namespace tandem {

inline constexpr int kToyTheta = 7, kToyMomentum = 2;

// Q of one sample: sum_i theta_i f_i exp(0.3 a (m_0 - 1) + 0.2 b (m_1 - 1)) + penalties, f_i >= 0 out of the sample's numbers. The pinned f_6 is 0.
inline Features toy_features(const Recording& r, std::span<const int> samples, std::span<const double> theta, bool penalties = true) {
  Features out{kToyTheta, std::vector<double>(samples.size() * kToyTheta, 0.0), std::vector<double>(samples.size())};
  const std::vector<float>&a = column(r, "a").data, &b = column(r, "b").data;
  for (size_t s = 0; s < samples.size(); ++s) {
    const double u[4] = {a[3 * samples[s]], a[3 * samples[s] + 1], a[3 * samples[s] + 2], b[samples[s]]};
    const double gain = std::exp(0.3 * u[0] * (theta[0] - 1) + 0.2 * u[3] * (theta[1] - 1));
    double* phi = &out.phi[s * kToyTheta];
    double sum = 0;
    for (int i = 0; i < 4; ++i) phi[kToyMomentum + i] = u[i] * u[i] * gain, sum += theta[kToyMomentum + i] * phi[kToyMomentum + i];
    phi[0] = 0.3 * u[0] * sum, phi[1] = 0.2 * u[3] * sum;
    if (penalties) out.rest[s] = 0.1 * u[1];
  }
  return out;
}

inline MatchedMpc toy_mpc() {
  MatchedMpc mpc;
  mpc.controller = "toy", mpc.ntheta = kToyTheta, mpc.nmomentum = kToyMomentum;
  mpc.pinned = {0, 0, 0, 0, 0, 0, 1};
  mpc.groups = {{"momentum", 0, 2}, {"cost", 2, 5}};
  mpc.interval = 0.01, mpc.horizon = 3;
  mpc.open = [](const Recording& r, const FeatureSettings& features) {
    const bool penalties = features.penalties;
    return [&r, penalties](std::span<const int> samples, std::span<const double> theta, bool) { return toy_features(r, samples, theta, penalties); };
  };
  return mpc;
}

// Trajectories whose returns are scale x Q(theta) + offset + noise.
inline Recording toy_recording(const std::vector<double>& theta, double scale, double offset, double noise, unsigned seed, bool penalties = true) {
  Recording r = random_recording(10, 60, seed);
  r.fell.assign(10, 0);
  std::vector<int> all(nsample(r));
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int>(i);
  const Features f = toy_features(r, all, theta, penalties);
  std::mt19937 random(seed + 1);
  std::normal_distribution<double> normal;
  std::vector<double> returns(all.size());
  for (size_t k = 0; k < all.size(); ++k) {
    double q = f.rest[k];
    for (int i = kToyMomentum; i < kToyTheta; ++i) q += theta[i] * f.phi[k * kToyTheta + i];
    returns[k] = scale * q + offset + noise * normal(random);
  }
  set_returns(r, returns, 0.1);
  return r;
}

}  // namespace tandem
