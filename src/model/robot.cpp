#include "model/robot.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "base/check.hpp"
#include "math/vec3.hpp"
#include "model/load_mujoco.hpp"
#include "model/names.hpp"
#include "model/source.hpp"
#include "model/toml_reader.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;
constexpr double kRequired = std::numeric_limits<double>::quiet_NaN();

fs::path robots_path(const std::string& robots_folder) {
  if (!robots_folder.empty()) return robots_folder;
  const char* environment = std::getenv("TANDEM_ROBOTS");
  return environment && *environment ? environment : TANDEM_ROBOTS_FOLDER;
}

fs::path find_toml(const std::string& name_or_path, const std::string& robots_folder) {
  check(!name_or_path.empty(), "no robot was named; robots in ", robots_path(robots_folder).string(), ": ", nearest("", robot_names(robots_folder)));
  const fs::path direct(name_or_path);
  if (is_file(direct)) return direct;
  if (is_file(direct / "robot.toml")) return direct / "robot.toml";
  const fs::path named = robots_path(robots_folder) / direct / "robot.toml";
  check(is_file(named), "no robot \"", name_or_path, "\": neither a robot.toml, nor a folder with one, nor in ", robots_path(robots_folder).string(),
        ", which has ", nearest(name_or_path, robot_names(robots_folder)));
  return named;
}

template <size_t N>
void put(double (&target)[N], const std::vector<double>& values) {
  std::copy(values.begin(), values.end(), target);
}

std::vector<std::string> names_of(const std::vector<SourceBody>& bodies) {
  std::vector<std::string> out;
  for (const SourceBody& body : bodies) out.push_back(body.name);
  return out;
}
std::vector<std::string> names_of(const std::vector<SourceGeom>& geoms) {
  std::vector<std::string> out;
  for (const SourceGeom& geom : geoms) out.push_back(geom.name);
  return out;
}

// One [[foot]]: its contact points go into the model, its shapes into foot_geoms.
void read_foot(const Section& section, const Source& source, Robot& robot) {
  only_keys(section, {"name", "body", "gait_offset", "points", "geoms"});
  Model& model = robot.model;
  const int foot = static_cast<int>(model.foot_name.size());
  const std::string name = text(section, "name"), body = text(section, "body");
  check(std::find(model.foot_name.begin(), model.foot_name.end(), name) == model.foot_name.end(), place(section), ": two feet are called \"", name,
        "\"");
  model.foot_name.push_back(name);
  robot.gait.offset.push_back(number(section, "gait_offset", {0, 0.999999}));

  const auto carrier = std::find_if(source.bodies.begin(), source.bodies.end(), [&](const SourceBody& b) { return b.name == body; });
  check(carrier != source.bodies.end(), place(section), ": foot \"", name, "\" names the body \"", body, "\", which ", robot.model_path,
        " does not have; nearest: ", nearest(body, names_of(source.bodies)));
  check(carrier->body >= 0, place(section), ": foot \"", name, "\" names the body \"", body, "\", which is no part of the robot");
  for (const ContactPoint& other : model.contacts)
    check(other.body != carrier->body, place(section), ": foot \"", name, "\" is on the body of foot \"", model.foot_name[other.foot],
          "\"; a body carries one foot: give it all the points");

  const std::vector<Section> points = sections(section, "points");
  check(!points.empty(), place(section), ": foot \"", name, "\" has no contact point; give points = [{ name = \"...\", position = [x, y, z] }]");
  for (const Section& point : points) {
    only_keys(point, {"name", "position", "radius"});
    ContactPoint contact;
    contact.name = text(point, "name");
    for (const ContactPoint& other : model.contacts)
      check(other.name != contact.name, place(point), ": two contact points are called \"", contact.name, "\"");
    const std::vector<double> p = numbers(point, "position", 3, {-10, 10});
    store3(contact.p_BC, load3<double>(carrier->p_BS) + load33<double>(carrier->R_BS) * load3<double>(p.data()));
    contact.radius = number(point, "radius", {0, 1}, 0);
    contact.body = carrier->body;
    contact.foot = foot;
    model.contacts.push_back(contact);
  }

  if (source.urdf) return;
  for (const std::string& pattern : texts(section, "geoms", {name + "_*"})) {
    bool used = false;
    for (const SourceGeom& geom : source.colliding) {
      if (!matches(pattern, geom.name)) continue;
      check(source.bodies[geom.source_body].body == carrier->body, place(section), ": the shape \"", geom.name, "\" of foot \"", name,
            "\" is on the body \"", source.bodies[geom.source_body].name, "\", expected \"", body, "\"; rename it or give geoms = [...]");
      robot.foot_geoms.push_back(geom.name);
      used = true;
    }
    check(used, place(section), ": no colliding shape of ", robot.model_path, " matches \"", pattern, "\" of foot \"", name,
          "\"; nearest: ", nearest(pattern, names_of(source.colliding)));
  }
}

