// One control step of a robot that stands and is told to walk: loads it, runs its MPC, prints what every motor should do. usage: walk [ROBOT]
#include <array>
#include <cstdio>
#include <exception>
#include <vector>

#include "model/robot.hpp"
#include "mpc/mpc.hpp"

static void walk(const char* name) {
  const tandem::Robot robot = tandem::load_robot(name);
  const tandem::Model& model = robot.model;
  tandem::Mpc mpc(model, tandem::make_mpc_settings(robot), /*nworld=*/1);

  // in your program: the state that was measured, 100 times a second
  const std::vector<double> q = robot.stand, v(model.nv, 0.0);
  const std::array command = {robot.base_height, 0.5, 0.0, 0.0};  // height, forward, left [m/s], yaw rate
  mpc.step(q, v, command);

  // at the rate of the motor drives; the joints are the last entries of q and v
  const double* joint_q = &q[model.nq - model.njnt];
  const double* joint_v = &v[model.nv - model.njnt];
  for (int j = 0; j < model.njnt; ++j) {
    const double tau = mpc.output.tau_ff[j] + robot.kp[j] * (mpc.output.q_des[j] - joint_q[j]) + robot.kd[j] * (mpc.output.v_des[j] - joint_v[j]);
    std::printf("%-32s %8.2f N m\n", model.joint_name[j].c_str(), tau);
  }
}

int main(int argc, char** argv) {
  try {
    walk(argc > 1 ? argv[1] : "mit_humanoid");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "walk: %s\n", error.what());
    return 1;
  }
}
