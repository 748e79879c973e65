// Control steps of a robot that stands and is told to walk: loads it and, if named, a policy; prints what every motor should do. usage: walk [ROBOT [POLICY]]
#include <array>
#include <cstdio>
#include <exception>
#include <vector>

#include "deploy/controller.hpp"
#include "deploy/trained_settings.hpp"

static void walk(const char* name, const char* policy) {
  const tandem::Robot robot = tandem::load_robot(name);
  const tandem::Model& model = robot.model;
  tandem::PolicyController controller(robot, policy, tandem::trained_settings(robot, policy));
  std::vector<double> tau(model.njnt);

  // in your program: the state that was measured, 100 times a second
  const std::vector<double> q = robot.stand, v(model.nv, 0.0);
  const std::array command = {robot.base_height, 0.5, 0.0, 0.0};  // height, forward, left [m/s], yaw rate
  controller.step(q, v, command);
  if (!tandem::usable(controller.status[0])) std::puts("no plan: the nominal pose at rest");

  // at the rate of the motors; or give tau_ff, q_des, v_des, kp and kd to drives that know this law
  controller.torque(q, v, tau);
  for (int j = 0; j < model.njnt; ++j) std::printf("%-32s %8.2f N m\n", model.joint_name[j].c_str(), tau[j]);
}

int main(int argc, char** argv) {
  try {
    walk(argc > 1 ? argv[1] : "mit_humanoid", argc > 2 ? argv[2] : "");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "walk: %s\n", error.what());
    return 1;
  }
}