void read_gait(const Section& section, GaitSettings& gait) {
  only_keys(section, {"period", "stance_fraction", "swing_height", "takeoff_velocity", "touchdown_velocity"});
  gait.period = number(section, "period", {0.05, 10}, 0.8);
  gait.stance_fraction = number(section, "stance_fraction", {0.01, 1}, 0.5);
  gait.swing_height = number(section, "swing_height", {0, 1}, 0.075);
  gait.takeoff_velocity = number(section, "takeoff_velocity", {-10, 10}, 0);
  gait.touchdown_velocity = number(section, "touchdown_velocity", {-10, 10}, 0);
}

void read_mpc(const Section& section, Robot& robot) {
  only_keys(section, {"friction", "nodes", "step_rate", "step_rate_forward", "weights"});
  robot.friction = number(section, "friction", {0.01, 10}, 0.7);
  robot.step_rate = number(section, "step_rate", {1, 10}, 1);
  robot.step_rate_forward = number(section, "step_rate_forward", {0, 10}, 1);
  robot.nodes = whole_number(section, "nodes", {2, 64}, 13);
  const Section weights = subsection(section, "weights", true);
  only_keys(weights,
            {"base_position", "base_orientation", "base_linear_velocity", "base_angular_velocity", "force", "joint_position", "joint_velocity"});
  const Bounds positive{0, 1e9};
  MpcWeights& w = robot.weights;
  put(w.base_position, numbers(weights, "base_position", 3, positive, {0, 0, 200}));
  put(w.base_orientation, numbers(weights, "base_orientation", 3, positive, {80, 80, 30}));
  put(w.base_linear_velocity, numbers(weights, "base_linear_velocity", 3, positive, {40, 40, 15}));
  put(w.base_angular_velocity, numbers(weights, "base_angular_velocity", 3, positive, {2, 2, 2}));
  put(w.force, numbers(weights, "force", 3, positive, {1e-3, 1e-3, 1e-4}));
  w.joint_position = by_name(subsection(weights, "joint_position", true), robot.model.joint_name, positive, kRequired);
  w.joint_velocity = by_name(subsection(weights, "joint_velocity", false), robot.model.joint_name, positive, 0.02);
}

void read_joints(const Section& top, Robot& robot) {
  Model& model = robot.model;
  const Section nominal = subsection(top, "nominal", true);
  only_keys(nominal, {"base_height", "joints"});
  robot.base_height = number(nominal, "base_height", {0.01, 100});
  const Section pose = subsection(nominal, "joints", true);
  robot.nominal = by_name(pose, model.joint_name, {-100, 100}, kRequired);
  for (int j = 0; j < model.njnt; ++j)
    check(robot.nominal[j] >= model.q_min[j] && robot.nominal[j] <= model.q_max[j], place(pose), ": the nominal position ", robot.nominal[j],
          " of joint \"", model.joint_name[j], "\" is outside its range ", model.q_min[j], " .. ", model.q_max[j]);

  const Section joints = subsection(top, "joints", true);
  only_keys(joints, {"kp", "kd", "velocity_limit"});
  robot.kp = by_name(subsection(joints, "kp", true), model.joint_name, {0, 1e6}, kRequired);
  robot.kd = by_name(subsection(joints, "kd", true), model.joint_name, {0, 1e6}, kRequired);
  const std::vector<double> from_file = model.v_max;
  if (joints.table->contains("velocity_limit"))
    model.v_max = by_name(subsection(joints, "velocity_limit", true), model.joint_name, {1e-3, 1e6}, std::numeric_limits<double>::infinity());
  for (int j = 0; j < model.njnt; ++j) model.v_max[j] = std::min(model.v_max[j], from_file[j]);
}

// [policy]: which joints a policy moves, and its own gains on them.
void read_policy(const Section& section, Robot& robot) {
  only_keys(section, {"joints", "kp", "kd"});
  const std::vector<std::string>& names = robot.model.joint_name;
  std::vector<bool> acts(names.size(), false);
  for (const std::string& pattern : texts(section, "joints", {"*"})) {
    bool used = false;
    for (size_t j = 0; j < names.size(); ++j) {
      if (!matches(pattern, names[j])) continue;
      acts[j] = used = true;
    }
    check(used, place(section), ": [policy] joints: \"", pattern, "\" matches no joint; nearest: ", nearest(pattern, names));
  }
  std::vector<std::string> acting;
  for (size_t j = 0; j < names.size(); ++j) {
    if (!acts[j]) continue;
    robot.action_joint.push_back(static_cast<int>(j));
    acting.push_back(names[j]);
  }
  check(!acting.empty(), place(section), ": [policy] joints is empty, expected the patterns of the joints that a policy moves; leave it out for all");

  constexpr double kUnsaid = -1;
  robot.action_kp = by_name(subsection(section, "kp", false), acting, {0, 1e6}, kUnsaid);
  robot.action_kd = by_name(subsection(section, "kd", false), acting, {0, 1e6}, kUnsaid);
  for (size_t i = 0; i < acting.size(); ++i) {
    if (robot.action_kp[i] == kUnsaid) robot.action_kp[i] = robot.kp[robot.action_joint[i]];
    if (robot.action_kd[i] == kUnsaid) robot.action_kd[i] = robot.kd[robot.action_joint[i]];
  }
}

