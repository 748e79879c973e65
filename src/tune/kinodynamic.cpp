#include "tune/kinodynamic.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <sstream>

#include "base/check.hpp"
#include "base/parallel.hpp"
#include "mpc/arrays.hpp"
#include "mpc/form_kernel.hpp"

namespace tandem {
namespace {

// A joint's name without its side: "left_hip_yaw" and "right_hip_yaw" are hip_yaw, "FL_hip_joint" and "FR_hip_joint" front_hip_joint.
std::string kind_of(const std::string& joint) {
  std::istringstream words(joint);
  std::string kind, word;
  while (std::getline(words, word, '_')) {
    if (word == "left" || word == "right" || word == "l" || word == "r" || word == "L" || word == "R") continue;
    if (word == "FL" || word == "FR") word = "front";
    if (word == "RL" || word == "RR") word = "rear";
    kind += (kind.empty() ? "" : "_") + word;
  }
  return kind;
}

// Which multiplier belongs to which weight. Order of theta: base position, orientation, linear velocity, angular velocity, force, each x y z; kinds of
// joints, position; kinds of joints, velocity.
struct Layout {
  std::vector<std::string> kinds;
  std::vector<int> kind;  // of each joint  (njnt)
  std::vector<ThetaGroup> groups;
  int ntheta;
};
constexpr int kPositionTheta = 0, kOrientationTheta = 3, kLinearTheta = 6, kAngularTheta = 9, kForceTheta = 12, kJointTheta = 15;

Layout make_layout(const Model& model) {
  Layout layout;
  for (const std::string& name : model.joint_name) {
    const std::string kind = kind_of(name);
    const auto found = std::find(layout.kinds.begin(), layout.kinds.end(), kind);
    layout.kind.push_back(static_cast<int>(found - layout.kinds.begin()));
    if (found == layout.kinds.end()) layout.kinds.push_back(kind);
  }
  layout.groups = {{"base_position", kPositionTheta, 3},
                   {"base_orientation", kOrientationTheta, 3},
                   {"base_linear_velocity", kLinearTheta, 3},
                   {"base_angular_velocity", kAngularTheta, 3},
                   {"force", kForceTheta, 3}};
  int next = kJointTheta;
  for (const char* what : {"joint_position ", "joint_velocity "})
    for (const std::string& kind : layout.kinds) layout.groups.push_back({what + kind, next++, 1});
  layout.ntheta = next;
  return layout;
}

// Half squared errors of one node times their nominal weights, added up by multiplier.
class NodeCost {
 public:
  NodeCost(const Model& model, const MpcSettings& settings)
      : layout_(make_layout(model)), arrays_(make_arrays<double>(model, settings, 1)), memory_(world_size(arrays_.view), 0.0) {}

  const Layout& layout() const { return layout_; }

  // Adds to phi (ntheta).   last  the end of a window, which has no forces
  void add(const double* q, const double* v, const double* force, const double* stance, const double* command, bool last, double* phi) {
    const MpcView<double>& mpc = arrays_.view;
    const ModelView<double>& model = mpc.model;
    const WorldView<double> world = world_at(mpc, memory_.data());
    std::copy_n(q, model.nq, world.q), std::copy_n(v, model.nv, world.v), std::copy_n(force, mpc.nforce, world.F);
    std::copy_n(stance, model.nfoot, world.stance), std::copy_n(command, 4, world.command);
    double e_q[kMaxTangent], e_v[kMaxTangent], e_F[kMaxTangent];
    node_error(mpc, world, 0, e_q, e_v, e_F);
    const auto put = [&](int theta, double weight, double error) { phi[theta] += 0.5 * weight * error * error; };
    for (int i = 0; i < 6; ++i) put(kPositionTheta + i, mpc.w_q[i], e_q[i]), put(kLinearTheta + i, mpc.w_v[i], e_v[i]);
    const int nkind = static_cast<int>(layout_.kinds.size());
    for (int j = 0; j < model.njnt; ++j) {
      put(kJointTheta + layout_.kind[j], mpc.w_q[6 + j], e_q[6 + j]);
      put(kJointTheta + nkind + layout_.kind[j], mpc.w_v[6 + j], e_v[6 + j]);
    }
    for (int i = 0; !last && i < mpc.nforce; ++i) put(kForceTheta + i % 3, mpc.w_force[i % 3], e_F[i]);
  }

