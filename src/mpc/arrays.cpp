#include "mpc/arrays.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.hpp"
#include "mpc/linearise_kernel.hpp"

namespace tandem {
namespace {

// Velocity rows of a foot with 1, 2 or 4 points, as many as are independent: 3, 5, 6; heights of swing: 1, 2, 3. docs/mpc.md, table 1.
void foot_rows(int npoint, std::vector<ContactRow>& stance, std::vector<ContactRow>& swing) {
  using enum RowAxis;
  if (npoint == 1) {
    stance = {{kX, {1}}, {kY, {1}}, {kZ, {1}}};
    swing = {{kZ, {1}}};
  } else if (npoint == 2) {  // toe, heel
    stance = {{kX, {1, 0}}, {kY, {1, 0}}, {kZ, {1, 0}}, {kLateral, {0, 1}}, {kZ, {0, 1}}};
    swing = {{kZ, {1, 0}}, {kZ, {0, 1}}};
  } else {  // toe left, toe right, heel left, heel right
    stance = {{kX, {.5, .5, 0, 0}},       {kY, {.5, .5, 0, 0}}, {kZ, {.5, .5, 0, 0}},
              {kLateral, {0, 0, .5, .5}}, {kZ, {0, 0, .5, .5}}, {kZ, {.5, -.5, .5, -.5}}};
    swing = {{kZ, {1, 0, 0, 0}}, {kZ, {0, 1, 0, 0}}, {kZ, {0, 0, .5, .5}}};
  }
}

void check_sizes(const Model& model, const MpcSettings& s) {
  const auto sized = [&](const std::vector<double>& values, size_t expected, const char* name) {
    check(values.size() == expected, "MPC settings: ", name, " has ", values.size(), " values, expected ", expected, " for robot ", model.name);
  };
  const size_t njnt = model.njnt;
  check(model.floating, "robot ", model.name, " has a fixed base; the whole-body MPC needs a floating one: add a free joint to its root body");
  check(!model.foot_name.empty(), "robot ", model.name, " has no feet; name them in its robot.toml");
  sized(s.weights.joint_position, njnt, "weights.joint_position"), sized(s.weights.joint_velocity, njnt, "weights.joint_velocity");
  sized(s.nominal, njnt, "nominal");
  sized(s.gait.offset, model.foot_name.size(), "gait.offset");
  check(s.nodes >= 2 && s.nodes <= 64, "MPC settings: nodes = ", s.nodes, ", expected 2 to 64");
  check(s.dt.size() == 1 || s.dt.size() == size_t(s.nodes - 1), "MPC settings: dt has ", s.dt.size(),
        " values, expected 1 or nodes - 1 = ", s.nodes - 1);
  for (double dt : s.dt)
    check(dt >= s.control_dt && dt < 1, "MPC settings: dt = ", dt, " s, expected between control_dt = ", s.control_dt, " s and 1 s");
  check(s.control_dt > 0, "MPC settings: control_dt = ", s.control_dt, " s, expected above 0");
  check(s.gait.period > 0, "MPC settings: gait.period = ", s.gait.period, " s, expected above 0");
  check(s.gait.stance_fraction > 0 && s.gait.stance_fraction <= 1, "MPC settings: gait.stance_fraction = ", s.gait.stance_fraction,
        ", expected in (0, 1]; 1 stands still");
  check(s.step_rate >= 1 && s.step_rate <= 10, "MPC settings: step_rate = ", s.step_rate, ", expected 1 (the gait keeps its rate) to 10");
  check(s.step_rate_forward >= 0 && s.step_rate_forward <= 10, "MPC settings: step_rate_forward = ", s.step_rate_forward, ", expected 0 to 10");
  check(s.delay >= 0 && s.delay <= 0.1, "MPC settings: delay = ", s.delay, " s, expected 0 to 0.1");
  check(s.pose_trust >= 0.01 && s.pose_trust <= 1, "MPC settings: pose_trust = ", s.pose_trust, ", expected 0.01 to 1");
  check(s.friction_sides >= 3 && s.friction_sides <= 16, "MPC settings: friction_sides = ", s.friction_sides, ", expected 3 to 16");
  check(s.integral_gain >= 0 && s.integral_limit >= 0, "MPC settings: integral_gain = ", s.integral_gain, ", integral_limit = ", s.integral_limit,
        ", expected 0 or more");
  check(s.friction > 0, "MPC settings: friction = ", s.friction, ", expected above 0");
  check(model.nv <= kMaxTangent && model.contacts.size() * 3 <= kMaxTangent, "robot ", model.name, " has ", model.nv, " degrees of freedom and ",
        model.contacts.size(), " contact points; the MPC takes up to ", kMaxTangent, " and ", kMaxTangent / 3);
}

// Bodies whose joints move `body`, base side first.
std::vector<int> chain_of(const Model& model, int body) {
  std::vector<int> chain;
  for (int i = body; i > 0; i = model.parent[i]) chain.push_back(i);
  std::reverse(chain.begin(), chain.end());
  return chain;
}

// Pairs of feet at the same place along the body, one to the left of the other in the nominal pose, whose legs share no joint.
std::vector<FootPair> foot_pairs(const Model& model, const ModelView<double>& view, const std::vector<double>& nominal,
                                 const std::vector<std::vector<int>>& chains) {
  std::vector<double> memory(kinematics_size<double>(view.nbody));
  const Kinematics<double> kin = kinematics_at(memory.data(), view.nbody);
  forward_kinematics(SerialTeam{}, view, Pose<double>{identity3<double>(), {0, 0, 0}}, nominal.data(), kin);
  std::vector<Vec3<double>> mean(view.nfoot, {0, 0, 0});
  for (int c = 0; c < view.ncon; ++c)
    mean[view.contact_foot[c]] = mean[view.contact_foot[c]] + double(view.nfoot) / view.ncon * contact_position(view, kin, c);
  std::vector<FootPair> pairs;
  for (int f = 0; f < view.nfoot; ++f)
    for (int g = f + 1; g < view.nfoot; ++g) {
      const bool shared = std::find_first_of(chains[f].begin(), chains[f].end(), chains[g].begin(), chains[g].end()) != chains[f].end();
      if (shared || std::abs(mean[f].x - mean[g].x) > 0.1 || mean[f].y * mean[g].y >= 0) continue;
      pairs.push_back(mean[f].y > mean[g].y ? FootPair{f, g} : FootPair{g, f});
    }
  check(pairs.size() <= kMaxFootPairs, "robot ", model.name, " has ", pairs.size(), " pairs of feet; the MPC takes up to ", kMaxFootPairs);
  return pairs;
}

// Where each number of NodeOutput goes in a QP stage, in its order (mpc/linearise_kernel.hpp).
template <class S>
std::vector<int> scatter_map(const MpcView<S>& mpc, const std::vector<std::vector<int>>& chains) {
  const QpLayout lay = qp_layout(mpc.dims);
  const int n = mpc.model.nv, nj = mpc.model.njnt, nf = mpc.nforce;
  std::vector<int> map;
  const auto row_column = [&](int row, int column) { map.push_back(lay.C + row * lay.ldx + column); };
  for (int f = 0, row = 0; f < mpc.model.nfoot; ++f)
    for (int i = 0; i < mpc.nstance; ++i, ++row) {
      for (int field : {lay.lc, lay.uc, lay.rho_c}) map.push_back(field + row);
      for (int column = 2; column < 6; ++column) row_column(row, column);
      for (int body : chains[f]) row_column(row, 5 + body);
      for (int column = 0; column < 6; ++column) row_column(row, n + column);
      for (int body : chains[f]) row_column(row, n + 5 + body);
    }
  for (int i = 0; i < mpc.npair; ++i) {
    const int row = mpc.model.nfoot * mpc.nstance + i;
    map.push_back(lay.lc + row);
    for (int foot : {mpc.pair[i].left, mpc.pair[i].right})
      for (int body : chains[foot]) row_column(row, 5 + body);
  }
  const auto columns = [&](int first, int count) {
    for (int column = first; column < first + count; ++column)
      for (int r = 0; r < 6; ++r) map.push_back(lay.E + r * lay.ldz + column);
  };
  columns(3, 3 + nj), columns(n + 3, 3 + nj), columns(lay.ldx, nf + nj);
  for (int r = 0; r < 6; ++r) map.push_back(lay.e + r);
  for (int field : {lay.Phi, lay.Gam})
    for (int i = 0; i < 9; ++i) map.push_back(field + (3 + i / 3) * lay.ldp + 3 + i % 3);
  for (int r = 0; r < 6; ++r) map.push_back(lay.bq + r);
  return map;
}

}  // namespace

MpcSettings make_mpc_settings(const Robot& robot) {
  MpcSettings settings;
  settings.nodes = robot.nodes;
  settings.gait = robot.gait;
  settings.weights = robot.weights;
  settings.nominal = robot.nominal;
  settings.friction = robot.friction;
  settings.step_rate = robot.step_rate;
  settings.step_rate_forward = robot.step_rate_forward;
  return settings;
}

template <class S>
MpcArrays<S> make_arrays(const Model& model, const MpcSettings& s, int align) {
  check_sizes(model, s);
  const int nfoot = static_cast<int>(model.foot_name.size()), ncon = static_cast<int>(model.contacts.size());
  std::vector<int> count(nfoot, 0);
  for (int c = 0; c < ncon; ++c) {
    const ContactPoint& point = model.contacts[c];
    check(c == 0 || point.foot >= model.contacts[c - 1].foot, "robot ", model.name, ": contact points must be ordered by foot");
    check(c == 0 || point.foot != model.contacts[c - 1].foot || point.body == model.contacts[c - 1].body, "robot ", model.name, ": contact \"",
          point.name, "\" is on another body than the foot's other points");
    ++count[point.foot];
  }
  for (int f = 0; f < nfoot; ++f)
    check(count[f] == count[0] && (count[f] == 1 || count[f] == 2 || count[f] == kMaxFootPoints), "robot ", model.name, ": foot \"",
          model.foot_name[f], "\" has ", count[f],
          " contact points; the MPC takes 1 (point), 2 (toe, heel) or 4 (corners of the sole), the same for every foot");

  MpcArrays<S> arrays;
  arrays.model = make_arrays<S>(model);
  MpcView<S>& view = arrays.view;
  view.model = arrays.model.view;
  view.nodes = s.nodes, view.nforce = 3 * ncon, view.npoint = count[0];
  std::vector<ContactRow> stance, swing;
  foot_rows(view.npoint, stance, swing);
  std::copy(stance.begin(), stance.end(), view.stance_row);
  std::copy(swing.begin(), swing.end(), view.swing_row);
  view.nstance = static_cast<int>(stance.size()), view.nswing = static_cast<int>(swing.size());

  std::vector<std::vector<int>> chains(nfoot);
  std::vector<int> chain_start{0}, chain_body;
  for (int f = 0; f < nfoot; ++f) {
    const auto first = std::find_if(model.contacts.begin(), model.contacts.end(), [&](const ContactPoint& c) { return c.foot == f; });
    chains[f] = chain_of(model, first->body);
    check(chains[f].size() <= 32, "robot ", model.name, ": ", chains[f].size(), " joints between base and foot \"", model.foot_name[f],
          "\"; the MPC takes up to 32");
    chain_body.insert(chain_body.end(), chains[f].begin(), chains[f].end());
    chain_start.push_back(static_cast<int>(chain_body.size()));
  }
  std::vector<FootPair> pairs;
  if (s.foot_distance > 0) pairs = foot_pairs(model, make_arrays<double>(model).view, s.nominal, chains);
  view.npair = static_cast<int>(pairs.size());
  std::copy(pairs.begin(), pairs.end(), view.pair);
  view.dims = integrator_dims(s.nodes - 1, 6, model.njnt, 3 * ncon, nfoot * view.nstance + view.npair, s.friction_sides * ncon);
  view.dims.align = align;
  const std::vector<int> scatter = scatter_map(view, chains);
  view.nlinear = static_cast<int>(scatter.size());
  view.ninput = node_input_size(view.model);
  for (const std::vector<int>& values : {chain_start, chain_body, scatter}) arrays.ints.insert(arrays.ints.end(), values.begin(), values.end());
  view.chain_start = arrays.ints.data();
  view.chain_body = view.chain_start + chain_start.size();
  view.scatter = view.chain_body + chain_body.size();

  double mass = 0;
  for (double m : model.mass) mass += m;
  view.weight = static_cast<S>(mass * std::hypot(model.gravity[0], model.gravity[1], model.gravity[2]));
  view.control_dt = static_cast<S>(s.control_dt);
  for (int i = 0; i < 3; ++i) view.w_force[i] = static_cast<S>(s.weights.force[i]);
  view.friction_sides = s.friction_sides;
  view.facet_friction = static_cast<S>(s.friction * std::cos(M_PI / s.friction_sides));
  view.integral_gain = static_cast<S>(s.integral_gain), view.integral_limit = static_cast<S>(s.integral_limit);
  view.delay = static_cast<S>(s.delay);
  view.pose_trust = static_cast<S>(s.pose_trust);
  view.step_rate = static_cast<S>(s.step_rate);
  view.step_rate_gain = static_cast<S>(std::min(1.0, s.control_dt / std::max(s.step_rate_time, s.control_dt)));
  view.step_rate_forward = static_cast<S>(s.step_rate_forward);
  view.step_rate_start = static_cast<S>(s.step_rate_error[0]);
  view.step_rate_slope = static_cast<S>(1 / std::max(s.step_rate_error[1] - s.step_rate_error[0], 1e-6));
  view.foot_distance = static_cast<S>(s.foot_distance), view.rho_feet = static_cast<S>(s.rho_feet);
  view.rho_stance = static_cast<S>(s.rho_stance), view.rho_swing = static_cast<S>(s.rho_swing), view.rho_friction = static_cast<S>(s.rho_friction);
  view.rho_position = static_cast<S>(s.rho_position), view.rho_velocity = static_cast<S>(s.rho_velocity);
  view.period = static_cast<S>(s.gait.period), view.switching = static_cast<S>(s.gait.stance_fraction),
  view.swing_height = static_cast<S>(s.gait.swing_height);
  view.takeoff_velocity = static_cast<S>(s.gait.takeoff_velocity), view.touchdown_velocity = static_cast<S>(s.gait.touchdown_velocity);

  const auto joined = [](std::initializer_list<const double*> parts, const std::vector<double>& rest) {
    std::vector<double> all;
    for (const double* part : parts) all.insert(all.end(), part, part + 3);
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
  };
  std::vector<double> radius(nfoot);
  for (const ContactPoint& point : model.contacts) radius[point.foot] = point.radius;
  std::vector<double> dt = s.dt.size() == 1 ? std::vector<double>(s.nodes - 1, s.dt[0]) : s.dt, facets;
  for (int i = 0; i < s.friction_sides; ++i)
    for (double direction : {std::cos(2 * M_PI * i / s.friction_sides), std::sin(2 * M_PI * i / s.friction_sides)}) facets.push_back(direction);
  const std::vector<std::pair<const S**, std::vector<double>>> fields = {
      {&view.dt, dt},
      {&view.w_q, joined({s.weights.base_position, s.weights.base_orientation}, s.weights.joint_position)},
      {&view.w_v, joined({s.weights.base_linear_velocity, s.weights.base_angular_velocity}, s.weights.joint_velocity)},
      {&view.nominal, s.nominal},
      {&view.q_min, model.q_min},
      {&view.q_max, model.q_max},
      {&view.v_max, model.v_max},
      {&view.damping, model.damping},
      {&view.facet, facets},
      {&view.offset, s.gait.offset},
      {&view.radius, radius},
  };
  for (const auto& [slot, values] : fields)
    for (double value : values) arrays.reals.push_back(static_cast<S>(value));
  const S* next = arrays.reals.data();
  for (const auto& [slot, values] : fields) *slot = next, next += values.size();
  return arrays;
}

template MpcArrays<float> make_arrays<float>(const Model&, const MpcSettings&, int);
template MpcArrays<double> make_arrays<double>(const Model&, const MpcSettings&, int);

}  // namespace tandem
