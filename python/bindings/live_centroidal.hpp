// The centroidal MPC and its tracker as a controller of the live loop: set points once per control step. docs/centroidal.md.
#pragma once

#include "centroidal/tracker.hpp"
#include "cli/settings.hpp"
#include "env/control_loop.hpp"

namespace tandem::python {

struct LiveCentroidal {
  CentroidalMpc mpc;
  Tracker tracker;

  // Throws Error where robot, gait and control step do not fit this controller.
  LiveCentroidal(const Robot& robot, const GaitSettings& gait, double control_dt);

  bool has_gait(const GaitSettings& gait) const;

  // Plans for what `loop` has measured; its robot's set points are then in tracker.output.
  void step(ControlLoop& loop);
};

constexpr const char* kCentroidal = "centroidal";  // label of its Pilot

// As choose_controller: settings of a loop without a controller of its own. The gait stays open to changes by name. Throws Error as LiveCentroidal does.
void choose_centroidal(const std::string& policy_file, RunSettings& settings);

}  // namespace tandem::python
