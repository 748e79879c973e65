// A small disk in memory, for tests of full and read-only disks. Mounting it takes privileges that not every machine gives.
#pragma once

#include <sys/mount.h>

#include <filesystem>
#include <string>

namespace tandem {

class Tmpfs {
 public:
  // size: "64k"
  Tmpfs(const std::filesystem::path& folder, const std::string& size) : folder_(folder) {
    std::filesystem::create_directories(folder_);
    mounted_ = ::mount("tandem_test", folder_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  ~Tmpfs() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Tmpfs(const Tmpfs&) = delete;

  bool mounted() const { return mounted_; }
  bool make_read_only() const { return ::mount("tandem_test", folder_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) == 0; }

 private:
  std::filesystem::path folder_;
  bool mounted_;
};

}  // namespace tandem
