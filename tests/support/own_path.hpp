// A place for the files of one test.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace tandem {

// Path below the folder for temporary files that no other test uses, not even one of the same name in another program that runs at once.
inline std::filesystem::path own_path(const std::string& prefix = "tandem-", const std::string& ending = "") {
  const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
  return std::filesystem::path(testing::TempDir()) / (prefix + test + "-" + std::to_string(::getpid()) + ending);
}

}  // namespace tandem
