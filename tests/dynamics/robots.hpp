// The robots that the dynamics tests run over: the three of the project and random trees, and random states of them.
#pragma once

#include <ostream>
#include <string>

#include "model/load.hpp"
#include "tests/support/random_tree.hpp"

namespace tandem {

struct RobotCase {
  std::string name;
  std::string file;  // MJCF, or empty: a random tree
  std::uint64_t seed = 0;
  RandomTreeSettings settings = {};
};
inline void PrintTo(const RobotCase& robot, std::ostream* out) { *out << robot.name << " seed " << robot.seed; }

inline std::vector<RobotCase> robot_cases() {
  const std::string robots = std::string(TANDEM_SOURCE_DIR) + "/robots/";
  std::vector<RobotCase> cases;
  for (const std::string name : {"mit_humanoid", "unitree_g1", "unitree_go2"}) cases.push_back({name, robots + name + "/" + name + ".xml"});
  for (int i = 0; i < 5; ++i) {
    cases.push_back({"floating" + std::to_string(i), "", static_cast<std::uint64_t>(100 + i), {.nbody = 2 + 5 * i, .floating = true, .ncon = 1 + i}});
    cases.push_back({"fixed" + std::to_string(i), "", static_cast<std::uint64_t>(200 + i), {.nbody = 2 + 5 * i, .floating = false, .ncon = 1 + i}});
  }
  return cases;
}

// Contact points of the project's robots are drawn at random here: what matters is that they are on bodies.
inline Model make_model(const RobotCase& robot) {
  if (robot.file.empty()) return random_tree(robot.seed, robot.settings);
  Model model = load_model(robot.file);
  for (int c = 0; c < 4; ++c) {
    const std::vector<double> p = random_vector(3, 0.1, 300 + c);
    model.contacts.push_back({"contact" + std::to_string(c), (7 * c + 3) % model.nbody, {p[0], p[1], p[2]}, c});
    model.foot_name.push_back("foot" + std::to_string(c));
  }
  return model;
}

inline std::string case_name(const testing::TestParamInfo<RobotCase>& info) { return info.param.name; }

}  // namespace tandem
