// Tests of a program as a user runs it: in a folder of its own, by the words that are typed.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/own_path.hpp"
#include "tests/support/run_command.hpp"

namespace tandem {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

class ProgramTest : public testing::Test {
 protected:
  // command: the program with its first words, as the shell takes them
  explicit ProgramTest(const std::string& command) : command_(command) {}
  void SetUp() override {
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  void TearDown() override { fs::remove_all(folder); }

  // Runs the program in the test's folder.   prefix: variables of its environment
  Finished run(const std::string& arguments, const std::string& prefix = "") const {
    return run_command("cd '" + folder.string() + "' && " + prefix + " " + command_ + " " + arguments);
  }
  // One line on stderr, this exit code, this text in it.
  void expect_refusal(const std::string& arguments, int status, const std::string& text) const {
    const Finished finished = run(arguments);
    EXPECT_EQ(finished.status, status) << arguments << "\n" << finished.output;
    EXPECT_NE(finished.output.find(text), std::string::npos) << arguments << "\n" << finished.output;
    EXPECT_EQ(std::count(finished.output.begin(), finished.output.end(), '\n'), 1) << finished.output;
  }
  // Files of the folder.
  std::string bytes(const fs::path& file) const {
    std::ifstream stream(folder / file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  Json report(const fs::path& file) const { return Json::parse(bytes(file)); }

  fs::path folder = own_path();

 private:
  std::string command_;
};

}  // namespace tandem
