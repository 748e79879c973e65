#include "base/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.hpp"

namespace tandem {

FolderLock::FolderLock(const std::string& folder, const std::string& in_use) {
  const std::string lock = folder + "/lock";
  file_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  check(file_ >= 0, lock, ": cannot be written: ", std::strerror(errno), "; choose a folder that can be written to");
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  ::close(std::exchange(file_, -1));
  throw Error(cat(folder, " is being written by ", in_use));
}

FolderLock::FolderLock(FolderLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

FolderLock::~FolderLock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace tandem
