#include "base/append_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>

#include "base/check.hpp"
#include "base/write_all.hpp"

namespace tandem {

AppendFile::AppendFile(const std::string& path) : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  check(fd_ >= 0, path, ": cannot be written: ", std::strerror(errno));
}

AppendFile::~AppendFile() { ::close(fd_); }

bool AppendFile::append(std::string_view record) {
  const off_t end = ::lseek(fd_, 0, SEEK_END);
  if (write_all(fd_, std::as_bytes(std::span(record)))) return true;
  [[maybe_unused]] const int truncated = ::ftruncate(fd_, end);  // takes no space
  return false;
}

}  // namespace tandem
