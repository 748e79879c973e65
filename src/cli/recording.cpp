#include "cli/recording.hpp"

#include <chrono>

#include "cli/progress.hpp"

namespace tandem {
namespace {

using Clock = std::chrono::steady_clock;
double us_since(Clock::time_point start) { return 1e6 * std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

StateRecording make_recording(const ClosedLoop& loop, const Scenario& scenario, int nworld, int steps) {
  StateRecording r;
  r.nworld = nworld, r.nq = loop.robot().model.nq, r.nv = loop.robot().model.nv;
  for (int w = 0; w < nworld; ++w) {
    r.phase.push_back(scenario.world[w].phase);
    r.command.insert(r.command.end(), scenario.world[w].command, scenario.world[w].command + 4);
  }
  const size_t rows = static_cast<size_t>(nworld) * steps;
  r.q.reserve(rows * r.nq), r.v.reserve(rows * r.nv), r.active.reserve(rows);
  return r;
}

void append(StateRecording& r, const ClosedLoop& loop, const std::vector<unsigned char>& active) {
  const std::vector<double>&q = loop.control.measured_q, &v = loop.control.measured_v;
  r.q.insert(r.q.end(), q.begin(), q.begin() + static_cast<long>(r.nworld) * r.nq);
  r.v.insert(r.v.end(), v.begin(), v.begin() + static_cast<long>(r.nworld) * r.nv);
  r.active.insert(r.active.end(), active.begin(), active.begin() + r.nworld);
}

std::vector<StepTime> replay(Mpc& mpc, const StateRecording& recording) {
  std::vector<StepTime> times;
  times.reserve(recording.steps());
  for (int w = 0; w < recording.nworld; ++w) mpc.reset(w, recording.phase[w]);
  for (int step = 0; step < recording.steps(); ++step) {
    throw_if_interrupted();
    const Clock::time_point start = Clock::now();
    mpc.step(recording.q_at(step), recording.v_at(step), recording.command, recording.active_at(step));
    const double us = us_since(start);
    times.push_back({us, mpc.last_profile()});
  }
  return times;
}

std::vector<StepTime> replay_single(Mpc& mpc, const StateRecording& recording, const ReplayObserver& before, const ReplayObserver& after) {
  std::vector<StepTime> times;
  times.reserve(static_cast<size_t>(recording.steps()) * recording.nworld);
  for (int w = 0; w < recording.nworld; ++w) {
    mpc.reset(0, recording.phase[w]);
    const auto command = std::span(recording.command).subspan(4 * static_cast<size_t>(w), 4);
    for (int step = 0; step < recording.steps() && recording.active_at(step)[w]; ++step) {
      throw_if_interrupted();
      const auto q = recording.q_at(step).subspan(static_cast<size_t>(w) * recording.nq, recording.nq);
      const auto v = recording.v_at(step).subspan(static_cast<size_t>(w) * recording.nv, recording.nv);
      if (before) before(w, step, q, v, command);
      const Clock::time_point start = Clock::now();
      mpc.step(q, v, command);
      const double us = us_since(start);
      times.push_back({us, mpc.last_profile()});
      if (after) after(w, step, q, v, command);
    }
  }
  return times;
}

}  // namespace tandem
