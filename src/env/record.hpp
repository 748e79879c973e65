// One episode as a small record that can be run again bit for bit: everything random in it follows from its key, so the actions are all there is to keep.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "env/settings.hpp"
#include "env/streams.hpp"

namespace tandem {

struct EpisodeRecord {
  std::string robot;          // name
  std::string settings;       // of the task, JSON by field name
  EpisodeKey key;             // whose random numbers
  double progress = 0;        // of the training when the episode began
  std::string termination;    // why it ended; empty: it had not
  int naction = 0;            // numbers per action
  std::vector<float> action;  // one per control step since the episode began  (nstep, naction)
};

// With a check sum at the end.
std::vector<std::byte> to_bytes(const EpisodeRecord& record);
// Throws Error if the bytes are not of a record, of another version, cut off or damaged.
EpisodeRecord record_from_bytes(std::span<const std::byte> bytes);

// What EpisodeRecord::settings holds.
std::string settings_text(TaskSettings settings);
// The settings in it, for this robot. Throws Error if it is another robot's.
TaskSettings settings_of(const EpisodeRecord& record, const Robot& robot);

// What happened when a record was run again.
struct Replay {
  std::vector<double> q, v;  // at the start of each step  (nstep, nq), (nstep, nv)
  std::vector<float> terms;  // of the reward of each step  (nstep, kRewardTerms)
  std::string termination;   // of the last step; empty: none
};

// Runs the episode again in a task of one world. Throws Error as settings_of does, or if the actions are not those of the robot.
Replay replay(const EpisodeRecord& record, const Robot& robot);

}  // namespace tandem