void read_limits(const Section& top, Robot& robot) {
  const Section limits = subsection(top, "limits", false);
  only_keys(limits, {"min_base_height", "max_tilt"});
  robot.limits.min_base_height = number(limits, "min_base_height", {0, robot.base_height}, robot.base_height / 2);
  robot.limits.max_tilt = number(limits, "max_tilt", {0.01, 3.15}, 0.8);

  const Section commands = subsection(top, "commands", false);
  only_keys(commands, {"vx", "vy", "wz"});
  const auto range = [&](const std::string& key, double (&target)[2], double half) {
    put(target, numbers(commands, key, 2, {-100, 100}, {-half, half}));
    check(target[0] <= target[1], place(commands), ": ", key, " = [", target[0], ", ", target[1], "], expected the lower value first");
  };
  range("vx", robot.commands.vx, 0.3);
  range("vy", robot.commands.vy, 0.2);
  range("wz", robot.commands.wz, 0.5);
}

// What the simulator and the controller rely on beyond a valid Model.
void check_description(const Source& source, const std::string& path) {
  const Model& model = source.model;
  check(model.njnt > 0, path, ": has no joint; a robot needs at least one");
  // the mass of a URDF's link can be that of the links fixed to it: shapes, which would have given one, are gone there
  for (const SourceBody& body : source.bodies)
    check(!body.moves || body.explicit_inertia || (source.urdf && model.mass[body.body] > 0), path, ": body \"", body.name,
          "\" has no <inertial>; give its mass, centre of mass and inertia");
  if (source.urdf) return;
  check(static_cast<int>(source.actuators.size()) == model.njnt, path, ": has ", source.actuators.size(), " actuators for ", model.njnt,
        " joints; expected one <general> per joint, in the order of the joints");
  for (int j = 0; j < model.njnt; ++j) {
    const SourceActuator& actuator = source.actuators[j];
    check(actuator.joint == j, path, ": actuator ", j, ", \"", actuator.name, "\", drives ",
          actuator.joint < 0 ? "no joint" : "\"" + model.joint_name[actuator.joint] + "\"", ", expected \"", model.joint_name[j],
          "\"; list the actuators in the order of the joints");
    check(actuator.gain == 1, path, ": actuator \"", actuator.name, "\" gives ", actuator.gain,
          " N m per unit of ctrl, expected 1; set gainprm and gear to 1");
    check(std::isfinite(model.tau_max[j]), path, ": actuator \"", actuator.name, "\" has no forcerange; give the torque limit");
  }
}

std::vector<double> standing(const Robot& robot, const Source& source) {
  const Model& model = robot.model;
  for (int j = 0; j < model.njnt && !source.stand.empty(); ++j) {
    const double q = source.stand[model.nq - model.njnt + j];
    check(q >= model.q_min[j] && q <= model.q_max[j], robot.model_path, ": the key frame \"stand\" has joint \"", model.joint_name[j], "\" at ", q,
          ", outside its range ", model.q_min[j], " .. ", model.q_max[j]);
  }
  if (!source.stand.empty()) return source.stand;
  std::vector<double> q;
  if (robot.model.floating) q = {0, 0, robot.base_height, 1, 0, 0, 0};
  q.insert(q.end(), robot.nominal.begin(), robot.nominal.end());
  return q;
}

}  // namespace

std::vector<std::string> robot_names(const std::string& robots_folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(robots_path(robots_folder), error))
    if (is_file(entry.path() / "robot.toml")) out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

Robot load_robot(const std::string& name_or_path, const std::string& robots_folder) {
  const fs::path path = find_toml(name_or_path, robots_folder);
  const toml::table table = parse_toml(path.string());
  const Section top{&table, path.string(), "the file"};
  only_keys(top, {"model", "nominal", "joints", "foot", "gait", "mpc", "limits", "commands", "policy", "task"});

  Robot robot;
  robot.toml_path = path.string();
  robot.name = fs::absolute(path).parent_path().filename().string();
  const std::string model_file = text(top, "model");
  robot.model_path = (path.parent_path() / model_file).string();
  check(is_file(robot.model_path), place(top, *table.get("model")), ": model = \"", model_file, "\": no such file beside robot.toml");
  const Source source = read_source(robot.model_path, true);
  check_description(source, robot.model_path);
  robot.model = source.model;

  read_joints(top, robot);
  for (const Section& foot : sections(top, "foot")) read_foot(foot, source, robot);
  check(!robot.model.floating || !robot.model.contacts.empty(), place(top), ": has no [[foot]]; a floating robot needs a contact point to stand on");
  read_gait(subsection(top, "gait", false), robot.gait);
  read_mpc(subsection(top, "mpc", true), robot);
  read_limits(top, robot);
  read_policy(subsection(top, "policy", false), robot);
  subsection(top, "task", false);
  robot.stand = standing(robot, source);
  return robot;
}

}  // namespace tandem
