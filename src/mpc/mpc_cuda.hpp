// The whole-body MPC of many robots on a GPU: the kernels of Mpc, one robot per block, a control step as one CUDA graph. docs/gpu.md.
//
//   std::puts(describe(MpcCuda::plan(model, settings, nworld)).c_str());   // how much memory it will take
//   MpcCuda mpc(model, settings, nworld);
//   mpc.upload(q, v, command);  mpc.step(mpc.input());  mpc.download(output);   // arrays of the host
//   mpc.step({q_device, stride, ...}, stream);  mpc.output().tau_ff             // arrays of the device, no copy
//
// A step neither allocates nor waits. Numbers are floats; rows of the arrays here start at multiples of 16 bytes.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mpc/device_plan.hpp"
#include "mpc/mpc.hpp"

namespace tandem {

// Measured states and commands in the device's memory: rows of consecutive numbers, `stride` numbers from one row to the next.
struct DeviceInput {
  const float* q;  // (nworld, nq)
  int q_stride;
  const float* v;  // (nworld, nv)
  int v_stride;
  const float* command;  // as Mpc::step  (nworld, 4)
  int command_stride;
  const unsigned char* active = nullptr;  // 0: leave this robot alone  (nworld); nullptr: all take part
  const float* ground = nullptr;          // as Mpc::step  (nworld, 3); nullptr: level at height 0
  int ground_stride = 3;
};

// What a step writes, in the device's memory; the next step overwrites it. Meanings as in MpcOutput.
struct DeviceOutput {
  float *tau_ff, *q_des, *v_des;  // (nworld, njnt), rows joint_stride apart
  int joint_stride;
  float *value, *phase;                                         // (nworld)
  float *status, *primal_residual, *dual_residual, *objective;  // status: the number of a Status  (nworld)
};

// What a kernel takes of a multiprocessor, as compiled and as a step launches it.
struct KernelUse {
  std::string name;                           // "begin", "linearise", "solve", "finish"
  int threads;                                // of a block
  int registers, local_bytes;                 // of a thread; local: what lies on its stack, registers that were spilled among it [bytes]
  std::size_t static_shared, dynamic_shared;  // of a block [bytes]
  int blocks;                                 // that are resident together on a multiprocessor
  double occupancy;                           // share of the threads that a multiprocessor could hold
};

class MpcCuda {
 public:
  // What an MpcCuda of the current device will take. Throws as the constructor does, memory aside.
  static MpcDevicePlan plan(const Model& model, const MpcSettings& settings, int nworld, int blocks = 0, bool known_sizes = true);

  // Takes plan().total_bytes of the current device. Throws Error where Mpc does, without a device, on one that is too old or has too little free memory
  // (naming how many robots would fit), for nworld above 65,536, for SolverMode::kOsqp, and in a build without CUDA. blocks, known_sizes:
  // plan_device().
  MpcCuda(const Model& model, const MpcSettings& settings, int nworld, int blocks = 0, bool known_sizes = true);
  ~MpcCuda();
  MpcCuda(MpcCuda&&) noexcept;

  // One control step of every robot, put into `stream` (a cudaStream_t; nullptr: the default stream): returns at once. A robot whose state is not finite
  // or whose problem cannot be solved gets the safe output and its status; the others do not notice.
  void step(const DeviceInput& input, void* stream = nullptr);

  // Returns when all steps so far are done.
  void wait() const;

  // The same in one launch per stage, timed by the device; waits for each. Seconds per robot.
  MpcProfile step_by_stages(const DeviceInput& input);

  // Forgets the plans of the robots whose mask is not 0 (nullptr: of all); their gait times become `phase` [periods], nullptr: 0. Device memory, (nworld).
  void reset(const unsigned char* mask = nullptr, const float* phase = nullptr, void* stream = nullptr);

  // The object's own arrays for inputs, which upload() fills, and its outputs.
  DeviceInput input() const;
  DeviceOutput output() const;

  // Between host arrays of Mpc's shapes and those; wait for the device. Throw Error on wrong sizes.
  void upload(std::span<const double> q, std::span<const double> v, std::span<const double> command);
  void download(MpcOutput& output) const;

  // As those of Mpc, with the same bytes: each goes on from what the other saved. Wait for the device.
  std::vector<std::byte> save() const;
  void load(std::span<const std::byte> bytes);

  // Of the launches of a step, in their order.
  std::vector<KernelUse> kernels() const;

  const MpcDevicePlan& plan() const;
  const MpcSettings& settings() const;
  const Model& model() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem
