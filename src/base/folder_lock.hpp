// A folder that one process at a time writes.
#pragma once

#include <string>

namespace tandem {

class FolderLock {
 public:
  // Takes the folder, which exists, until the object goes or the process ends, however it ends; leaves a file `lock` in it.
  //   in_use  what to say of a folder that another process has taken: "<folder> is being written by <in_use>"
  // Throws Error if it is taken, or cannot be written to.
  FolderLock(const std::string& folder, const std::string& in_use);
  FolderLock(FolderLock&& other) noexcept;
  ~FolderLock();

 private:
  int file_ = -1;
};

}  // namespace tandem
