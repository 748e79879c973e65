// Checkpoint: everything that a training depends on, in one file that is whole or absent. docs/training.md, "Checkpoints".
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "learn/run_folder.hpp"

namespace tandem {

struct NamedBytes {
  std::string name, type;  // "F32", "F64", "I64", "U8"
  std::vector<std::byte> bytes;
};

// What a checkpoint can be loaded into: names and values that must be equal, "robot" = "mit_humanoid", ...
using Identity = std::vector<std::pair<std::string, std::string>>;

struct Checkpoint {
  Identity identity;
  std::int64_t iteration = 0;
  std::int64_t robot_steps = 0;
  double seconds = 0;               // of training so far
  std::vector<NamedBytes> learner;  // empty where nothing is learnt
  std::vector<NamedBytes> statistics;
  std::vector<std::byte> worlds;  // of a VectorEnv or of a TaskWorlds; a training that cannot go on with them starts new episodes
};

// Throws Error naming path and cause (folder missing or read-only, disk full); a file of that name is then unchanged.
void save_checkpoint(const Checkpoint& checkpoint, const std::string& path);

// Throws Error naming the file and what is wrong: not a checkpoint, truncated, damaged, of a newer format.
Checkpoint load_checkpoint(const std::string& path);

// Throws Error unless the identities agree, naming the first difference.
void check_identity(const Checkpoint& checkpoint, const Identity& expected, const std::string& path);

// The latest of a run that can be read; those that cannot are named in a warning. Throws Error if there is none, or as check_identity does.
Checkpoint load_latest_checkpoint(const RunFolder& folder, const Identity& expected, const std::function<void(const std::string&)>& warn);

}  // namespace tandem
