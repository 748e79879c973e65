// TrajectoryWriter: one robot's motion as a folder that python/tandem/trajectory.py reads and draws.
//
//   trajectory.json   what it is: robot, MJCF, names, limits, and the columns of a row
//   trajectory.f64    one row of doubles per control step, native byte order
//
// A row is the blocks of TrajectoryRow in that order, each of fixed length; a prediction block is absent if horizon is 0.
// While it is written the data file is called trajectory.f64.part; finish() renames it and writes the JSON last, so a folder with a
// trajectory.json is complete.
#pragma once

#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "model/model.hpp"

namespace tandem {

struct TrajectoryInfo {
  std::string xml;         // path of the MJCF, absolute or relative to where the pictures are made
  double control_dt;       // time between rows [s]
  double base_height = 0;  // commanded [m]; 0: not shown
  int horizon = 0;         // nodes of the prediction in each row; 0: none
  std::string title;       // first line of the plot; empty: the robot's name
};

// One control step. Empty spans are written as zeros, so a caller gives what it has.
struct TrajectoryRow {
  double time = 0;                               // [s]
  std::span<const double> q = {};                // configuration at `time`  (nq)
  std::span<const double> v = {};                // velocity  (nv)
  std::span<const double> tau = {};              // torques applied by the simulator over the step that ended at `time` [N m]  (njnt)
  std::span<const double> tau_ff = {};           // feed-forward torques asked for [N m]  (njnt)
  std::span<const double> foot_force = {};       // measured, world frame [N]  (nfoot, 3)
  std::span<const double> planned_force = {};    // the controller's, world frame [N]  (ncon, 3)
  std::span<const double> command = {};          // forward, left [m/s], yaw rate [rad/s]  (3)
  double solve_us = 0;                           // time of the controller's step [us]
  double value = 0;                              // V_MPC, the optimal cost
  std::span<const double> predicted_base = {};   // positions over the horizon, world frame [m]  (horizon, 3)
  std::span<const double> predicted_point = {};  // contact points over the horizon, world frame [m]  (horizon, ncon, 3)
};

class TrajectoryWriter {
 public:
  // Makes `folder` (and its parents) and opens the data file. Throws Error if that is impossible.
  TrajectoryWriter(const std::string& folder, const Model& model, const TrajectoryInfo& info);
  ~TrajectoryWriter();  // removes an unfinished data file
  TrajectoryWriter(const TrajectoryWriter&) = delete;
  TrajectoryWriter& operator=(const TrajectoryWriter&) = delete;

  // Appends one row. Throws Error on a span of the wrong length, and when the disk is full. Allocates nothing.
  void append(const TrajectoryRow& row);

  // Flushes, renames the data file, writes trajectory.json. Throws Error when the disk is full.
  void finish();

 private:
  struct Column {
    const char* name;
    int size;
  };
  void put(std::span<const double> values, int column);
  [[noreturn]] void fail(const std::string& what) const;

  std::string folder_;
  Model model_;
  TrajectoryInfo info_;
  std::vector<Column> columns_;
  std::vector<double> row_;
  int filled_ = 0;  // values of row_ written so far
  long rows_ = 0;
  std::FILE* file_ = nullptr;
};

}  // namespace tandem
