// What is drawn at the start of an episode and during it, in any precision, on the processor or a device: a function of the episode's key, the task's
// numbers and the progress of the training, whatever the controller. docs/training.md, "One control step".
#pragma once

#include <cmath>
#include <numbers>

#include "env/settings.hpp"
#include "env/streams.hpp"
#include "sim/initial_state_kernel.hpp"

namespace tandem {

// What an episode is drawn from, as plain numbers.
template <class S>
struct EpisodeView {
  TaskNumbers numbers;
  ModelView<S> model;
  StanceView<S> stance;
  double base_height, control_dt;  // [m], [s]
  int steps;                       // control steps of an episode
  int torso;                       // the body that is pushed
};

// Where a drawn episode is written. A nullptr is a scale that nobody wants since its range is 1 alone.
template <class S>
struct EpisodeRow {
  S *q, *v;                                   // (nq), (nv)
  S* phase;                                   // gait time in periods  (1)
  S* command;                                 // base height, forward, left, yaw rate  (4)
  S *friction, *added_mass, *com_offset;      // as WorldParameters  (1), (1), (3)
  S *mass_scale, *armature_scale, *strength;  // (nbody), (njnt), (njnt)
  S *kp_scale, *kd_scale;                     // gains as applied over gains asked for  (njnt)
  S *delay, *noise_scale;                     // of the set points [s], of NoiseSettings  (1)
};

// A push on the torso.
template <class S>
struct PushDraw {
  S force[3];  // world frame [N]
  int steps;   // control steps that it lasts; 0: none starts
};

inline namespace TANDEM_ISA {

inline constexpr double kPushDuration = 0.1;  // [s]

TANDEM_FN double draw_range(Rng& rng, const double (&range)[2]) { return rng.uniform(range[0], range[1]); }

// The number of control steps nearest to a duration [s]; halves go up, also where the duration was rounded to float.
TANDEM_FN int control_steps(double duration, double control_dt) { return static_cast<int>(std::lround(duration / control_dt + 1e-4)); }

// Whether numbers drawn from a range are all 1: then none is drawn.
TANDEM_FN bool is_one(const double (&range)[2]) { return range[0] == 1 && range[1] == 1; }

template <class S>
TANDEM_FN void draw_scales(Rng& rng, const double (&range)[2], int n, S* scales) {
  const bool one = is_one(range);
  if (!scales) return;
  for (int i = 0; i < n; ++i) scales[i] = one ? S(1) : S(draw_range(rng, range));
}

template <class S>
TANDEM_FN void draw_command(const EpisodeView<S>& view, const EpisodeKey& key, double progress, S* command) {
  const TaskNumbers& s = view.numbers;
  Rng rng = episode_rng(key, kStreamCommand);
  const double reached = s.command_full > 0 ? progress / s.command_full : 1, grown = reached < 1 ? reached : 1;
  const double share = s.command_start + (1 - s.command_start) * grown;
  const double x = share * draw_range(rng, s.command.vx), y = share * draw_range(rng, s.command.vy), turn = share * draw_range(rng, s.command.wz);
  const bool still = std::sqrt(x * x + y * y + turn * turn) < s.command_deadband;
  command[0] = S(view.base_height);
  command[1] = S(still ? 0 : x), command[2] = S(still ? 0 : y), command[3] = S(still ? 0 : turn);
}

template <class S>
TANDEM_FN void draw_parameters(const EpisodeView<S>& view, const EpisodeKey& key, const EpisodeRow<S>& row) {
  Rng rng = episode_rng(key, kStreamParameters);
  const RandomiseSettings& r = view.numbers.randomise;
  *row.friction = S(draw_range(rng, r.friction));
  *row.added_mass = S(draw_range(rng, r.added_mass));
  for (int i = 0; i < 3; ++i) row.com_offset[i] = S(draw_range(rng, r.com_offset));
  *row.delay = S(draw_range(rng, r.delay));
  *row.noise_scale = S(draw_range(rng, r.noise_scale));
  draw_scales(rng, r.mass_scale, view.model.nbody, row.mass_scale);
  draw_scales(rng, r.armature_scale, view.model.njnt, row.armature_scale);
  draw_scales(rng, r.strength, view.model.njnt, row.strength);
  draw_scales(rng, r.gain_scale, view.model.njnt, row.kp_scale);
  draw_scales(rng, r.gain_scale, view.model.njnt, row.kd_scale);
}

// Draws the episode that `key` names.   progress  of the training, in [0, 1];  memory  kinematics_size()
template <class S>
TANDEM_FN void draw_episode(const EpisodeView<S>& view, const EpisodeKey& key, double progress, const EpisodeRow<S>& row, S* memory) {
  const TaskNumbers& s = view.numbers;
  draw_initial_state(view.model, view.stance, episode_rng(key, kStreamInitialState), s.start_scale, row.q, row.v, memory);
  if (s.terrain.kind != TerrainKind::kFlat) {  // somewhere in the inner half of the terrain
    Rng rng = episode_rng(key, kStreamPlace);
    for (int i = 0; i < 2; ++i) row.q[i] = S(rng.uniform(-s.terrain.extent / 4, s.terrain.extent / 4));
  }
  *row.phase = S(episode_rng(key, kStreamPhase).uniform());
  draw_command(view, key, progress, row.command);
  draw_parameters(view, key, row);
}

// Control steps that the first episode of a world starts with behind it.
template <class S>
TANDEM_FN int draw_stagger(const EpisodeView<S>& view, const EpisodeKey& key) {
  const bool first = view.numbers.staggered_start && key.episode == 0;
  return first ? static_cast<int>(episode_rng(key, kStreamStagger).uniform() * view.steps) : 0;
}

// Whether a kick is due `step` control steps after the reset, and by how much it changes the base velocity.   dv (6)
template <class S>
TANDEM_FN bool draw_kick(const EpisodeView<S>& view, const EpisodeKey& key, int step, S* dv) {
  const TaskNumbers& s = view.numbers;
  const int interval = control_steps(s.kick_interval, view.control_dt);
  if (interval < 1 || s.kick_velocity == 0 || step < 1 || step % interval != 0) return false;
  Rng rng = episode_rng(key, kStreamKick, static_cast<std::uint32_t>(3 * (step / interval)));
  for (int i = 0; i < 3; ++i) dv[i] = S(rng.uniform(-s.kick_velocity, s.kick_velocity));
  for (int i = 3; i < 6; ++i) dv[i] = S(0);
  return true;
}

// The push that starts `step` control steps after the reset.
template <class S>
TANDEM_FN PushDraw<S> draw_push(const EpisodeView<S>& view, const EpisodeKey& key, int step) {
  PushDraw<S> push{{S(0), S(0), S(0)}, 0};
  const TaskNumbers& s = view.numbers;
  if (s.push_impulse[1] == 0) return push;
  Rng rng = episode_rng(key, kStreamPush);
  if (static_cast<int>(rng.uniform() * view.steps) != step) return push;
  const double impulse = draw_range(rng, s.push_impulse), direction = rng.uniform(0, 2 * std::numbers::pi);
  const int duration = control_steps(kPushDuration, view.control_dt);
  push.steps = duration > 1 ? duration : 1;
  const double force = impulse / (push.steps * view.control_dt);
  push.force[0] = S(force * std::cos(direction)), push.force[1] = S(force * std::sin(direction));
  return push;
}

}  // namespace TANDEM_ISA
}  // namespace tandem
