// What the controller of some worlds saw, to be shown to it again: times of the MPC step are taken on states of the closed loop, without the simulator
// between two calls.
#pragma once

#include <vector>

#include "cli/closed_loop.hpp"

namespace tandem {

struct StateRecording {
  int nworld = 0, nq = 0, nv = 0;
  std::vector<double> phase;          // at the first step  (nworld)
  std::vector<double> command;        // (nworld, 4)
  std::vector<double> q, v;           // measured state  (steps, nworld, nq), (steps, nworld, nv)
  std::vector<unsigned char> active;  // (steps, nworld)
  int steps() const { return nworld ? static_cast<int>(active.size() / static_cast<size_t>(nworld)) : 0; }
  std::span<const double> q_at(int step) const {
    return std::span(q).subspan(static_cast<size_t>(step) * nworld * nq, static_cast<size_t>(nworld) * nq);
  }
  std::span<const double> v_at(int step) const {
    return std::span(v).subspan(static_cast<size_t>(step) * nworld * nv, static_cast<size_t>(nworld) * nv);
  }
  std::span<const unsigned char> active_at(int step) const { return std::span(active).subspan(static_cast<size_t>(step) * nworld, nworld); }
};

// A recording of the first `nworld` worlds of `scenario`, empty yet, with room for `steps` steps.
StateRecording make_recording(const ClosedLoop& loop, const Scenario& scenario, int nworld, int steps);
// Appends the measured state; call with the arguments of an Observer at Moment::kPrepared. Allocates nothing within its room.
void append(StateRecording& recording, const ClosedLoop& loop, const std::vector<unsigned char>& active);

// What one call of Mpc::step took.
struct StepTime {
  double us;           // all worlds
  MpcProfile profile;  // per world and stage [s]; zero unless the controller profiles
};

// Shows a recording to `mpc`, of as many worlds, from its start; returns the time of each step.
std::vector<StepTime> replay(Mpc& mpc, const StateRecording& recording);
// The same, one world after the other, to a controller of one world: times of single steps.
//   before, after  called around each step with the world, the step, its state and command; may be empty
using ReplayObserver =
    std::function<void(int world, int step, std::span<const double> q, std::span<const double> v, std::span<const double> command)>;
std::vector<StepTime> replay_single(Mpc& mpc, const StateRecording& recording, const ReplayObserver& before = {}, const ReplayObserver& after = {});

}  // namespace tandem
