#include "mpc/fields.hpp"

namespace tandem {

Fields fields(MpcSettings& m) {
  MpcWeights& w = m.weights;
  SolverSettings& q = m.solver;
  const Range positive = more_than(0), non_negative = at_least(0);
  return {{"mpc.nodes", &m.nodes, {2, 64}},
          {"mpc.dt", FreeList{&m.dt}, positive},
          {"mpc.control_dt", &m.control_dt, positive},
          {"mpc.nominal", &m.nominal},
          {"mpc.friction", &m.friction, positive},
          {"mpc.friction_sides", &m.friction_sides},
          {"mpc.foot_distance", &m.foot_distance, non_negative},
          {"mpc.delay", &m.delay, {0, 0.1}},
          {"mpc.pose_trust", &m.pose_trust, {0.01, 1}},
          {"mpc.integral_gain", &m.integral_gain, non_negative},
          {"mpc.integral_limit", &m.integral_limit, non_negative},
          {"mpc.step_rate", &m.step_rate, at_least(1)},
          {"mpc.step_rate_error", Interval{m.step_rate_error}, non_negative},
          {"mpc.step_rate_forward", &m.step_rate_forward, non_negative},
          {"mpc.step_rate_time", &m.step_rate_time, non_negative},
          {"mpc.rho_stance", &m.rho_stance, non_negative},
          {"mpc.rho_swing", &m.rho_swing, non_negative},
          {"mpc.rho_feet", &m.rho_feet, non_negative},
          {"mpc.rho_friction", &m.rho_friction, non_negative},
          {"mpc.rho_position", &m.rho_position, non_negative},
          {"mpc.rho_velocity", &m.rho_velocity, non_negative},
          {"gait.period", &m.gait.period, positive},
          {"gait.stance_fraction", &m.gait.stance_fraction, {0, 1, true}},
          {"gait.offset", &m.gait.offset},
          {"gait.swing_height", &m.gait.swing_height, non_negative},
          {"gait.takeoff_velocity", &m.gait.takeoff_velocity},
          {"gait.touchdown_velocity", &m.gait.touchdown_velocity},
          {"weights.base_position", Triple{w.base_position}, non_negative},
          {"weights.base_orientation", Triple{w.base_orientation}, non_negative},
          {"weights.base_linear_velocity", Triple{w.base_linear_velocity}, non_negative},
          {"weights.base_angular_velocity", Triple{w.base_angular_velocity}, non_negative},
          {"weights.force", Triple{w.force}, positive},
          {"weights.joint_position", &w.joint_position, non_negative},
          {"weights.joint_velocity", &w.joint_velocity, non_negative},
          {"solver.mode", make_choice(&q.mode, {"riccati", "osqp"})},
          {"solver.iterations", &q.iterations, at_least(1)},
          {"solver.relaxation", &q.relaxation, {0, 2, true, true}},
          {"solver.rho_scale", &q.rho_scale, positive},
          {"solver.warm_start", &q.warm_start},
          {"solver.tolerance", &q.tolerance, non_negative},
          {"solver.osqp_rho", &q.osqp_rho, positive},
          {"solver.osqp_sigma", &q.osqp_sigma, positive},
          {"solver.osqp_scaling", &q.osqp_scaling, non_negative}};
}

}  // namespace tandem
