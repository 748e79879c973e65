// VectorEnv: many copies ("worlds") of one task, advanced together, as a learner sees it. The words are rsl_rl's: obs, action, reward, done, time_out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tandem {

class VectorEnv {
 public:
  int nworld = 0, nobs = 0, naction = 0;
  std::vector<std::string> term_names;         // of the reward
  std::vector<std::string> termination_names;  // why an episode may end; the last is "time_out"
  std::vector<std::string> measure_names;      // what is logged beside the reward; may be empty

  // Written by reset() and step(). After a step that ended an episode, `observation` is already that of the next episode's first state.
  std::vector<float> observation;      // (nworld, nobs)
  std::vector<float> reward;           // sum of the terms  (nworld)
  std::vector<float> terms;            // each term with its weight, times control_dt  (nworld, nterm)
  std::vector<float> measures;         // of the step, finite  (nworld, nmeasure)
  std::vector<std::uint8_t> done;      // 1: the episode ended with this step  (nworld)
  std::vector<std::uint8_t> time_out;  // 1: it ended because its time was over, not by a failure  (nworld)
  std::vector<int> termination;        // index into termination_names where done, else -1  (nworld)

  virtual ~VectorEnv() = default;

  // Starts a new episode in every world.
  virtual void reset() = 0;
  // Advances every world by one control step; worlds that are done start anew. A world whose numbers are not finite is ended, counted and started
  // anew; the others do not notice.   action (nworld, naction)
  // Throws Error if `action` has another size.
  virtual void step(std::span<const float> action) = 0;
  // What the episodes are drawn from. The next thing must be reset(), which then starts with the first ones of this seed.
  virtual void set_seed(std::uint64_t) {}
  // How far the training is, in [0, 1]: what curricula go by. Takes effect at each world's next reset.
  virtual void set_progress(double) {}

  // Everything that the next steps depend on, as bytes; load() of what save() wrote goes on bit for bit. Throws Error if the bytes are of another task.
  virtual std::vector<std::byte> save() const = 0;
  virtual void load(std::span<const std::byte> bytes) = 0;
};

}  // namespace tandem
