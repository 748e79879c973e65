// Settings of the task by name: robots/task.toml shows the defaults, and no member is forgotten.
#include "env/settings.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/check.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;
const std::string kFile = TANDEM_SOURCE_DIR "/robots/task.toml";
// what a robot.toml says, so that robots/task.toml only lists its names
const char* const kFromRobot[] = {"command.",    "gait.",        "weights.",      "mpc.nodes",
                                  "mpc.nominal", "mpc.friction", "mpc.step_rate", "mpc.step_rate_forward"};

bool from_robot(const std::string& name) {
  return std::any_of(std::begin(kFromRobot), std::end(kFromRobot),
                     [&](const std::string& prefix) { return prefix.back() == '.' ? name.starts_with(prefix) : name == prefix; });
}

std::string content(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class TaskFile : public testing::Test {
 protected:
  const Robot robot = load_robot("mit_humanoid");
  TaskSettings defaults = make_task_settings(robot, Controller::kResidual);
  // the tables after these belong to the learner
  const std::vector<std::string> foreign = {"ppo", "train"};
};

TEST_F(TaskFile, AgreesWithTheDefaults) {
  TaskSettings read = defaults;
  read_fields(kFile, fields(read), "", foreign);
  EXPECT_EQ(to_json(fields(read)), to_json(fields(defaults)));
}

// Every number is changed first, so a field that the file leaves out keeps the changed value.
TEST_F(TaskFile, SetsEveryFieldThatIsNotTheRobots) {
  TaskSettings read = defaults;
  for (const Field& field : fields(read)) {
    const auto value = value_of(field);
    if (value.is_boolean()) set_field(field, !value.get<bool>());
    if (const auto* p = std::get_if<double*>(&field.target)) **p += 0.125;
    if (const auto* p = std::get_if<float*>(&field.target)) **p += 0.125f;
    if (const auto* p = std::get_if<int*>(&field.target)) **p += 1;
    if (const auto* p = std::get_if<std::uint64_t*>(&field.target)) **p += 1;
    if (const auto* p = std::get_if<Interval>(&field.target)) p->value[0] -= 0.125;
    if (const auto* p = std::get_if<Choice>(&field.target)) p->set(p->value, (p->get(p->value) + 1) % static_cast<int>(p->names.size()));
    if (const auto* p = std::get_if<FreeList>(&field.target)) p->value->push_back(1);
  }
  read_fields(kFile, fields(read), "", foreign);
  const auto got = to_json(fields(read)), expected = to_json(fields(defaults));
  for (const auto& [name, value] : expected.items()) EXPECT_TRUE(from_robot(name) || got[name] == value) << name << " is not in robots/task.toml";
}

TEST_F(TaskFile, ListsTheNamesThatComeFromTheRobot) {
  const std::string text = content(kFile);
  for (const Field& field : fields(defaults)) EXPECT_TRUE(!from_robot(field.name) || text.find(field.name) != std::string::npos) << field.name;
}

TEST_F(TaskFile, DefaultsTakeTheRobotsOwnFigures) {
  EXPECT_EQ(defaults.command.vx[1], robot.commands.vx[1]);
  EXPECT_EQ(defaults.mpc.gait.period, robot.gait.period);
  EXPECT_EQ(defaults.mpc.nodes, robot.nodes);
  EXPECT_EQ(defaults.mpc.step_rate, robot.step_rate);
  EXPECT_EQ(make_task_settings(load_robot("unitree_g1"), Controller::kMpc).mpc.step_rate_forward, 0);
}

TEST_F(TaskFile, ResolvedSettingsReadBackToTheSameValues) {
  TaskSettings changed = make_task_settings(load_robot("unitree_g1"), Controller::kRl);
  apply_assignment(fields(changed), "reward.torque=-1e-5");
  const fs::path path = fs::temp_directory_path() / cat("tandem_resolved_", getpid(), ".toml");
  std::ofstream(path) << to_toml(fields(changed));
  TaskSettings read = make_task_settings(load_robot("unitree_g1"), Controller::kMpc);
  read_fields(path, fields(read));
  fs::remove(path);
  EXPECT_EQ(to_json(fields(read)), to_json(fields(changed)));
}

// The table [task] of a robot.toml, in a copy of the MIT Humanoid.
class TaskOfARobot : public testing::Test {
 protected:
  TaskOfARobot() {
    fs::create_directories(folder / "mit_humanoid");
    fs::copy(TANDEM_SOURCE_DIR "/robots/mit_humanoid", folder / "mit_humanoid", fs::copy_options::recursive);
    fs::copy(TANDEM_SOURCE_DIR "/robots/scene.xml", folder / "scene.xml");
  }
  ~TaskOfARobot() override { fs::remove_all(folder); }
  TaskSettings settings_with(const std::string& text) const {
    std::ofstream(folder / "mit_humanoid" / "robot.toml", std::ios::app) << text;
    return make_task_settings(load_robot((folder / "mit_humanoid").string()), Controller::kResidual);
  }
  const fs::path folder = fs::temp_directory_path() / cat("tandem_task_of_a_robot_", getpid());
};

TEST_F(TaskOfARobot, OverridesTheDefaults) {
  const TaskSettings settings = settings_with("\n[task.env]\nepisode = 8\n[task.reward]\ntorque = -2e-4\n");
  EXPECT_EQ(settings.episode, 8);
  EXPECT_EQ(settings.reward.torque, -2e-4);
}

TEST_F(TaskOfARobot, NamesFileAndNearestSettingWhenItIsWrong) {
  const std::string message = message_of([&] { settings_with("\n[task.reward]\ntorqe = -2e-4\n"); });
  EXPECT_NE(message.find("robot.toml:"), std::string::npos) << message;
  EXPECT_NE(message.find("nearest: \"reward.torque\""), std::string::npos) << message;
}

// A member that is added to the settings must get a name in fields(): these tests stop compiling until they count it too.
class Members : public testing::Test {
 protected:
  void expect_names(std::initializer_list<const void*> members, const char* structure) {
    const Fields named = fields(settings);
    int i = 0;
    for (const void* member : members) {
      EXPECT_TRUE(std::any_of(named.begin(), named.end(), [&](const Field& field) { return address(field) == member; }))
          << "member " << i << " of " << structure;
      ++i;
    }
  }
  TaskSettings settings = make_task_settings(load_robot("mit_humanoid"), Controller::kResidual);
};

// TaskSettings adds mpc, which has tests of its own, and simulator, an option of the programs.
TEST_F(Members, OfTheTaskAreNamed) {
  auto& [controller, episode, physics_dt, command, deadband, start, full, start_scale, staggered, kick_interval, kick_velocity, push, v, w, g, h,
         slope_time, value, blend, lambda, action_scale, noise, randomise, reward, terrain] = static_cast<TaskNumbers&>(settings);
  expect_names({&controller, &episode, &physics_dt, &deadband, &start, &full,       &start_scale, &staggered, &kick_interval, &kick_velocity,
                &push,       &v,       &w,          &g,        &h,     &slope_time, &value,       &blend,     &lambda,        &action_scale},
               "TaskNumbers");
  auto& [vx, vy, wz] = command;
  expect_names({&vx, &vy, &wz}, "CommandRange");
}

TEST_F(Members, OfNoiseAndRandomisationAreNamed) {
  auto& [scale, height, linear, angular, tilt, position, velocity] = settings.noise;
  expect_names({&scale, &height, &linear, &angular, &tilt, &position, &velocity}, "NoiseSettings");
  auto& [friction, mass, com, masses, armature, gain, strength, delay, noise] = settings.randomise;
  expect_names({&friction, &mass, &com, &masses, &armature, &gain, &strength, &delay, &noise}, "RandomiseSettings");
}

TEST_F(Members, OfTheRewardAreNamed) {
  auto& [sigma, linear, yaw, rate, rate_2, rate_dt2, torque, orientation, height, joint, collision, termination, slip, power] = settings.reward;
  expect_names({&sigma, &linear, &yaw, &rate, &rate_2, &rate_dt2, &torque, &orientation, &height, &joint, &collision, &termination, &slip, &power},
               "RewardSettings");
}

TEST_F(Members, OfTheTerrainAreNamed) {
  auto& [kind, amplitude, cell, extent, angle, seed] = settings.terrain;
  expect_names({&kind, &amplitude, &cell, &extent, &angle, &seed}, "TerrainSettings");
}

TEST(TaskBlending, IsDirectEndToEndAndTheSettingsOtherwise) {
  const Robot robot = load_robot("mit_humanoid");
  TaskSettings settings = make_task_settings(robot, Controller::kRl);
  EXPECT_EQ(make_blending(robot, settings).blend, Blend::kDirect);
  settings = make_task_settings(robot, Controller::kResidual);
  settings.blend = Blend::kTorqueTorque;
  settings.lambda = 0.2;
  settings.action_scale = 3;
  const Blending blending = make_blending(robot, settings);
  EXPECT_EQ(blending.blend, Blend::kTorqueTorque);
  EXPECT_EQ(blending.lambda, 0.2);
  EXPECT_EQ(blending.scale, 3);
}

}  // namespace
}  // namespace tandem
