// Recordings for the tests of cost matching.
#pragma once

#include <cmath>
#include <random>

#include "tests/centroidal/fixture.hpp"
#include "tune/centroidal_columns.hpp"
#include "tune/returns.hpp"

namespace tandem {

// Trajectories of random numbers in three columns.
inline Recording random_recording(int ntrajectory, int length, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Recording r;
  r.robot = "robot", r.controller = "toy", r.sample_dt = 0.01, r.theta = {1, 1, 1};
  r.columns = {{"a", "m", 3, {}}, {"b", "N", 1, {}}};
  for (int t = 0; t < ntrajectory; ++t) {
    r.fell.push_back(t % 3 == 1);
    for (int k = 0; k < length; ++k) {
      r.time.push_back(k * r.sample_dt), r.trajectory.push_back(t), r.cost.push_back(std::abs(normal(random)));
      for (Column& c : r.columns)
        for (int i = 0; i < c.size; ++i) c.data.push_back(static_cast<float>(normal(random)));
    }
  }
  return r;
}

// Gives the recording the stage costs whose discounted returns are `returns`; no trajectory may have fallen.
inline void set_returns(Recording& r, const std::vector<double>& returns, double discount_time) {
  const double gamma = std::exp(-r.sample_dt / discount_time);
  r.cost.resize(returns.size());
  for (size_t k = 0; k < returns.size(); ++k) {
    const bool last = k + 1 == returns.size() || r.trajectory[k + 1] != r.trajectory[k];
    r.cost[k] = (returns[k] - (last ? 0 : gamma * returns[k + 1])) / r.sample_dt;
  }
}

// A recording of nodes of a centroidal plan, one trajectory.
inline Recording node_recording(const std::vector<CentroidalNodeInput<double>>& nodes, int nx, double dt) {
  Recording r;
  r.robot = "unitree_g1", r.controller = "centroidal", r.sample_dt = dt, r.fell = {0};
  r.theta.assign(theta_size(nx - 12), 1.0);
  for (size_t k = 0; k < nodes.size(); ++k) {
    r.time.push_back(dt * static_cast<double>(k)), r.trajectory.push_back(0);
    size_t next = 0;
    visit_node(nodes[k], nx, [&](const char* name, const char* unit, const double* numbers, int size) {
      if (k == 0) r.columns.push_back({name, unit, size, {}});
      std::vector<float>& data = r.columns[next++].data;
      for (int i = 0; i < size; ++i) data.push_back(static_cast<float>(numbers[i]));
    });
  }
  return r;
}

// Random nodes, trajectory after trajectory, with phases of stance and swing of ten samples.
inline Recording random_nodes(const CentroidalArrays<double>& arrays, const Robot& robot, double dt, int ntrajectory, int length, unsigned seed) {
  Recording all;
  const std::array<double, 2> phases[] = {{1, 1}, {1, 0}, {1, 1}, {0, 1}};
  for (int t = 0; t < ntrajectory; ++t) {
    std::vector<CentroidalNodeInput<double>> nodes;
    for (int k = 0; k < length; ++k) nodes.push_back(random_node(arrays, robot, phases[k / 10 % 4], seed + t * length + k));
    append(all, node_recording(nodes, arrays.view.nx, dt));
  }
  return all;
}

}  // namespace tandem
