// Written in C++, read and drawn in Python: both ends are held against each other.
#include "sim/trajectory.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/check.hpp"
#include "base/rng.hpp"
#include "tests/sim/stool.hpp"
#include "tests/support/message_of.hpp"
#include "tests/support/run_command.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;

Finished shell(const std::string& command) { return run_command(command + " < /dev/null"); }

Finished python(const std::string& arguments, const std::string& environment = "") {
  return shell(environment + " PYTHONPATH=" TANDEM_SOURCE_DIR "/python " TANDEM_PYTHON " " + arguments);
}

class TrajectoryFolder : public testing::Test {
 protected:
  const std::string folder = testing::TempDir() + "tandem_trajectory_" + std::to_string(getpid());
  const Model model = [] {
    Model m = make_stool();
    m.tau_max.assign(4, 30);
    return m;
  }();

  ~TrajectoryFolder() override { fs::remove_all(folder); }

  TrajectoryInfo info(int horizon) const {
    return {.xml = kStoolXml, .control_dt = 0.01, .base_height = kStoolHeight, .horizon = horizon, .title = ""};
  }

  // Half a second of the stool standing up to a push, one row per control step, with a made-up prediction.
  void record() {
    Stool stool(1);
    TrajectoryWriter writer(folder, model, info(3));
    const double command[3] = {0.1, 0, 0};
    for (int k = 0; k < 50; ++k) {
      if (k == 20) stool.sim->set_push({.world = 0, .body = 0, .force = {40, 0, 0}, .steps = 10});
      stool.sim->step();
      const auto& o = stool.sim->output;
      std::vector<double> base, points;
      for (int node = 0; node < 3; ++node) {
        for (int i = 0; i < 3; ++i) base.push_back(o.q[i] + (i == 0 ? 0.1 * node : 0));
        for (int c = 0; c < 12; ++c) points.push_back(c % 3 == 0 ? 0.1 * node : 0.02);
      }
      writer.append({.time = o.time[0],
                     .q = o.q,
                     .v = o.v,
                     .tau = o.tau,
                     .tau_ff = {},
                     .foot_force = o.foot_force,
                     .planned_force = o.point_force,
                     .command = command,
                     .solve_us = 100.0 + k,
                     .value = 1,
                     .predicted_base = base,
                     .predicted_point = points});
    }
    writer.finish();
  }
};

TEST_F(TrajectoryFolder, PythonReadsTheNumbersThatWereWritten) {
  Rng rng{5, 0, 0};
  std::vector<double> values(200);
  for (double& value : values) value = rng.normal();
  const std::span<const double> all(values);
  TrajectoryWriter writer(folder, model, info(2));
  for (int k = 0; k < 3; ++k) {
    writer.append({.time = values[k],
                   .q = all.subspan(k, 11),
                   .v = all.subspan(20 + k, 10),
                   .tau = all.subspan(40 + k, 4),
                   .tau_ff = {},
                   .foot_force = all.subspan(60 + k, 12),
                   .planned_force = all.subspan(80 + k, 12),
                   .command = all.subspan(100 + k, 3),
                   .solve_us = values[110 + k],
                   .value = values[120 + k],
                   .predicted_base = all.subspan(130 + k, 6),
                   .predicted_point = all.subspan(150 + k, 24)});
  }
  writer.finish();
  const Finished run = python("-c \"from tandem import trajectory; t = trajectory.read('" + folder +
                              "'); print(t.rows, *[float(x).hex() for x in ("
                              "t.time[1], t.q[2, 10], t.v[1, 0], t.tau[0, 3], t.tau_ff[0, 0], t.foot_force[1, 3, 2], t.planned_force[2, 0, 1], "
                              "t.command[2, 2], t.solve_us[1], t.value[2], t.predicted_base[1, 1, 2], t.predicted_point[2, 1, 3, 2])])\"");
  std::string expected = "3";
  for (double value : {values[1], values[12], values[21], values[43], 0.0, values[72], values[83], values[104], values[111], values[122], values[136],
                       values[175]}) {
    char text[64];
    std::snprintf(text, sizeof(text), "%a", value);
    expected += std::string(" ") + text;
  }
  // the two languages print hexadecimal numbers with different numbers of zeros: compare what they mean
  std::istringstream got(run.output), want(expected);
  std::string g, w;
  while (want >> w) {
    ASSERT_TRUE(got >> g) << run.output;
    EXPECT_EQ(std::strtod(g.c_str(), nullptr), std::strtod(w.c_str(), nullptr));
  }
}

