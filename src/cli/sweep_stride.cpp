// `tandem sweep stride`: feet and legs over the gait of each foot, under the MPC alone and under policies in the same worlds.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/sweep.hpp"
#include "dynamics/dynamics.hpp"

namespace tandem {
namespace {

constexpr int kParts = 25;  // of a gait period

struct StrideOptions {
  ComparisonOptions base;
  std::vector<double> command{1, 0, 0};
};

struct Mean {
  double sum = 0, squares = 0;
  int n = 0;
  void add(double x) { sum += x, squares += x * x, ++n; }
  double mean() const { return n ? sum / n : kNaN; }
  double deviation() const { return n ? std::sqrt(std::max(squares / n - mean() * mean(), 0.0)) : kNaN; }
};

// A quantity over the gait time of the foot it is about, from its landing; all feet together.
struct Course {
  std::string name, unit;
  Mean part[kParts];

  void add(double phase, double x) { part[std::min(static_cast<int>(kParts * phase), kParts - 1)].add(x); }
  Json json() const {
    Json means = Json::array(), deviations = Json::array();
    for (const Mean& p : part) means.push_back(number(p.mean())), deviations.push_back(number(p.deviation()));
    return {{"name", name}, {"unit", unit}, {"mean", means}, {"deviation", deviations}};
  }
};

// Joints between the base and a foot that turn about the robot's left in the nominal pose, from above: what bends a leg forwards and backwards.
std::vector<int> sagittal_joints(const Robot& robot, int foot) {
  RobotDynamics dynamics = make_dynamics(robot.model);
  set_state(dynamics, robot.stand.data(), std::vector<double>(robot.model.nv, 0.0).data());
  std::vector<int> joints;
  for (const ContactPoint& contact : robot.model.contacts)
    if (contact.foot == foot) {
      for (int body = contact.body; body > 0; body = robot.model.parent[body]) {
        double p[3], R[9];
        body_pose(dynamics, body, p, R);
        const double* axis = &robot.model.axis[3 * (body - 1)];
        if (std::abs(R[3] * axis[0] + R[4] * axis[1] + R[5] * axis[2]) > 0.95) joints.insert(joints.begin(), body - 1);
      }
      break;
    }
  return joints;
}

class Strides {
 public:
  Course height{"foot height", "m", {}}, velocity{"foot vertical velocity", "m/s", {}}, force{"vertical force", "N", {}},
      front{"share of the front", "1", {}};
  std::vector<Course> torque;

  explicit Strides(const Robot& robot) : robot_(robot), dynamics_(make_dynamics(robot.model)) {
    for (size_t f = 0; f < robot.model.foot_name.size(); ++f) joints_.push_back(sagittal_joints(robot, static_cast<int>(f)));
    for (const int joint : joints_[0]) torque.push_back({"torque of " + robot.model.joint_name[joint], "N m", {}});
  }

  void add(ClosedLoop& loop, int world) {
    const Model& m = robot_.model;
    const SimOutput& out = loop.sim().output;
    const size_t w = world, nfoot = m.foot_name.size(), npoint = m.contacts.size() / nfoot;
    set_state(dynamics_, &out.q[w * m.nq], &out.v[w * m.nv]);
    for (size_t f = 0; f < nfoot; ++f) {
      double phase = loop.control.phase[w] + robot_.gait.offset[f];
      phase -= std::floor(phase);
      double z = 0, vz = 0, fz = 0, ahead = 0;
      for (size_t c = f * npoint; c < (f + 1) * npoint; ++c) {
        double p[3], v[3];
        contact_state(dynamics_, static_cast<int>(c), p, v);
        z += (p[2] - m.contacts[c].radius - terrain_height(loop.control.terrain(), p[0], p[1])) / double(npoint), vz += v[2] / double(npoint);
        const double load = out.point_force[3 * (w * m.contacts.size() + c) + 2];
        fz += load;
        if (c < f * npoint + npoint / 2) ahead += load;  // points in front come first
      }
      height.add(phase, z), velocity.add(phase, vz), force.add(phase, fz);
      if (fz > kLoaded && npoint > 1) front.add(phase, ahead / fz);
      for (size_t j = 0; j < std::min(torque.size(), joints_[f].size()); ++j) torque[j].add(phase, out.tau[w * m.njnt + joints_[f][j]]);
    }
  }

