// Two iterations of the C++ learner on the toy task, for the learner on a device to be held against: toy_update FILE [symmetric] writes a checkpoint file whose
// learner is the state at the end and whose statistics are what the learner saw: "start" (its first arrays), and per iteration observations, actions,
// rewards, dones, time-outs. One minibatch per pass, so that the order of the samples does not matter.
#include <cstdio>
#include <exception>
#include <string>

#include "learn/checkpoint.hpp"
#include "learn/ppo.hpp"
#include "tests/support/toy_env.hpp"

namespace tandem {
namespace {

constexpr int kWorlds = 16, kIterations = 2;

NamedBytes named(const std::string& name, std::span<const std::byte> bytes) { return {name, "F32", {bytes.begin(), bytes.end()}}; }

template <class Values>
void append(NamedBytes& array, const Values& values) {
  for (const auto value : values) {
    const float number = value;
    const auto bytes = std::as_bytes(std::span(&number, 1));
    array.bytes.insert(array.bytes.end(), bytes.begin(), bytes.end());
  }
}

void run(const std::string& path, bool symmetric) {
  PpoSettings settings;
  settings.width = 16;
  settings.layers = 2;
  settings.steps = ToyEnv::kEpisode + 5;  // so that time-outs happen
  settings.minibatches = 1;
  settings.learning_rate = 1e-3;
  settings.max_gradient_norm = 0.5;
  settings.weight_decay = 0.01;
  ToyEnv env(kWorlds, 1);
  const Symmetry turned{{{0, 1}, {-1, -1}}, {{0}, {-1}}};  // the task turned round is itself
  Ppo ppo(settings, {kWorlds, 2, 1, false, symmetric ? turned : Symmetry{}}, 1, 3);
  Checkpoint out;
  out.statistics = {named("start", ppo.state()[0].bytes),
                    {"observation", "F32", {}},
                    {"action", "F32", {}},
                    {"reward", "F32", {}},
                    {"done", "F32", {}},
                    {"time_out", "F32", {}}};
  env.reset();
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    for (int t = 0; t < settings.steps; ++t) {
      append(out.statistics[1], env.observation);
      const std::span<const float> action = ppo.act(env.observation);
      append(out.statistics[2], action);
      env.step(action);
      ppo.process_step(env.reward, env.done, env.time_out);
      append(out.statistics[3], env.reward);
      append(out.statistics[4], env.done);
      append(out.statistics[5], env.time_out);
    }
    append(out.statistics[1], env.observation);
    ppo.compute_returns(env.observation);
    ppo.update();
  }
  for (const StateArray& array : ppo.state()) out.learner.push_back({array.name, array.type, {array.bytes.begin(), array.bytes.end()}});
  save_checkpoint(out, path);
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) {
  const bool symmetric = argc == 3 && std::string(argv[2]) == "symmetric";
  if (argc != (symmetric ? 3 : 2)) return 2;
  try {
    tandem::run(argv[1], symmetric);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
