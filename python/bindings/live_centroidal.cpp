#include "live_centroidal.hpp"

#include "base/check.hpp"

namespace tandem::python {
namespace {

CentroidalSettings with_gait(const GaitSettings& gait) {
  CentroidalSettings settings;
  settings.gait = gait;
  return settings;
}

}  // namespace

LiveCentroidal::LiveCentroidal(const Robot& robot, const GaitSettings& gait, double control_dt) : mpc(robot, with_gait(gait), 1), tracker(mpc) {
  check(mpc.settings().control_dt == control_dt, "the centroidal MPC plans every ", mpc.settings().control_dt,
        " s, expected mpc.control_dt = ", control_dt, " s");
}

bool LiveCentroidal::has_gait(const GaitSettings& gait) const {
  const GaitSettings& own = mpc.settings().gait;
  return own.period == gait.period && own.stance_fraction == gait.stance_fraction && own.offset == gait.offset &&
         own.swing_height == gait.swing_height;
}

void LiveCentroidal::step(ControlLoop& loop) {
  mpc.step(loop.measured_q, loop.measured_v, loop.command);
  tracker.follow(mpc.plan(0), 0, loop.measured_q.data(), loop.measured_v.data());
}

void choose_centroidal(const std::string& policy_file, RunSettings& settings) {
  check(policy_file.empty(), "--policy ", policy_file, ": --controller centroidal takes no policy; leave one of them out");
  settings.task.mpc.gait = centroidal_gait("brisk_walk");
  const LiveCentroidal fits(settings.robot, settings.task.mpc.gait, settings.task.mpc.control_dt);
  settings.task.controller = Controller::kRl;
  settings.pilot = {};
  settings.pilot.label = kCentroidal;
}

}  // namespace tandem::python
