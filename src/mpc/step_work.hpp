// How much arithmetic a control step of one robot is, counted by running the kernels of mpc/robot_step_kernel.hpp, and how many bytes of a GPU's memory it
// must move: the two sides of a roofline. docs/gpu.md, section 5. Needs no GPU.
#pragma once

#include "base/counted.hpp"
#include "mpc/device_plan.hpp"

namespace tandem {

// Arithmetic of one robot, by stage. A team does more where its lanes repeat a number that all of them need (the pivots of a Cholesky factor).
struct StepWork {
  WorkCount prepare, linearise, form;
  WorkCount factor;     // of the solve: the Riccati factorisation
  WorkCount iteration;  // each
  WorkCount judge;      // gradients before the first iteration, residuals, objective and status after the last one
  WorkCount finish;     // plan moved, inverse dynamics, set points, value
  WorkCount solve(int iterations) const { return factor + iterations * iteration + judge; }
  WorkCount step(int iterations) const;
};

// Bytes between a robot's numbers in the device's memory and the multiprocessors, by stage: everything that the stage reads or writes once, as often as
// it is used. Constants of the robot are not in it: all robots share them.
struct StepTraffic {
  std::size_t prepare, linearise, form, solve, finish;
  // What the solve reads and writes again while it works: the problem in every iteration, and gains that do not lie in shared memory. The second-level cache
  // serves it as long as resident blocks' problems fit in there.
  std::size_t solve_again;
  std::size_t step() const { return prepare + linearise + form + solve + finish; }
};

// Counts one control step in single precision of a robot that already has a plan. Control flow does not depend on data, so neither do the counts.
// Throws Error where plan_device does. Costs some ten milliseconds and a few hundred KB.
StepWork count_work(const Model& model, const MpcSettings& settings);

// From the sizes alone. In numbers of 4 bytes, with T nodes, N = T - 1, nq + nv + 2 nfoot numbers of plan per node, nF forces per interval:
//   prepare    state and command in; plan in and out
//   linearise  per node its inputs in (q, v, next v and base pose, forces, contact states), rows and linearised dynamics out
//   form       plan in; cost gradient, joint boxes, joint defects, friction directions, bounds and penalties out
//   solve      problem in; warm start in and out
//   finish     plan and step in, plan and set points out
StepTraffic count_traffic(const MpcView<float>& mpc, const MpcDevicePlan& plan, int iterations);

}  // namespace tandem