 private:
  Robot robot_;  // with the gait of the settings
  RobotDynamics dynamics_;
  std::vector<std::vector<int>> joints_;  // per foot
};

Json measure(const StrideOptions& o, const RunSettings& settings, const std::function<void(double)>& progress) {
  ComparisonRun walk(o.base, settings, o.base.sweep.common.seed);
  for (int w = 0; w < o.base.worlds; ++w) set_command(walk.scenario, w, {o.command[0], o.command[1], o.command[2]});
  Strides strides(walk.loop.robot());
  const auto results = run(walk.loop, walk.scenario, [&](Moment moment, int step, const std::vector<unsigned char>& active) {
    for (int w = 0; w < o.base.worlds && moment == Moment::kAfterStep && step >= walk.steady; ++w)
      if (active[w]) strides.add(walk.loop, w);
    progress((step + 1.0) / walk.steps);
  });
  Mean error, forward;
  for (const WorldResult& r : results)
    if (r.cause == FallCause::kNone) error.add(r.velocity_error), forward.add(r.velocity.forward);
  Json row = name_controller(settings);
  row["survival"] = double(count_upright(results, 0, results.size())) / o.base.worlds;
  row["forward"] = number(forward.mean()), row["velocity_error"] = number(error.mean());
  row["courses"] = {strides.height.json(), strides.velocity.json(), strides.force.json(), strides.front.json()};
  for (const Course& course : strides.torque) row["courses"].push_back(course.json());
  return row;
}

// Mean of a course over the parts of the gait in [begin, end).
double mean_over(const Json& course, double begin, double end) {
  Mean mean;
  for (int i = 0; i < kParts; ++i)
    if (const double at = (i + 0.5) / kParts; at >= begin && at < end && !course["mean"][i].is_null()) mean.add(course["mean"][i]);
  return mean.mean();
}

double largest(const Json& course) {
  double most = 0;
  for (const Json& mean : course["mean"])
    if (!mean.is_null()) most = std::max(most, std::abs(double(mean)));
  return most;
}

void print(const StrideOptions& o, const std::string& robot, double stance, const Json& rows) {
  std::printf("%s, %d robots, %.1f s, command %g, %g m/s, %g rad/s\n\n", robot.c_str(), o.base.worlds, o.base.seconds, o.command[0], o.command[1],
              o.command[2]);
  Table table({"controller", "survival", "forward [m/s]", "highest foot [m]", "largest force [N]", "front, first / last third of stance"});
  for (const Json& row : rows) {
    const Json& courses = row["courses"];
    const auto text = [](double x, int digits) { return std::isnan(x) ? std::string("-") : fixed(x, digits); };
    table.add({row["controller"], fixed(row["survival"], 2), row["forward"].is_null() ? "-" : fixed(row["forward"], 2), fixed(largest(courses[0]), 3),
               fixed(largest(courses[2]), 0),
               text(mean_over(courses[3], 0, stance / 3), 2) + " / " + text(mean_over(courses[3], stance * 2 / 3, stance), 2)});
  }
  table.print();
}

void sweep_stride(const StrideOptions& o) {
  std::vector<RunSettings> controllers = resolve_controllers(o.base);
  const Json rows =
      measure_each("sweep stride", controllers, [&](const auto& settings, const auto& progress) { return measure(o, settings, progress); });
  const double stance = controllers[0].task.mpc.gait.stance_fraction;
  print(o, controllers[0].robot.name, stance, rows);
  Json described = describe(o.base);
  described["command"] = o.command;
  finish_sweep(o.base.sweep, controllers[0], {described, {{"kind", "stride"}, {"stance_fraction", stance}, {"rows", rows}}});
}

}  // namespace

void add_sweep_stride(CLI::App& sweep, const std::vector<std::string>& argv) {
  CLI::App* sub = sweep.add_subcommand("stride", "Height, load and leg torques over the gait of a foot");
  const auto o = std::make_shared<StrideOptions>();
  add_comparison_options(*sub, o->base, argv);
  add_numbers(*sub, "--command", 3, o->command, "vx,vy,wz; default 1,0,0");
  sub->callback([o] { sweep_stride(*o); });
}

}  // namespace tandem
