// Whatever goes wrong while a file is written, what was there before stays, and nothing else is left behind.
#include "base/atomic_file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/check.hpp"
#include "tests/support/message_of.hpp"
#include "tests/support/tmpfs.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void write(const fs::path& path, const std::string& text) { write_atomically(path.string(), std::as_bytes(std::span(text))); }

class AtomicFile : public testing::Test {
 protected:
  AtomicFile() { fs::create_directories(folder); }
  ~AtomicFile() override { fs::remove_all(folder); }
  // Writes `text` to `path`, which must fail with a message that names the path and `reason`, and leave the folder as it was.
  void expect_failure(const fs::path& path, const std::string& text, const std::string& reason) {
    const std::string before = content(path);
    const auto files = [&] { return std::distance(fs::directory_iterator(path.parent_path()), fs::directory_iterator()); };
    const auto count = files();
    const std::string message = message_of([&] { write(path, text); });
    EXPECT_NE(message.find(path.string()), std::string::npos) << message;
    EXPECT_NE(message.find(reason), std::string::npos) << message;
    EXPECT_EQ(content(path), before);
    EXPECT_EQ(files(), count) << "something was left behind";
  }
  const fs::path folder = fs::temp_directory_path() / cat("tandem_atomic_", getpid());
  const std::string large = std::string(1 << 20, 'x');
};

TEST_F(AtomicFile, ReplacesWhatWasThere) {
  write(folder / "a", "old");
  write(folder / "a", "new");
  EXPECT_EQ(content(folder / "a"), "new");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
}

TEST_F(AtomicFile, NamesAMissingFolder) { EXPECT_THROW(write(folder / "none" / "a", "x"), Error); }

TEST_F(AtomicFile, DoesNotReplaceAFolder) {
  fs::create_directories(folder / "a" / "b");
  expect_failure(folder / "a", "x", "choose another place");
}

// A limit on the size of files stops the writing half way, as a full disk does.
TEST_F(AtomicFile, KeepsTheOldFileWhenWritingStopsHalfWay) {
  write(folder / "a", "old");
  rlimit old_limit{};
  getrlimit(RLIMIT_FSIZE, &old_limit);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{1 << 16, old_limit.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  expect_failure(folder / "a", large, "File too large");
  setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, handler);
}

TEST_F(AtomicFile, KeepsTheOldFileWhenTheDiskIsFull) {
  const Tmpfs disk(folder / "disk", "64k");
  if (!disk.mounted()) GTEST_SKIP() << "may not mount a tmpfs";
  write(folder / "disk" / "a", "old");
  expect_failure(folder / "disk" / "a", large, "No space left on device; free some space");
}

TEST_F(AtomicFile, KeepsTheOldFileOnAReadOnlyDisk) {
  const Tmpfs disk(folder / "disk", "64k");
  if (!disk.mounted()) GTEST_SKIP() << "may not mount a tmpfs";
  write(folder / "disk" / "a", "old");
  ASSERT_TRUE(disk.make_read_only());
  expect_failure(folder / "disk" / "a", "new", "Read-only file system; choose a folder that may be written to");
}

TEST_F(AtomicFile, KeepsTheOldFileInAReadOnlyFolder) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write to every folder";
  write(folder / "a", "old");
  chmod(folder.c_str(), 0555);
  expect_failure(folder / "a", "new", "Permission denied; choose a folder that may be written to");
  chmod(folder.c_str(), 0755);
}

}  // namespace
}  // namespace tandem
