#include "centroidal/arrays.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "model/names.hpp"

namespace tandem {
namespace {

// Bodies of `model` whose name matches; the left one first where there are two.
std::vector<int> matching_bodies(const Model& model, const std::string& pattern) {
  std::vector<int> found;
  for (int i = 0; i < model.nbody; ++i)
    if (matches(pattern, model.body_name[i])) found.push_back(i);
  return found;
}

int only_body(const Model& model, const std::string& pattern) {
  const std::vector<int> found = matching_bodies(model, pattern);
  check(found.size() == 1, "centroidal MPC: \"", pattern, "\" matches ", found.size(), " bodies of robot ", model.name,
        ", expected one; likely ones: ", nearest(pattern, model.body_name));
  return found[0];
}

template <class S>
Frame<S> frame_at(int body, const double* p) {
  return {body, {static_cast<S>(p[0]), static_cast<S>(p[1]), static_cast<S>(p[2])}};
}

void check_settings(const Robot& robot, const CentroidalSettings& s) {
  const Model& model = robot.model;
  check(model.floating, "centroidal MPC: robot ", model.name, " has a fixed base; it needs a floating one");
  check(model.foot_name.size() == kFeet, "centroidal MPC: robot ", model.name, " has ", model.foot_name.size(), " feet, expected ", kFeet);
  check(s.horizon >= 2 && s.horizon <= 200, "centroidal MPC: horizon = ", s.horizon, ", expected 2 to 200");
  check(s.dt > 0 && s.dt < 0.2, "centroidal MPC: dt = ", s.dt, " s, expected above 0 and below 0.2");
  check(s.control_dt > 0 && s.control_dt <= s.dt, "centroidal MPC: control_dt = ", s.control_dt, " s, expected above 0 and at most dt = ", s.dt,
        " s");
  check(s.gait.period > 0, "centroidal MPC: gait.period = ", s.gait.period, " s, expected above 0");
  check(s.gait.stance_fraction > 0 && s.gait.stance_fraction <= 1, "centroidal MPC: gait.stance_fraction = ", s.gait.stance_fraction,
        ", expected in (0, 1]; 1 stands still");
  check(s.gait.offset.size() == kFeet, "centroidal MPC: gait.offset has ", s.gait.offset.size(), " values, expected ", kFeet);
  check(s.nominal.empty() || static_cast<int>(s.nominal.size()) == model.njnt, "centroidal MPC: nominal has ", s.nominal.size(),
        " values, expected njnt = ", model.njnt, " or none");
  check(s.start_hold >= 0, "centroidal MPC: start_hold = ", s.start_hold, " s, expected 0 or more");
  check(s.start_iterations >= 1, "centroidal MPC: start_iterations = ", s.start_iterations, ", expected 1 or more");
  check(s.friction > 0, "centroidal MPC: friction = ", s.friction, ", expected above 0");
  for (int j = 0; j < model.njnt; ++j)
    check(!matches(s.knee, model.joint_name[j]) || s.knee_bend < model.q_max[j], "centroidal MPC: knee_bend = ", s.knee_bend,
          " rad, expected less than the upper limit of ", model.joint_name[j], ", ", model.q_max[j]);
  check(static_cast<int>(s.pairs.size()) <= kMaxPairs && static_cast<int>(s.spheres.size()) <= kMaxSpheres, "centroidal MPC: ", s.spheres.size(),
        " spheres and ", s.pairs.size(), " pairs, expected at most ", kMaxSpheres, " and ", kMaxPairs);
  for (const auto& pair : s.pairs)
    for (int sphere : pair)
      check(sphere >= 0 && sphere < static_cast<int>(s.spheres.size()), "centroidal MPC: a pair names sphere ", sphere, ", there are ",
            s.spheres.size());
}

// Feet, legs, torso, spheres.
template <class S>
void set_geometry(const Robot& robot, const CentroidalSettings& s, const LockedModel& locked, CentroidalView<S>& view) {
  const Model& model = locked.model;
  view.torso = frame_at<S>(only_body(model, s.torso), std::array<double, 3>{0, 0, 0}.data());
  for (const ContactPoint& point : robot.model.contacts) view.foot[point.foot] = frame_at<S>(locked.body[point.body], s.foot_point);
  for (int f = 0; f < kFeet; ++f) {
    std::vector<int> chain;
    for (int i = view.foot[f].body; i > 0; i = model.parent[i]) chain.insert(chain.begin(), i);
    check(chain.size() <= kLegJoints, "centroidal MPC: ", chain.size(), " joints between base and foot \"", robot.model.foot_name[f],
          "\", expected at most ", kLegJoints, "; lock some");
    for (int i = 0; i < kLegJoints; ++i) view.leg[f][i] = i < static_cast<int>(chain.size()) ? chain[i] : -1;
    for (size_t i = 0; i < s.spheres.size(); ++i) {
      const std::vector<int> bodies = matching_bodies(model, s.spheres[i].body);
      const auto in_leg = std::find_if(bodies.begin(), bodies.end(), [&](int b) { return std::count(chain.begin(), chain.end(), b) > 0; });
      check(in_leg != bodies.end(), "centroidal MPC: sphere on \"", s.spheres[i].body, "\": no such body in the leg of foot \"",
            robot.model.foot_name[f], "\"; likely ones: ", nearest(s.spheres[i].body, model.body_name));
      view.sphere[f][i] = frame_at<S>(*in_leg, s.spheres[i].position);
      view.radius[i] = static_cast<S>(s.spheres[i].radius);
    }
  }
  view.npair = static_cast<int>(s.pairs.size());
  for (int i = 0; i < view.npair; ++i) view.pair[i][0] = s.pairs[i][0], view.pair[i][1] = s.pairs[i][1];
}

void set_nominal_weights(const Model& model, const CentroidalWeights& w, StageTerms<double>& stage, double* terminal) {
  for (int i = 0; i < 6; ++i) {
    stage.state[i] = w.momentum[i], stage.state[6 + i] = w.base[i];
    terminal[i] = w.terminal_factor * w.terminal_momentum[i], terminal[6 + i] = w.terminal_factor * w.terminal_base[i];
    stage.input[i] = stage.input[6 + i] = w.wrench[i];
    for (int f = 0; f < kFeet; ++f) stage.torque[f][i] = w.torque[i];
  }
  for (int j = 0; j < model.njnt; ++j) {
    const JointWeights* found = nullptr;
    for (const JointWeights& candidate : w.joints)
      if (matches(candidate.pattern, model.joint_name[j])) found = &candidate;
    check(found, "centroidal MPC: no weights for joint \"", model.joint_name[j], "\"; add a pattern to weights.joints");
    stage.state[kJoints + j] = found->position, stage.input[kVelocities + j] = found->velocity;
    terminal[kJoints + j] = w.terminal_factor * found->terminal;
  }
  std::copy(w.torso.begin(), w.torso.end(), stage.torso);
  std::copy(w.com.begin(), w.com.end(), stage.com);
  for (int f = 0; f < kFeet; ++f) std::copy(w.swing.begin(), w.swing.end(), stage.swing[f]);
}

}  // namespace

GaitSettings centroidal_gait(const std::string& name) {
  // single support, then double support (negative: flight) of each step [s]
  struct Steps {
    const char* name;
    double single, both;
  };
  constexpr Steps kGaits[] = {{"stance", 0, 1},         {"slow_walk", .65, .2}, {"walk", .6, .1},  {"quick_walk", .36, .04},
                              {"brisk_walk", .31, .04}, {"trot", .5, 0},        {"run", .38, -.08}};
  std::vector<std::string> names;
  for (const Steps& gait : kGaits) {
    names.push_back(gait.name);
    if (gait.name != name) continue;
    const double period = 2 * (gait.single + gait.both);
    return {period, (gait.single + 2 * gait.both) / period, {0.0, 0.5}, 0.08, 0.05, 0.0};
  }
  throw Error(cat("centroidal MPC: no gait \"", name, "\"; likely ones: ", nearest(name, names)));
}

std::vector<ThetaBlock> theta_blocks(int joints) {
  const int n = 12 + joints;
  const std::pair<const char*, int> sizes[] = {{"momentum", 6}, {"state", n},       {"input", n},        {"terminal", n},    {"torso", kFrameRows},
                                               {"com", 2},      {"swing_left", 12}, {"swing_right", 12}, {"torque_left", 6}, {"torque_right", 6}};
  std::vector<ThetaBlock> blocks;
  int first = 0;
  for (const auto& [name, size] : sizes) blocks.push_back({name, first, size}), first += size;
  return blocks;
}

int theta_size(int joints) {
  const ThetaBlock last = theta_blocks(joints).back();
  return last.first + last.size;
}

template <class S>
void set_theta(std::span<const double> theta, CentroidalArrays<S>& arrays) {
  CentroidalView<S>& view = arrays.view;
  check(static_cast<int>(theta.size()) == theta_size(view.nj), "centroidal MPC: theta has ", theta.size(), " values, expected ", theta_size(view.nj));
  for (double t : theta) check(t > 0 && std::isfinite(t), "centroidal MPC: theta has an entry ", t, ", expected positive numbers");
  const double* next = theta.data();
  const auto take = [&](const double* nominal, S* weight, int n) {
    for (int i = 0; i < n; ++i) weight[i] = static_cast<S>(nominal[i] * *next++);
  };
  const double ones[6] = {1, 1, 1, 1, 1, 1};
  const StageTerms<double>& w = arrays.nominal;
  take(ones, view.momentum_scale, 6);
  take(w.state, view.weight.state, view.nx), take(w.input, view.weight.input, view.nu), take(arrays.nominal_terminal, view.terminal, view.nx);
  take(w.torso, view.weight.torso, kFrameRows), take(w.com, view.weight.com, 2);
  for (int f = 0; f < kFeet; ++f) take(w.swing[f], view.weight.swing[f], kFrameRows);
  for (int f = 0; f < kFeet; ++f) take(w.torque[f], view.weight.torque[f], kLegJoints);
}

template <class S>
CentroidalArrays<S> make_arrays(const Robot& robot, const CentroidalSettings& s) {
  check_settings(robot, s);
  CentroidalArrays<S> arrays{};
  const Model& full = robot.model;
  const std::vector<double>& nominal = s.nominal.empty() ? robot.nominal : s.nominal;
  std::vector<bool> locked(full.njnt, false);
  for (const std::string& pattern : s.locked)
    for (int j = 0; j < full.njnt; ++j)
      if (matches(pattern, full.joint_name[j])) locked[j] = true;
  arrays.locked = lock_joints(full, locked, nominal);
  const Model& model = arrays.locked.model;
  check(model.njnt <= kMaxJoints, "centroidal MPC: robot ", model.name, " has ", model.njnt, " joints that are not locked, expected at most ",
        kMaxJoints);
  arrays.model = make_arrays<S>(model);
  CentroidalView<S>& view = arrays.view;
  view.model = arrays.model.view;
  view.nj = model.njnt, view.nx = view.nu = 12 + model.njnt, view.N = s.horizon;
  view.dt = static_cast<S>(s.dt);
  double mass = 0;
  for (double m : model.mass) mass += m;
  view.mass = static_cast<S>(mass);
  set_geometry(robot, s, arrays.locked, view);
  for (int j = 0; j < model.njnt; ++j) {
    const double least = matches(s.knee, model.joint_name[j]) ? std::max(s.knee_bend, model.q_min[j]) : model.q_min[j];
    view.q_min[j] = static_cast<S>(least), view.q_max[j] = static_cast<S>(model.q_max[j]);
  }
  view.friction = static_cast<S>(s.friction), view.sole_x = static_cast<S>(s.sole[0]), view.sole_y = static_cast<S>(s.sole[1]);
  const auto two = [](const std::array<double, 2>& a) { return std::pair<S, S>(static_cast<S>(a[0]), static_cast<S>(a[1])); };
  const CentroidalPenalties& p = s.penalties;
  view.cone = {two(p.cone).first, two(p.cone).second}, view.pressure = {two(p.pressure).first, two(p.pressure).second};
  view.limits = {two(p.limits).first, two(p.limits).second}, view.collision = {two(p.collision).first, two(p.collision).second};
  view.height_gain = static_cast<S>(s.height_gain), view.orientation_gain = static_cast<S>(s.orientation_gain);
  set_nominal_weights(model, s.weights, arrays.nominal, arrays.nominal_terminal);
  set_theta(std::vector<double>(theta_size(view.nj), 1.0), arrays);
  return arrays;
}

template CentroidalArrays<float> make_arrays<float>(const Robot&, const CentroidalSettings&);
template CentroidalArrays<double> make_arrays<double>(const Robot&, const CentroidalSettings&);
template void set_theta<float>(std::span<const double>, CentroidalArrays<float>&);
template void set_theta<double>(std::span<const double>, CentroidalArrays<double>&);

}  // namespace tandem
