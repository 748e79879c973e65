// A policy with random weights, for tests of the file and of the inference.
#pragma once

#include <random>

#include "policy/policy.hpp"

namespace tandem {

inline Policy random_policy(const Robot& robot, Controller controller, const std::vector<int>& widths, unsigned seed) {
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal;
  Policy policy;
  policy.controller = controller;
  policy.robot = robot.name;
  policy.layout = make_observation_layout(robot, controller == Controller::kResidual, 2.5);
  for (const int j : robot.action_joint) policy.action_joint.push_back(robot.model.joint_name[j]);
  policy.blending = make_blending(robot, controller == Controller::kRl ? Blend::kDirect : Blend::kJointJoint, 0.1, 0.3);
  policy.mean.resize(policy.layout.size);
  policy.std.resize(policy.layout.size);
  for (float& x : policy.mean) x = normal(rng);
  for (float& x : policy.std) x = 0.1f + std::abs(normal(rng));
  std::vector<int> sizes{policy.layout.size};
  sizes.insert(sizes.end(), widths.begin(), widths.end());
  sizes.push_back(static_cast<int>(policy.action_joint.size()));
  for (size_t l = 0; l + 1 < sizes.size(); ++l) {
    Layer layer{sizes[l + 1], sizes[l], std::vector<float>(sizes[l] * sizes[l + 1]), std::vector<float>(sizes[l + 1])};
    for (float& x : layer.weight) x = normal(rng) / std::sqrt(static_cast<float>(sizes[l]));
    for (float& x : layer.bias) x = 0.1f * normal(rng);
    policy.layers.push_back(layer);
  }
  policy.provenance = {{"commit", "abc"}, {"iteration", "12"}};
  return policy;
}

}  // namespace tandem
