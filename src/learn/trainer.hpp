// Trainer: the loop of collecting and learning, with its logs and checkpoints. docs/training.md, "Runs".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "env/vector_env.hpp"
#include "learn/checkpoint.hpp"
#include "learn/ppo.hpp"
#include "learn/run_log.hpp"
#include "learn/statistics.hpp"
#include "learn/train_result.hpp"

namespace tandem {

// What the caller adds to a training. Each may be empty.
struct TrainHooks {
  std::function<std::vector<NamedNumber>()> env_times;   // where the time of the steps since the last call went [s], by name
  std::function<void(std::int64_t iteration)> iterated;  // after every iteration
  std::function<void(std::int64_t iteration)> saved;     // after every checkpoint; throws Error if what it writes cannot be written
  std::function<void(const TrainStatus&)> progress;      // after every iteration
  std::function<void(const std::string&)> warn;          // one line about something that training survives
  std::function<bool()> interrupted;                     // true: save after this iteration and return
};

enum class ActionSource { kPolicy, kZero, kRandom };

struct TrainJob {
  VectorEnv* env;
  Ppo* ppo = nullptr;  // nullptr: nothing is learnt; for zero and random actions
  ActionSource actions = ActionSource::kPolicy;
  int steps = 24;  // per iteration
  TrainSettings settings;
  std::vector<std::pair<std::string, std::string>> identity;  // of its checkpoints
  RunFolder* folder;
  TrainHooks hooks;
};

class Trainer {
 public:
  explicit Trainer(TrainJob job);

  // Starts new episodes in all worlds and saves model_0. Throws Error if that cannot be written.
  void start();
  // Goes on from the latest checkpoint of the folder that can be read; those that cannot are named in a warning. Where its worlds cannot go on, since a
  // training on a device or another version wrote them, they start new episodes, which is a warning too. Throws Error if none can be read, or if it is of
  // another robot, layout or network.
  void resume();
  // Trains up to settings.iterations. A checkpoint that cannot be written is a warning, unless it is the last.
  // Throws Error if the loss is not finite, naming the last checkpoint; checkpoints stay as they are.
  TrainResult run();

 private:
  // Robot-steps of an iteration.
  std::int64_t samples() const { return static_cast<std::int64_t>(job_.env->nworld) * job_.steps; }
  bool load_worlds(const std::vector<std::byte>& worlds, const std::string& path);
  void collect();
  void act(int t);
  std::vector<NamedNumber> learn();
  void save(bool must);
  void log(std::vector<NamedNumber> scalars, double elapsed);
  void report(const std::vector<NamedNumber>& scalars, double elapsed, double left) const;
  void add_time(const std::string& part, double seconds);

  TrainJob job_;
  EpisodeStatistics statistics_;
  std::unique_ptr<RunLog> log_;
  std::int64_t iteration_ = 0, saved_ = -1;
  double seconds_ = 0;             // of training so far, in earlier processes too
  std::vector<float> action_;      // of zero and random policies  (nworld, naction)
  std::vector<NamedNumber> time_;  // by part [s]
};

}  // namespace tandem
