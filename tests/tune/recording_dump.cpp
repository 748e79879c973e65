// recording_dump FILE: writes a recording for test_recording.py.
#include <cstdio>

#include "tests/tune/recordings.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: recording_dump FILE\n", stderr);
    return 2;
  }
  tandem::Recording recording;
  recording.robot = "robot", recording.controller = "toy", recording.sample_dt = 0.01, recording.theta = {1, 2};
  recording.time = {0, 0.01, 0.02}, recording.trajectory = {0, 0, 1}, recording.fell = {0, 1}, recording.cost = {1, 2, 3};
  recording.columns = {{"x", "m", 2, {1, 2, 3, 4, 5, 6}}, {"force", "N", 1, {-1, -2, -3}}};
  tandem::save_recording(recording, argv[1]);
}
