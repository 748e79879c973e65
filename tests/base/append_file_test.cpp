// Records of a file that is appended to, on a disk that is full for a while.
#include "base/append_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/message_of.hpp"
#include "tests/support/tmpfs.hpp"

namespace tandem {
namespace {

TEST(AppendFile, RecordsAreWholeOrMissing) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "tandem-append-file";
  Tmpfs disk(folder, "100k");
  if (!disk.mounted()) GTEST_SKIP() << "a small disk cannot be mounted here";
  const auto path = folder / "log", filler = folder / "filler";
  const std::string one(3000, '1'), two(30000, '2'), three(3000, '3');
  AppendFile file(path);
  EXPECT_TRUE(file.append(one));
  std::ofstream(filler) << std::string(80000, 'x');
  EXPECT_FALSE(file.append(two)) << "some of it fits";
  std::filesystem::remove(filler);
  EXPECT_TRUE(file.append(three));
  std::ifstream stream(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), one + three);
}

TEST(AppendFile, ThatCannotBeOpenedIsNamed) {
  EXPECT_NE(message_of([] { AppendFile("/nowhere/log"); }).find("/nowhere/log: cannot be written: No such file"), std::string::npos);
}

}  // namespace
}  // namespace tandem
