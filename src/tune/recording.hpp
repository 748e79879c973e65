// Recording: what a controller and its plant did in closed loop, sample by sample, in memory and as one file. docs/cost-matching.md, section 2.
//
// The file is a JSON header, padded with spaces, and the arrays behind it. From Python:
//
//   f = open(path, "rb"); head = json.loads(f.read(int.from_bytes(f.read(8), "little")))
//   a = head["arrays"]["x"]
//   x = np.memmap(path, a["dtype"], "r", a["offset"], tuple(a["shape"]))
#pragma once

#include <string>
#include <vector>

namespace tandem {

// One quantity of every sample.
struct Column {
  std::string name, unit;
  int size;                 // numbers per sample
  std::vector<float> data;  // (nsample, size)
};

// Samples of one or more trajectories. Those of one trajectory follow one another, `sample_dt` apart.
struct Recording {
  std::string robot;                // name
  std::string controller;           // "centroidal" or "kinodynamic": whose columns these are
  double sample_dt = 0;             // between two samples of a trajectory [s]
  std::vector<double> theta;        // multipliers that the controller had
  std::vector<double> time;         // since its trajectory began [s]  (nsample)
  std::vector<int> trajectory;      // that a sample belongs to, 0, 1, ... ascending  (nsample)
  std::vector<unsigned char> fell;  // 1: the trajectory ended in a fall  (ntrajectory)
  std::vector<double> cost;         // stage cost L, compute_stage_cost() of tune/stage_cost.hpp [cost/s]  (nsample)
  std::vector<Column> columns;      // what the controller's fit needs; tune/centroidal_recorder.hpp, tune/kinodynamic.hpp
};

int nsample(const Recording& recording);
int ntrajectory(const Recording& recording);

// A column by its name. Throws Error with the names there are.
const Column& column(const Recording& recording, const std::string& name);

// Adds the trajectories of `more` behind those of `all`; an empty `all` becomes `more`. Throws Error unless both are of the same robot, controller, sample
// time, theta and columns.
void append(Recording& all, const Recording& more);

// Throws Error, naming what is wrong, unless all sizes fit together and trajectories are numbered in order.
void check_recording(const Recording& recording);

// Writes the file, whole or not at all. Throws Error as write_atomically and check_recording do.
void save_recording(const Recording& recording, const std::string& path);

// Reads what save_recording wrote. Throws Error naming the file if it is missing, truncated, something else, or of another version.
Recording load_recording(const std::string& path);

}  // namespace tandem