TEST_F(TrajectoryFolder, UnfinishedRunLeavesNothingThatLooksComplete) {
  { TrajectoryWriter writer(folder, model, info(0)); }
  EXPECT_TRUE(fs::is_empty(folder));
  const Finished run = python("-m tandem.figures " + folder);
  EXPECT_EQ(run.status, 1);
  EXPECT_NE(run.output.find("no trajectory.json"), std::string::npos) << run.output;
  EXPECT_EQ(std::count(run.output.begin(), run.output.end(), '\n'), 1) << run.output;
}

TEST_F(TrajectoryFolder, WrongLengthIsNamed) {
  TrajectoryWriter writer(folder, model, info(0));
  const std::vector<double> v(11, 0.0);
  EXPECT_EQ(message_of([&] { writer.append({.v = v}); }), "trajectory: v has 11 values, expected 10");
}

// A file size limit stands in for a full disk: both make write() fail.
TEST_F(TrajectoryFolder, FullDiskIsReported) {
  TrajectoryWriter writer(folder, model, info(0));
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {4096, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string message = message_of([&] {
    for (int k = 0; k < 1000; ++k) writer.append({});
    writer.finish();
  });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(message.find(folder + ": cannot write"), std::string::npos) << message;
  EXPECT_FALSE(fs::exists(folder + "/trajectory.json"));
}

TEST_F(TrajectoryFolder, CutDataIsReported) {
  record();
  fs::resize_file(folder + "/trajectory.f64", fs::file_size(folder + "/trajectory.f64") - 8);
  const Finished run = python("-m tandem.figures " + folder);
  EXPECT_EQ(run.status, 1);
  EXPECT_NE(run.output.find("numbers, expected 50 rows"), std::string::npos) << run.output;
}

// Pictures that are not blank, of the size asked for; a film of half a second at 20 pictures per second; the same bytes twice.
TEST_F(TrajectoryFolder, PicturesShowTheRobot) {
  record();
  const Finished run = python("-m tandem.figures " + folder + " --fps 20 --size 160x120");
  ASSERT_EQ(run.status, 0) << run.output;
  const Finished look = python(
      "-c \"import sys, numpy as np; from PIL import Image; f = sys.argv[1]\n"
      "s = np.asarray(Image.open(f + '/strip.png')); print(s.shape, s.std() > 20, abs(s[:, :240].astype(int) - s[:, -240:]).max() > 20)\n"
      "p = np.asarray(Image.open(f + '/plot.png')); print(p.std() > 5)\" " +
      folder);
  EXPECT_EQ(look.output, "(360, 1920, 3) True True\nTrue\n");
  const Finished frames =
      shell("ffprobe -v error -count_frames -show_entries stream=nb_read_frames,width,height -of csv=p=0 " + folder + "/film.mp4");
  EXPECT_EQ(frames.output, "160,120,10\n");

  fs::rename(folder + "/strip.png", folder + "/first.png");
  fs::rename(folder + "/plot.png", folder + "/first_plot.png");
  ASSERT_EQ(python("-m tandem.figures " + folder + " --only strip,plot").status, 0);
  for (const auto& [a, b] : {std::pair{"/first.png", "/strip.png"}, {"/first_plot.png", "/plot.png"}}) {
    std::ifstream first(folder + a, std::ios::binary), second(folder + b, std::ios::binary);
    EXPECT_TRUE(std::equal(std::istreambuf_iterator<char>(first), {}, std::istreambuf_iterator<char>(second), {})) << b;
  }
}

TEST_F(TrajectoryFolder, WithoutFfmpegTheFilmIsAGif) {
  record();
  const Finished run = python("-m tandem.figures " + folder + " --only film --fps 10 --size 160x120", "PATH=/nonexistent");
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_NE(run.output.find("apt-get install ffmpeg"), std::string::npos) << run.output;
  EXPECT_GT(fs::file_size(folder + "/film.gif"), 1000u);
}

TEST_F(TrajectoryFolder, MissingRobotIsReportedInOneLine) {
  TrajectoryInfo wrong = info(0);
  wrong.xml = "/no/such/robot.xml";
  TrajectoryWriter writer(folder, model, wrong);
  writer.append({});
  writer.finish();
  const Finished run = python("-m tandem.figures " + folder + " --only strip");
  EXPECT_EQ(run.status, 1);
  EXPECT_NE(run.output.find("/no/such/robot.xml"), std::string::npos) << run.output;
  EXPECT_EQ(std::count(run.output.begin(), run.output.end(), '\n'), 1) << run.output;
}

}  // namespace
}  // namespace tandem
