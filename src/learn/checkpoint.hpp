// Checkpoint: everything that a training depends on, in one file that is whole or absent. docs/training.md, "Checkpoints".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tandem {

struct NamedBytes {
  std::string name, type;  // "F32", "F64", "I64", "U8"
  std::vector<std::byte> bytes;
};

struct Checkpoint {
  // What it can be loaded into: names and values that must be equal, "robot" = "mit_humanoid", ...
  std::vector<std::pair<std::string, std::string>> identity;
  std::int64_t iteration = 0;
  std::int64_t robot_steps = 0;
  double seconds = 0;               // of training so far
  std::vector<NamedBytes> learner;  // empty where nothing is learnt
  std::vector<NamedBytes> statistics;
  std::vector<std::byte> worlds;
};

// Throws Error naming path and cause (folder missing or read-only, disk full); a file of that name is then unchanged.
void save_checkpoint(const Checkpoint& checkpoint, const std::string& path);

// Throws Error naming the file and what is wrong: not a checkpoint, truncated, damaged, of a newer format.
Checkpoint load_checkpoint(const std::string& path);

// Throws Error unless the identities agree, naming the first difference.
void check_identity(const Checkpoint& checkpoint, const std::vector<std::pair<std::string, std::string>>& expected, const std::string& path);

}  // namespace tandem
