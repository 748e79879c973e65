// What is logged about episodes: rewards per term, lengths, why they ended.
#pragma once

#include <cstdint>
#include <vector>

#include "env/vector_env.hpp"
#include "learn/checkpoint.hpp"
#include "learn/events.hpp"

namespace tandem {

class EpisodeStatistics {
 public:
  explicit EpisodeStatistics(const VectorEnv& env);

  // Takes up what the last step of `env` wrote.
  void add_step(const VectorEnv& env);
  // The scalars of the steps since the last call, NaN where nothing can be said:
  //   Train/mean_reward, Train/mean_episode_length   of the last 100 episodes
  //   Train/reward_per_step                          mean over all steps and worlds
  //   Train/<measure>                                mean over all steps and worlds
  //   Episode_Reward/<term>                          sum over an episode, mean over the episodes that ended
  //   Episode_Termination/<name>                     share of the episodes that ended
  std::vector<NamedNumber> take();

  std::vector<NamedBytes> save() const;
  // running: the episodes that ran go on, too. Throws Error if they are of other sizes.
  void load(const std::vector<NamedBytes>& saved, bool running);

 private:
  static constexpr size_t kRecent = 100;

  std::vector<std::string> term_names_, termination_names_, measure_names_;
  // of the running episodes
  std::vector<double> term_sum_;      // (nworld, nterm)
  std::vector<std::int64_t> length_;  // (nworld)
  // of the last kRecent episodes, oldest first
  std::vector<double> recent_reward_, recent_length_;
  // since the last take()
  std::vector<double> ended_term_;      // (nterm)
  std::vector<std::int64_t> ended_by_;  // (ntermination)
  std::vector<double> measure_sum_;     // (nmeasure)
  double reward_ = 0;
  std::int64_t samples_ = 0;
};

}  // namespace tandem
