#include <cmath>

#include "cli/bench.hpp"
#include "cli/progress.hpp"

namespace tandem {
namespace {

constexpr int kPerKind = 4;
constexpr double kWalkSeconds = 3;
constexpr double kIce = 0.35;      // friction coefficient
constexpr double kImpulse = 5;     // [N s]
constexpr double kDuration = 0.1;  // of a push [s]

}  // namespace

BenchStates record_states(const RunSettings& settings, const BenchOptions& options) {
  constexpr int kWorlds = kKinds * kPerKind;
  ClosedLoop loop(settings, kWorlds, options.common.threads);
  Scenario scenario = standing_start(loop.robot(), loop.task(), kWorlds, kWalkSeconds, options.common.seed);
  constexpr std::array<double, 3> kCommands[kPerKind] = {{0.5, 0, 0}, {1, 0, 0}, {0.3, 0.2, 0}, {0.2, 0, 0.5}};
  BenchStates states;
  const int body = push_body(loop.robot().model, "");
  for (int w = 0; w < kWorlds; ++w) {
    const int i = w % kPerKind;
    states.kind.push_back(static_cast<Kind>(w / kPerKind));
    set_command(scenario, w, states.kind[w] == Kind::kWalking ? kCommands[i] : std::array<double, 3>{0.3, 0, 0});
    const double angle = i * M_PI / 2, force = kImpulse / kDuration;
    if (states.kind[w] == Kind::kPushed)
      scenario.pushes.push_back({w, body, {force * std::cos(angle), force * std::sin(angle), 0}, 1 + 0.2 * i, kDuration});
    if (states.kind[w] == Kind::kSlippery) scenario.world[w].parameters.friction = kIce;
  }
  const int steps = step_count(loop, kWalkSeconds);
  states.recording = make_recording(loop, scenario, kWorlds, steps);
  run(loop, scenario, [&](Moment moment, int, const std::vector<unsigned char>& active) {
    if (moment == Moment::kPrepared) append(states.recording, loop, active);
  });
  return states;
}

StateRecording record_batch(const RunSettings& settings, const BenchOptions& options, int worlds, int steps) {
  ClosedLoop loop(settings, worlds, options.common.threads);
  Scenario scenario = standing_start(loop.robot(), loop.task(), worlds, steps * loop.control.control_dt(), options.common.seed);
  draw_states(loop.robot(), {}, 0.5, scenario);
  draw_commands(loop.robot().commands, scenario);
  StateRecording recording = make_recording(loop, scenario, worlds, steps);
  Progress progress("recording a batch");
  run(loop, scenario, [&](Moment moment, int step, const std::vector<unsigned char>& active) {
    if (moment == Moment::kPrepared) append(recording, loop, active);
    progress.update((step + 1.0) / steps);
  });
  return recording;
}

}  // namespace tandem
