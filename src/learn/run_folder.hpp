// The folder of a training run: logs/<experiment>/<timestamp>_<name>/ with its configuration, checkpoints and logs. One process at a time writes it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/folder_lock.hpp"

namespace tandem {

class RunFolder {
 public:
  // Makes a new folder; one of that name gets a number. Throws Error if it cannot be made.
  static RunFolder create(const std::string& logs, const std::string& experiment, const std::string& name);
  // An existing one, to go on with. Throws Error if there is none, it cannot be written, or another process is using it.
  static RunFolder open(const std::string& path);

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string checkpoint(std::int64_t iteration) const;
  // Iterations of which there are checkpoints, the latest first.
  std::vector<std::int64_t> checkpoints() const;

 private:
  explicit RunFolder(const std::string& path);

  std::string path_;
  FolderLock lock_;
};

}  // namespace tandem
