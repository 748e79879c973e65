#include "cli/controller_time.hpp"

#include <chrono>
#include <optional>

#include "cli/progress.hpp"

namespace tandem {
namespace {

using Clock = std::chrono::steady_clock;

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

}  // namespace

std::vector<double> time_controller(const RunSettings& settings, const StateRecording& recording) {
  const TaskSettings& task = settings.task;
  std::optional<Mpc> mpc;
  if (task.controller != Controller::kRl) mpc.emplace(settings.robot.model, task.mpc, 1);
  std::optional<PolicyStep> policy;
  if (settings.pilot.policy) policy.emplace(settings, *settings.pilot.policy);
  std::vector<double> times;
  times.reserve(static_cast<size_t>(recording.steps()) * recording.nworld);
  for (int w = 0; w < recording.nworld; ++w) {
    if (mpc) mpc->reset(0, recording.phase[w]);
    for (int step = 0; step < recording.steps() && recording.active_at(step)[w]; ++step) {
      throw_if_interrupted();
      const auto q = recording.q_at(step).subspan(static_cast<size_t>(w) * recording.nq, recording.nq);
      const auto v = recording.v_at(step).subspan(static_cast<size_t>(w) * recording.nv, recording.nv);
      const auto command = std::span(recording.command).subspan(4 * static_cast<size_t>(w), 4);
      const double phase = recording.phase[w] + step * task.mpc.control_dt / task.mpc.gait.period;
      const Clock::time_point start = Clock::now();
      if (mpc) mpc->step(q, v, command);
      if (policy) policy->run({q.data(), v.data(), command.data(), phase, mpc ? mpc->output.value[0] : 0});
      times.push_back(1e6 * std::chrono::duration<double>(Clock::now() - start).count());
    }
  }
  return times;
}

}  // namespace tandem
