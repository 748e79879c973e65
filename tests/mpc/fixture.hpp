// A robot and states to plan from, for tests of the MPC.
#pragma once

#include <random>
#include <span>
#include <string>
#include <vector>

#include "model/robot.hpp"
#include "mpc/mpc.hpp"

namespace tandem {

// Standing robots, each disturbed a little differently; conventions of Mpc::step.
struct States {
  std::vector<double> q, v, command;
};

inline States disturbed_states(const Robot& robot, int nworld, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  States s;
  for (int w = 0; w < nworld; ++w) {
    std::vector<double> q = robot.stand;
    for (size_t i = 7; i < q.size(); ++i) q[i] += 0.05 * uniform(random);
    q[2] += 0.01 * uniform(random);
    s.q.insert(s.q.end(), q.begin(), q.end());
    for (int i = 0; i < robot.model.nv; ++i) s.v.push_back(0.2 * uniform(random));
    s.command.insert(s.command.end(), {robot.base_height, 0.5 * uniform(random), 0.2 * uniform(random), 0.5 * uniform(random)});
  }
  return s;
}

// Plans again and again from the same state of one robot without time passing: sequential quadratic programming to convergence.
inline Mpc converged(const Robot& robot, MpcSettings settings, const States& s, std::span<const double> ground = {}) {
  settings.solver.iterations = 300;
  settings.control_dt = 1e-9;
  Mpc mpc(robot.model, settings, 1);
  mpc.reset(0, 0.1);
  for (int i = 0; i < 12; ++i) mpc.step(s.q, s.v, s.command, {}, ground);
  return mpc;
}

// Row `world` of an array with `width` numbers per world.
inline std::vector<double> row(const std::vector<double>& all, int world, int width) {
  return {all.begin() + world * width, all.begin() + (world + 1) * width};
}

}  // namespace tandem
