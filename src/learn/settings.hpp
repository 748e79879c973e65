// What a user may change about learning. Defaults are those of robots/task.toml, which documents them; docs/training.md, "Learning".
#pragma once

#include <cstdint>
#include <string>

#include "model/fields.hpp"

namespace tandem {

struct PpoSettings {
  int steps = 24;                     // control steps of every world between two updates
  int epochs = 5;                     // passes over the samples of an update
  int minibatches = 4;                // parts of each pass
  double clip = 0.2;                  // eps: of the ratio of probabilities, and of the change of the value
  double value_coefficient = 1;       // c_v
  double entropy_coefficient = 0.01;  // c_e: more keeps the noise larger
  double gamma = 0.99;                // discount per control step
  double lambda = 0.95;               // of the generalised advantage
  double learning_rate = 1e-5;        // at the start
  double min_learning_rate = 1e-5;
  double max_learning_rate = 1e-2;
  double desired_kl = 0.01;      // divergence per minibatch that the learning rate aims for; 0: the rate stays
  double max_gradient_norm = 1;  // longer gradients are shortened to this
  double weight_decay = 0;       // Adam's, added to the gradient
  int layers = 3;                // hidden layers of actor and critic
  int width = 256;               // of each
  double sigma = 1;              // standard deviation of the actions at the start
  double min_sigma = 0.01;       // it never gets below this
  bool normalise = true;         // observations by their running mean and deviation
  double observation_clip = 10;  // bound of the normalised ones
  bool symmetric = false;        // actor and critic do in the mirror what they do, mirrored: left and right are learnt at once
};

struct TrainSettings {
  int worlds = 512;        // robots that collect samples
  int iterations = 1000;   // updates
  int save_interval = 50;  // iterations between two checkpoints
  std::uint64_t seed = 0;
};

// ppo.* and train.*
Fields fields(PpoSettings& settings);
Fields fields(TrainSettings& settings);

// Ranges that depend on each other. Throws Error.
void check_settings(const PpoSettings& ppo, const TrainSettings& train);

}  // namespace tandem
