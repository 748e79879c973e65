#include "cli/controller_time.hpp"

#include <algorithm>
#include <optional>

#include "base/stopwatch.hpp"
#include "cli/progress.hpp"

namespace tandem {
namespace {

// A policy with all that it works on, for one world.
struct PolicyStep {
  const Policy& policy;
  ObservationLayout layout;
  Blending blending;
  std::vector<float> observation, action, scratch;
  std::vector<double> set_points;  // tau_ff, q_des, v_des, kp, kd  (5, njnt)

  PolicyStep(const RunSettings& settings, const Policy& p)
      : policy(p), layout(make_observation_layout(settings.robot, p.layout.with_value, settings.task.value_scale)) {
    blending = make_blending(settings.robot, settings.task);
    observation.resize(layout.size);
    action.resize(blending.joint.size());
    scratch.resize(scratch_size(policy));
    set_points.resize(5 * blending.nominal.size());
  }
  void run(const Measurement& measurement) {
    observe(layout, measurement, observation.data());
    act(policy, observation.data(), action.data(), scratch.data());
    const size_t n = blending.nominal.size();
    double* rows = set_points.data();
    blend(blending, action.data(), {rows, rows + n, rows + 2 * n, rows + 3 * n, rows + 4 * n});
  }
};

constexpr int kRepetitions = 5;

// One controller of one world.
struct TimedController {
  const RunSettings& settings;
  std::optional<Mpc> mpc;
  std::optional<PolicyStep> policy;

  explicit TimedController(const RunSettings& s) : settings(s) {
    if (s.task.controller != Controller::kRl) mpc.emplace(s.robot.model, s.task.mpc, 1);
    if (s.pilot.policy) policy.emplace(s, *s.pilot.policy);
  }

  // Appends the time of each step of one world [us].
  void run(const StateRecording& recording, int w, std::vector<double>& times) {
    const TaskSettings& task = settings.task;
    if (mpc) mpc->reset(0, recording.phase[w]);
    for (int step = 0; step < recording.steps() && recording.active_at(step)[w]; ++step) {
      throw_if_interrupted();
      const auto q = recording.q_at(step).subspan(static_cast<size_t>(w) * recording.nq, recording.nq);
      const auto v = recording.v_at(step).subspan(static_cast<size_t>(w) * recording.nv, recording.nv);
      const auto command = std::span(recording.command).subspan(4 * static_cast<size_t>(w), 4);
      double phase = recording.phase[w] + step * task.mpc.control_dt / task.mpc.gait.period;
      Stopwatch watch;
      if (mpc) mpc->step(q, v, command), phase = mpc->output.phase[0];
      if (policy) policy->run({q.data(), v.data(), command.data(), phase, mpc ? mpc->output.value[0] : 0});
      times.push_back(1e6 * watch.lap());
    }
  }
};

}  // namespace

ControllerTimes time_controller(const RunSettings& settings, const StateRecording& recording) {
  TimedController controller(settings);
  ControllerTimes times;
  for (int i = 0; i < kRepetitions; ++i) {
    std::vector<double> us;
    us.reserve(static_cast<size_t>(recording.steps()) * recording.nworld);
    for (int w = 0; w < recording.nworld; ++w) controller.run(recording, w, us);
    if (i == 0) times.us = times.best = us;
    for (size_t k = 0; k < us.size(); ++k) times.best[k] = std::min(times.best[k], us[k]);
  }
  return times;
}

}  // namespace tandem
