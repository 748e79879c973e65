// A file that whole records are appended to: one that does not fit, on a full disk, leaves nothing behind, and the next is another chance.
#pragma once

#include <string>
#include <string_view>

namespace tandem {

class AppendFile {
 public:
  // Opens `path`, which may exist. Throws Error if it cannot be written.
  explicit AppendFile(const std::string& path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;

  // Returns whether the record is with the system.
  bool append(std::string_view record);

 private:
  int fd_;
};

}  // namespace tandem
