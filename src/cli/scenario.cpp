#include "cli/scenario.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

EpisodeKey key_of(const Scenario& scenario, size_t world) { return {scenario.seed, static_cast<std::uint32_t>(world), 0}; }

}  // namespace

Push in_steps(const TimedPush& push, double dt, double strength) {
  const int steps = std::max(1, control_steps(push.duration, dt));
  const double lasts = steps * dt, scale = strength * (std::abs(lasts - push.duration) < 1e-9 * push.duration ? 1 : push.duration / lasts);
  return {push.world, push.body, {scale * push.force[0], scale * push.force[1], scale * push.force[2]}, steps};
}

Scenario standing_start(const Robot& robot, const TaskSettings& task, int nworld, double seconds, std::uint64_t seed) {
  Scenario scenario{seconds, seed, {}, {}};
  EpisodeSampler sampler(robot, task);
  for (int w = 0; w < nworld; ++w) {
    Episode episode = sampler.draw(key_of(scenario, w), 1);
    const double x = episode.q[0], y = episode.q[1];
    episode.q = robot.stand;
    episode.q[0] = x, episode.q[1] = y;
    episode.v.assign(robot.model.nv, 0);
    episode.phase = 0;
    std::copy_n(std::array<double, 4>{robot.base_height, 0, 0, 0}.data(), 4, episode.command);
    scenario.world.push_back(episode);
  }
  return scenario;
}

void draw_states(const Robot& robot, const InitialStateRange& range, double scale, Scenario& scenario) {
  InitialStateSampler sampler(robot.model, robot.stand.data(), range);
  for (size_t w = 0; w < scenario.world.size(); ++w) {
    Episode& episode = scenario.world[w];
    const double x = episode.q[0], y = episode.q[1];
    sampler.draw(episode_rng(key_of(scenario, w), kStreamInitialState), scale, episode.q.data(), episode.v.data());
    episode.q[0] = x, episode.q[1] = y;
    episode.phase = episode_rng(key_of(scenario, w), kStreamPhase).uniform();
  }
}

void draw_commands(const CommandRange& range, Scenario& scenario) {
  for (size_t w = 0; w < scenario.world.size(); ++w) sample_command(range, scenario.seed, static_cast<int>(w), &scenario.world[w].command[1]);
}

void set_command(Scenario& scenario, int world, const std::array<double, 3>& command) {
  std::copy(command.begin(), command.end(), &scenario.world[world].command[1]);
}

}  // namespace tandem
