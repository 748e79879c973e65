// The robot of tests/data/stool.xml as a Model written by hand, its legs in another order than in the file, and a way to make it stand.
#pragma once

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>

#include "sim/simulator.hpp"

namespace tandem {

inline const std::string kStoolXml = TANDEM_SOURCE_DIR "/tests/data/stool.xml";
constexpr double kStoolMass = 8 + 4 * 0.5;  // [kg]
constexpr double kStoolHeight = 0.3;        // of the base with straight legs [m]

inline Model make_stool() {
  Model model;
  model.name = "stool";
  model.floating = true;
  model.nbody = 5;
  model.njnt = 4;
  model.nq = 11;
  model.nv = 10;
  model.body_name = {"slab", "leg_rr", "leg_fl", "leg_fr", "leg_rl"};
  model.joint_name = {"hip_rr", "hip_fl", "hip_fr", "hip_rl"};
  model.parent = {-1, 0, 0, 0, 0};
  model.foot_name = {"foot_rr", "foot_fl", "foot_fr", "foot_rl"};
  for (int i = 0; i < 4; ++i) model.contacts.push_back({model.foot_name[i], i + 1, {0, 0, -0.3}, i});
  return model;
}

// A file of its own with the stool's text, the first `from` in it replaced; gone with the object.
struct ChangedStool {
  std::string path;
  ChangedStool(const std::string& from, const std::string& to) {
    std::ostringstream text;
    text << std::ifstream(kStoolXml).rdbuf();
    std::string xml = text.str();
    xml.replace(xml.find(from), from.size(), to);
    static int number = 0;
    path = std::filesystem::temp_directory_path() / ("tandem_stool_" + std::to_string(getpid()) + "_" + std::to_string(number++) + ".xml");
    std::ofstream(path) << xml;
  }
  ChangedStool(const ChangedStool&) = delete;
  ~ChangedStool() { std::remove(path.c_str()); }
};

struct Stool {
  Model model = make_stool();
  std::unique_ptr<Simulator> sim;
  std::vector<int> worlds;

  explicit Stool(int nworld, const SimSettings& settings = {}, const std::string& xml = kStoolXml)
      : sim(make_mujoco_simulator(xml, model, nworld, settings)) {
    worlds.resize(nworld);
    std::iota(worlds.begin(), worlds.end(), 0);
    for (double& kp : sim->input.kp) kp = 100;
    for (double& kd : sim->input.kd) kd = 3;
    place(kStoolHeight);
  }

  // Every world upright, legs straight, at rest, with the base at this height.
  void place(double height) {
    std::vector<double> q, v(worlds.size() * model.nv, 0.0);
    for (size_t w = 0; w < worlds.size(); ++w) q.insert(q.end(), {0, 0, height, 1, 0, 0, 0, 0, 0, 0, 0});
    sim->set_state(worlds, q, v);
  }

  void run(int steps) {
    for (int k = 0; k < steps; ++k) sim->step();
  }
};

// Every number that a simulator writes, for comparisons bit by bit.
inline std::vector<double> all_outputs(const SimOutput& o) {
  std::vector<double> all;
  for (const auto* block : {&o.time, &o.q, &o.v, &o.tau, &o.power, &o.point_force, &o.foot_force, &o.foot_slip}) {
    all.insert(all.end(), block->begin(), block->end());
  }
  for (const auto* block : {&o.floor_contact, &o.self_collision, &o.fault}) all.insert(all.end(), block->begin(), block->end());
  return all;
}

}  // namespace tandem
