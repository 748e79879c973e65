// A recording comes back from its file as it was, and nothing else is taken for one.
#include "tune/recording.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/check.hpp"
#include "tests/support/message_of.hpp"
#include "tests/tune/recordings.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;

class RecordingFile : public testing::Test {
 protected:
  ~RecordingFile() override { fs::remove(path); }
  std::string bytes() const {
    std::stringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  void write(const std::string& text) const { std::ofstream(path, std::ios::binary) << text; }
  std::string refusal() const {
    const std::string message = message_of([&] { load_recording(path); });
    EXPECT_NE(message.find(path), std::string::npos) << message;
    return message;
  }
  const std::string path = fs::temp_directory_path() / cat("tandem_recording_", getpid(), ".rec");
};

TEST_F(RecordingFile, HoldsWhatWasSaved) {
  const Recording saved = random_recording(3, 7, 1);
  save_recording(saved, path);
  const Recording read = load_recording(path);
  EXPECT_EQ(read.robot, saved.robot);
  EXPECT_EQ(read.controller, saved.controller);
  EXPECT_EQ(read.sample_dt, saved.sample_dt);
  EXPECT_EQ(read.theta, saved.theta);
  EXPECT_EQ(read.time, saved.time);
  EXPECT_EQ(read.trajectory, saved.trajectory);
  EXPECT_EQ(read.fell, saved.fell);
  EXPECT_EQ(read.cost, saved.cost);
  ASSERT_EQ(read.columns.size(), saved.columns.size());
  for (size_t c = 0; c < read.columns.size(); ++c) {
    EXPECT_EQ(read.columns[c].name, saved.columns[c].name);
    EXPECT_EQ(read.columns[c].unit, saved.columns[c].unit);
    EXPECT_EQ(read.columns[c].data, saved.columns[c].data);
  }
}

TEST_F(RecordingFile, IsRefusedWhereverItIsCutOff) {
  save_recording(random_recording(2, 5, 2), path);
  const std::string whole = bytes();
  for (size_t length = 0; length < whole.size(); length += length < 12 ? 1 : 97) {
    write(whole.substr(0, length));
    EXPECT_NE(refusal(), "") << length << " of " << whole.size() << " bytes";
  }
  write(whole + "x");
  EXPECT_NE(refusal().find("appended"), std::string::npos);
}

TEST_F(RecordingFile, IsNotTakenFromSomethingElse) {
  EXPECT_NE(refusal().find("no such recording"), std::string::npos);
  save_recording(random_recording(2, 5, 3), path);
  std::string other = bytes();
  other.replace(other.find("tandem recording"), 16, "tandem something");
  for (const std::string& text : {std::string(), std::string("hello, world: a text"), std::string("\x08\0\0\0\0\0\0\0{\"a\":1} ", 16),
                                  std::string("{\"format\": \"tandem recording\"}"), other}) {
    write(text);
    EXPECT_NE(refusal().find("not a recording"), std::string::npos) << text.substr(0, 80);
  }
}

TEST_F(RecordingFile, IsRefusedWithADamagedHeader) {
  save_recording(random_recording(2, 5, 3), path);
  const std::string whole = bytes();
  // every byte of the header's text, one at a time
  const size_t end = whole.find("   ");
  int refused = 0;
  for (size_t i = 8; i < end; i += 3) {
    std::string damaged = whole;
    damaged[i] = damaged[i] == '9' ? '8' : '9';
    write(damaged);
    refused += !message_of([&] { load_recording(path); }).empty();
  }
  EXPECT_GT(refused, 0);  // and never anything but an Error
}

TEST(Recording, JoinsTrajectoriesInOrder) {
  const Recording one = random_recording(2, 3, 4), two = random_recording(1, 4, 5);
  Recording all;
  append(all, one), append(all, two);
  EXPECT_EQ(nsample(all), 10);
  EXPECT_EQ(all.trajectory, (std::vector<int>{0, 0, 0, 1, 1, 1, 2, 2, 2, 2}));
  EXPECT_EQ(column(all, "a").data[3 * 6], column(two, "a").data[0]);
}

TEST(Recording, RefusesToJoinWhatDiffers) {
  const Recording one = random_recording(1, 3, 4);
  const auto refused = [&](auto&& change) {
    Recording all = one, other = one;
    change(other);
    EXPECT_THROW(append(all, other), Error);
  };
  refused([](Recording& r) { r.robot = "other"; });
  refused([](Recording& r) { r.controller = "other"; });
  refused([](Recording& r) { r.sample_dt = 0.02; });
  refused([](Recording& r) { r.theta[0] = 2; });
  refused([](Recording& r) { r.cost.clear(); });
  refused([](Recording& r) { r.columns.pop_back(); });
}

TEST(Recording, RefusesSizesThatDoNotFit) {
  const auto refused = [&](auto&& change) {
    Recording r = random_recording(2, 3, 6);
    change(r);
    EXPECT_THROW(check_recording(r), Error);
  };
  refused([](Recording& r) { r.columns[0].data.pop_back(); });
  refused([](Recording& r) { r.trajectory.pop_back(); });
  refused([](Recording& r) { r.trajectory.back() = 2; });
  refused([](Recording& r) { r.trajectory[0] = 1; });
  refused([](Recording& r) { r.fell.pop_back(); });
  refused([](Recording& r) { r.cost.pop_back(); });
  refused([](Recording& r) { r.sample_dt = 0; });
}

TEST(Recording, NamesItsColumnsWhenOneIsMissing) {
  const std::string message = message_of([] { column(random_recording(1, 2, 7), "c"); });
  EXPECT_NE(message.find("a, b"), std::string::npos) << message;
}

}  // namespace
}  // namespace tandem
