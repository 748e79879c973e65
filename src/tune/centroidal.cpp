#include "tune/centroidal.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>

#include "base/check.hpp"
#include "base/parallel.hpp"
#include "centroidal/arrays.hpp"
#include "centroidal/evaluate.hpp"
#include "centroidal/predict_kernel.hpp"
#include "tune/centroidal_columns.hpp"
#include "tune/centroidal_replay.hpp"

namespace tandem {
namespace {

// Samples between two nodes of a window.
int stride_of(const Recording& recording, const CentroidalSettings& settings) {
  const int stride = static_cast<int>(std::lround(settings.dt / recording.sample_dt));
  check(stride >= 1 && std::abs(stride * recording.sample_dt - settings.dt) < 1e-9, "fit: samples every ", recording.sample_dt,
        " s, expected dt = ", settings.dt, " s or a whole part of it");
  return stride;
}

// Features and penalties of the stage at every sample with its own references.
struct StageTable {
  int ntheta = 0;
  std::vector<double> phi;   // times dt  (nsample, ntheta)
  std::vector<double> rest;  // (nsample)
};

StageTable stage_table(const Robot& robot, const CentroidalSettings& settings, const Recording& recording, int threads) {
  ThreadPool pool(threads);
  std::vector<CentroidalEvaluator> evaluators;
  for (int t = 0; t < pool.size(); ++t) evaluators.emplace_back(robot, settings);
  const NodeReader reader(recording, evaluators[0].nx());
  const size_t ntheta = evaluators[0].ntheta();
  StageTable table{static_cast<int>(ntheta), std::vector<double>(nsample(recording) * ntheta, 0.0), std::vector<double>(nsample(recording))};
  pool.run(nsample(recording), [&](int k, int thread) {
    CentroidalNodeInput<double> node{};
    reader.read(k, node);
    table.rest[k] = evaluators[thread].stage_features(node, std::span(table.phi).subspan(k * ntheta, ntheta));
  });
  return table;
}

// Windows of recorded states: sums over the table.
WindowCost open_recorded(const Robot& robot, const CentroidalSettings& settings, const Recording& recording, const FeatureSettings& features) {
  const auto table = std::make_shared<StageTable>(stage_table(robot, settings, recording, features.threads));
  const auto terminal = std::make_shared<CentroidalEvaluator>(robot, settings);
  const auto reader = std::make_shared<NodeReader>(recording, terminal->nx());
  const auto pool = std::make_shared<ThreadPool>(features.threads);
  const int stride = stride_of(recording, settings), horizon = features.horizon > 0 ? features.horizon : settings.horizon;
  const bool penalties = features.penalties;
  return [=](std::span<const int> samples, std::span<const double>, bool) {
    const size_t ntheta = table->ntheta, n = samples.size();
    Features out{table->ntheta, std::vector<double>(n * ntheta, 0.0), std::vector<double>(n, 0.0)};
    CentroidalNodeInput<double> node{};
    for (size_t i = 0; i < n; ++i) {
      reader->read(samples[i] + horizon * stride, node);
      terminal->terminal_features(node, std::span(out.phi).subspan(i * ntheta, ntheta));
    }
    pool->run(static_cast<int>(n), [&](int i, int) {
      double* phi = &out.phi[i * ntheta];
      for (int k = 0; k < horizon; ++k) {
        const size_t sample = samples[i] + k * stride;
        const double* row = &table->phi[sample * ntheta];
        for (size_t t = 0; t < ntheta; ++t) phi[t] += row[t];
        if (penalties) out.rest[i] += table->rest[sample];
      }
    });
    return out;
  };
}

// Multipliers whose nominal weight is 0, and those of x, y and yaw of base and torso: their references start from the measured state at every sample.
std::vector<unsigned char> pinned_multipliers(const Robot& robot, const CentroidalSettings& settings) {
  const CentroidalArrays<double> arrays = make_arrays<double>(robot, settings);
  const int nx = arrays.view.nx;
  std::vector<unsigned char> pinned(kMomentumTheta, 0);
  const auto add = [&](const double* nominal, int n, std::initializer_list<int> anchored) {
    for (int i = 0; i < n; ++i) pinned.push_back(nominal[i] == 0 || std::count(anchored.begin(), anchored.end(), i) > 0);
  };
  const StageTerms<double>& w = arrays.nominal;
  add(w.state, nx, {kPosition, kPosition + 1, kEuler}), add(w.input, nx, {});
  add(arrays.nominal_terminal, nx, {kPosition, kPosition + 1, kEuler});
  add(w.torso, kFrameRows, {0, 1, 5}), add(w.com, 2, {});
  for (const auto& swing : w.swing) add(swing, kFrameRows, {});
  for (const auto& torque : w.torque) add(torque, kLegJoints, {});
  return pinned;
}

// Both legs alike; along the axes and joints alike: linear and angular momentum, base, joints; wrenches, joint velocities; position, orientation, velocity
// and angular velocity of a link. Momentum multipliers each by itself.
std::vector<int> multiplier_kinds(const std::vector<ThetaBlock>& blocks) {
  const std::map<std::string, std::vector<int>> starts = {
      {"state", {0, 3, 6, 12}}, {"terminal", {0, 3, 6, 12}}, {"input", {0, 12}}, {"torso", {0, 3, 6, 9}}, {"swing", {0, 3, 6, 9}}};
  std::map<std::string, int> number;
  std::vector<int> kinds;
  for (const ThetaBlock& block : blocks) {
    const std::string name(block.name), stem = name.substr(0, name.find('_'));
    for (int i = 0; i < block.size; ++i) {
      int part = stem == "momentum" ? i : 0;
      if (const auto found = starts.find(stem); found != starts.end())
        part = static_cast<int>(std::upper_bound(found->second.begin(), found->second.end(), i) - found->second.begin());
      kinds.push_back(number.emplace(cat(stem, "/", part), static_cast<int>(number.size())).first->second);
    }
  }
  return kinds;
}

}  // namespace

MatchedMpc matched_centroidal(const Robot& robot, const CentroidalSettings& settings) {
  MatchedMpc mpc;
  mpc.controller = "centroidal";
  mpc.pinned = pinned_multipliers(robot, settings);
  mpc.ntheta = static_cast<int>(mpc.pinned.size());
  mpc.nmomentum = kMomentumTheta;
  const int joints = CentroidalEvaluator(robot, settings).nx() - 12;
  mpc.kind = multiplier_kinds(theta_blocks(joints));
  for (const ThetaBlock& block : theta_blocks(joints)) mpc.groups.push_back({block.name, block.first, block.size});
  mpc.interval = settings.dt, mpc.horizon = settings.horizon;
  mpc.open = [=](const Recording& recording, const FeatureSettings& features) {
    check(features.horizon >= 0 && features.restart >= 0, "fit: horizon = ", features.horizon, ", restart = ", features.restart,
          " intervals, expected 0 or more");
    if (features.mode == FeatureMode::kRecorded) return open_recorded(robot, settings, recording, features);
    return open_replay(robot, settings, recording, features, stride_of(recording, settings));
  };
  mpc.own_cost = [=](const Recording& recording, bool penalties, int threads) {
    const StageTable table = stage_table(robot, settings, recording, threads);
    std::vector<double> cost(nsample(recording), 0.0);
    for (size_t k = 0; k < cost.size(); ++k) {
      const double* phi = &table.phi[k * table.ntheta];
      cost[k] = (std::accumulate(phi, phi + table.ntheta, 0.0) + (penalties ? table.rest[k] : 0)) / settings.dt;
    }
    return cost;
  };
  return mpc;
}

}  // namespace tandem
