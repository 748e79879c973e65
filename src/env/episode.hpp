// What is drawn at the start of an episode and during it: a function of its key, the settings and the progress of the training, whatever the controller.
#pragma once

#include <vector>

#include "env/control_loop.hpp"
#include "env/episode_kernel.hpp"
#include "sim/randomise.hpp"

namespace tandem {

// How an episode begins.
struct Episode {
  std::vector<double> q, v;  // (nq), (nv)
  double phase = 0;          // gait time in periods
  double command[4];         // base height, forward, left, yaw rate
  WorldParameters parameters;
  std::vector<double> kp_scale, kd_scale;  // (njnt)
  double delay = 0;                        // [s]
  double noise_scale = 1;
};

class EpisodeSampler {
 public:
  EpisodeSampler(const Robot& robot, const TaskSettings& settings);

  // Draws the episode that `key` names.   progress  of the training, in [0, 1], which the command range grows with
  // The result stays valid until the next call. Allocates only at the first call.
  const Episode& draw(const EpisodeKey& key, double progress);

  // Control steps of an episode, and those that the first one of a world starts with behind it.
  int steps() const { return view_.steps; }
  int stagger(const EpisodeKey& key) const;

  // Whether a kick is due `step` control steps after the reset, and by how much it changes the base velocity.   dv (6)
  bool kick(const EpisodeKey& key, int step, double* dv) const;
  // Whether the push starts `step` control steps after the reset; fills all of `push` but its world.
  bool push(const EpisodeKey& key, int step, Push& push) const;

 private:
  ModelArrays<double> arrays_;
  std::vector<double> stand_, memory_;  // (nq), of the kinematics
  EpisodeView<double> view_;            // points into the two above
  Episode episode_;
};

// Puts one world of the loop at the start of an episode, under its command.
void start_episode(ControlLoop& loop, int world, const Episode& episode, const EpisodeKey& key);

// Gives one world the kick and the push that are due `step` control steps after the reset.
void disturb(ControlLoop& loop, int world, const EpisodeSampler& sampler, const EpisodeKey& key, int step);

// Control steps of an episode.
int episode_steps(const TaskSettings& settings);

// Index in Model of the body that pushes act on: the first whose name contains "torso", and failing that the base.
int torso_of(const Model& model);

}  // namespace tandem