 private:
  Layout layout_;
  MpcArrays<double> arrays_;
  std::vector<double> memory_;
};

// Columns of a kinodynamic recording, and a node of it in double.
struct Columns {
  const Column *q, *v, *force, *stance, *command;
  Columns(const Recording& r, const Model& model)
      : q(&column(r, "q")), v(&column(r, "v")), force(&column(r, "force")), stance(&column(r, "stance")), command(&column(r, "command")) {
    check(r.controller == "kinodynamic", "fit: a recording of the ", r.controller, " MPC, expected one of the kinodynamic MPC");
    check(q->size == model.nq && v->size == model.nv && force->size == 3 * static_cast<int>(model.contacts.size()),
          "fit: the recording is of a robot with other joints or contacts");
  }
  void add(NodeCost& cost, int sample, bool last, double* phi) const {
    const auto wide = [sample](const Column* c) {
      const float* from = c->data.data() + static_cast<size_t>(sample) * c->size;
      return std::vector<double>(from, from + c->size);
    };
    cost.add(wide(q).data(), wide(v).data(), wide(force).data(), wide(stance).data(), wide(command).data(), last, phi);
  }
};

// Features per second of the node at every sample, with forces and without.  (nsample, 2, ntheta)
std::vector<double> node_table(const Model& model, const MpcSettings& settings, const Recording& recording, int threads) {
  check_recording(recording);
  const Columns columns(recording, model);
  ThreadPool pool(threads);
  std::vector<NodeCost> costs;
  for (int t = 0; t < pool.size(); ++t) costs.emplace_back(model, settings);
  const size_t ntheta = costs[0].layout().ntheta;
  std::vector<double> table(2 * ntheta * nsample(recording), 0.0);
  pool.run(nsample(recording), [&](int k, int thread) {
    for (int last = 0; last < 2; ++last) columns.add(costs[thread], k, last == 1, &table[(2 * static_cast<size_t>(k) + last) * ntheta]);
  });
  return table;
}

WindowCost open_windows(const Model& model, const MpcSettings& settings, const Recording& recording, const FeatureSettings& features) {
  check(features.mode == FeatureMode::kRecorded, "fit: the kinodynamic MPC has features of recorded states only; set features.mode = recorded");
  check(!features.penalties, "fit: the kinodynamic MPC has no penalties; set features.penalties = false");
  // samples from the start of a window to each of its nodes
  const int horizon = features.horizon > 0 ? features.horizon : settings.nodes - 1;
  std::vector<int> at = {0};
  std::vector<double> dt;
  double time = 0;
  for (int k = 0; k < horizon; ++k) {
    dt.push_back(interval_at(settings.dt, k));
    time += dt.back();
    at.push_back(static_cast<int>(std::lround(time / recording.sample_dt)));
    check(std::abs(at.back() * recording.sample_dt - time) < 1e-9, "fit: samples every ", recording.sample_dt,
          " s, expected a whole part of dt = ", dt.back(), " s");
  }
  const auto table = std::make_shared<std::vector<double>>(node_table(model, settings, recording, features.threads));
  const auto pool = std::make_shared<ThreadPool>(features.threads);
  const size_t ntheta = make_layout(model).ntheta;
  return [=](std::span<const int> samples, std::span<const double>, bool) {
    Features out{static_cast<int>(ntheta), std::vector<double>(samples.size() * ntheta, 0.0), std::vector<double>(samples.size(), 0.0)};
    pool->run(static_cast<int>(samples.size()), [&](int i, int) {
      for (int k = 0; k <= horizon; ++k) {
        const bool last = k == horizon;
        const double* row = &(*table)[(2 * static_cast<size_t>(samples[i] + at[k]) + last) * ntheta];
        for (size_t t = 0; t < ntheta; ++t) out.phi[i * ntheta + t] += dt[std::min(k, horizon - 1)] * row[t];
      }
    });
    return out;
  };
}

}  // namespace

MatchedMpc matched_kinodynamic(const Model& model, const MpcSettings& settings) {
  const Layout layout = make_layout(model);
  MatchedMpc mpc;
  mpc.controller = "kinodynamic";
  mpc.ntheta = layout.ntheta, mpc.nmomentum = 0, mpc.groups = layout.groups;
  mpc.pinned.assign(layout.ntheta, 0);
  const MpcWeights& w = settings.weights;
  for (int i = 0; i < 3; ++i) {
    mpc.pinned[kPositionTheta + i] = w.base_position[i] == 0, mpc.pinned[kOrientationTheta + i] = w.base_orientation[i] == 0;
    mpc.pinned[kLinearTheta + i] = w.base_linear_velocity[i] == 0, mpc.pinned[kAngularTheta + i] = w.base_angular_velocity[i] == 0;
    mpc.pinned[kForceTheta + i] = w.force[i] == 0;
  }
  // references that start from the measured state at every sample: x, y and yaw
  mpc.pinned[kPositionTheta] = mpc.pinned[kPositionTheta + 1] = mpc.pinned[kOrientationTheta + 2] = 1;
  const int nkind = static_cast<int>(layout.kinds.size());
  for (int i = 0; i < nkind; ++i) mpc.pinned[kJointTheta + i] = mpc.pinned[kJointTheta + nkind + i] = 1;
  for (int j = 0; j < model.njnt; ++j) {
    if (w.joint_position[j] > 0) mpc.pinned[kJointTheta + layout.kind[j]] = 0;
    if (w.joint_velocity[j] > 0) mpc.pinned[kJointTheta + nkind + layout.kind[j]] = 0;
  }
  double length = 0;
  for (int k = 0; k < settings.nodes - 1; ++k) length += interval_at(settings.dt, k);
  mpc.horizon = settings.nodes - 1, mpc.interval = length / mpc.horizon, mpc.dt = settings.dt;
  mpc.open = [=](const Recording& recording, const FeatureSettings& features) { return open_windows(model, settings, recording, features); };
  mpc.own_cost = [=](const Recording& recording, bool penalties, int threads) {
    check(!penalties, "stage cost: the kinodynamic MPC has no penalties; set cost.penalties = false");
    const std::vector<double> table = node_table(model, settings, recording, threads);
    std::vector<double> cost(nsample(recording));
    const size_t ntheta = layout.ntheta;
    for (size_t k = 0; k < cost.size(); ++k) cost[k] = std::accumulate(&table[2 * k * ntheta], &table[(2 * k + 1) * ntheta], 0.0);
    return cost;
  };
  return mpc;
}

MpcSettings with_theta(const Model& model, MpcSettings settings, std::span<const double> theta) {
  const Layout layout = make_layout(model);
  check(static_cast<int>(theta.size()) == layout.ntheta, "kinodynamic MPC: theta has ", theta.size(), " values, expected ", layout.ntheta);
  for (double t : theta) check(t > 0 && std::isfinite(t), "kinodynamic MPC: theta has an entry ", t, ", expected positive numbers");
  MpcWeights& w = settings.weights;
  for (int i = 0; i < 3; ++i) {
    w.base_position[i] *= theta[kPositionTheta + i], w.base_orientation[i] *= theta[kOrientationTheta + i];
    w.base_linear_velocity[i] *= theta[kLinearTheta + i], w.base_angular_velocity[i] *= theta[kAngularTheta + i];
    w.force[i] *= theta[kForceTheta + i];
  }
  const int nkind = static_cast<int>(layout.kinds.size());
  for (int j = 0; j < model.njnt; ++j) {
    w.joint_position[j] *= theta[kJointTheta + layout.kind[j]];
    w.joint_velocity[j] *= theta[kJointTheta + nkind + layout.kind[j]];
  }
  return settings;
}

}  // namespace tandem
