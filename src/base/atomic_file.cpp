#include "base/atomic_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/check.hpp"
#include "base/write_all.hpp"

namespace tandem {
namespace {

// An open file that closes itself.
struct File {
  int fd;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

const char* cure(int error) {
  if (error == ENOSPC || error == EDQUOT) return "free some space";
  if (error == EACCES || error == EPERM || error == EROFS) return "choose a folder that may be written to";
  return "choose another place";
}

}  // namespace

void write_atomically(const std::string& path, std::span<const std::byte> bytes) {
  const std::string folder = std::filesystem::absolute(path).parent_path().string();
  std::error_code ignored;
  check(std::filesystem::is_directory(folder, ignored), "cannot write ", path, ": there is no folder ", folder, "; make it first");
  const std::string part = cat(path, ".part", ::getpid());
  const auto give_up = [&](int error) {
    ::unlink(part.c_str());
    throw Error(cat("cannot write ", path, ": ", std::strerror(error), "; ", cure(error)));
  };
  {
    const File file{::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (file.fd < 0 || !write_all(file.fd, bytes) || ::fsync(file.fd) != 0) give_up(errno);
  }
  if (::rename(part.c_str(), path.c_str()) != 0) give_up(errno);
  // the new name is on the disk once its folder is; a file system that cannot sync folders loses nothing but this certainty
  const File directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.fd >= 0) ::fsync(directory.fd);
}

}  // namespace tandem
