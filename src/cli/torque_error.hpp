// By how much the joint torques of a solver's answer differ from those of the exact optimum of the same problem: what a benchmark checks before it times.
// docs/programs.md, "Torque error".
#pragma once

#include <vector>

#include "cli/bench.hpp"
#include "cli/osqp_reference.hpp"

namespace tandem {

constexpr int kProblemStride = 30;  // control steps between two problems that are checked

// One problem out of the closed loop and the MPC's answer to it.
struct QpSample {
  Kind kind;
  std::vector<double> q;               // measured configuration  (nq)
  std::vector<float> qp;               // data of qp_size(dims)
  std::vector<double> v1, F0;          // linearisation point: velocity of node 1 (nv), forces of interval 0 (ncon, 3)
  std::vector<double> v1_mpc, F0_mpc;  // the answer of Mpc::step
};

// Shows the states to `mpc` (of one world) and keeps every `stride`-th problem of every world, from step `stride` on.
std::vector<QpSample> collect_samples(Mpc& mpc, const BenchStates& states, int stride);

// Largest joint torque error of each sample [N m]; NaN where the reference found no exact solution (a hard row cannot be met).
struct TorqueErrors {
  std::vector<double> mpc;    // of Mpc::step
  std::vector<double> paper;  // of OSQP after 25 iterations
};
TorqueErrors torque_errors(const Mpc& mpc, const std::vector<QpSample>& samples, const OsqpReference& reference);

// Largest difference between the problem that `mpc` (of one world, which is reset) forms for a state, in float and in vector lanes, and the same kernels
// in double on one lane, over the largest entry of each of the problem's blocks, at least 0.1. NaN entries count as infinite.
double formed_qp_error(Mpc& mpc, const StateRecording& recording, int world, int step);

// Largest difference between the feed-forward torques of the last step() of `mpc` (of one world) and inverse dynamics in double of the plan [N m].
double feed_forward_error(const Mpc& mpc, std::span<const double> q, std::span<const double> v);

}  // namespace tandem
