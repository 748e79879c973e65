// TaskWorlds: the locomotion task of many worlds on one device, around a simulator and a controller whose arrays lie there too. docs/training.md, "On a
// device".
//
//   TaskWorlds worlds(robot, settings, nworld, seed, TaskDevice::kCuda);
//   worlds.connect(sim, plan);
//   worlds.run(TaskStage::kStart);                        // then restart the simulator where arrays().restart says so, and for every control step:
//   worlds.run(TaskStage::kMeasure);                      // plan from arrays().measured_q, measured_v, command
//   worlds.run(TaskStage::kObserve);                      // act on arrays().observation
//   worlds.act(action); worlds.run(TaskStage::kCommand);  // physics
//   worlds.run(TaskStage::kFinish);                       // restart, kick and push the simulator where the masks say so
//
// One thread per world, float32; a stage neither allocates nor waits. Same seed, same bits on the same device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "env/task_kernel.hpp"

namespace tandem {

enum class TaskDevice : int { kCpu, kCuda };
enum class TaskStage : int { kStart, kCommand, kFinish, kMeasure, kObserve };

// Where the arrays of a task lie and who runs its stages.
struct TaskBackend {
  std::byte* data = nullptr;  // on the device, zero at first
  virtual ~TaskBackend() = default;
  virtual void upload(std::size_t at, const std::vector<std::byte>& bytes) = 0;
  virtual std::vector<std::byte> download(std::size_t at, std::size_t size) const = 0;  // waits for the device
  virtual void run(TaskStage stage, const TaskFleet& fleet, void* stream) = 0;
};
std::unique_ptr<TaskBackend> make_task_cpu(std::size_t bytes, int threads);
// Throws Error without a device, with too little free memory, and in a build without CUDA.
std::unique_ptr<TaskBackend> make_task_cuda(std::size_t bytes);

// One array of a task, worlds first.
enum class ArrayType : int { kFloat, kInt, kByte };
struct TaskArray {
  std::string name;  // as in TaskArrays
  void* data;
  ArrayType type;
  std::size_t width;  // numbers per world; 0: one, without an axis of its own
};

// Bytes that simulator and controller saved, kept beside those of the task.
struct SavedBeside {
  std::vector<std::byte> simulator, plan;
};
inline constexpr const char* kTaskWorldsSaved = "task on a device";  // what such bytes begin with: base/bytes.hpp

class TaskWorlds {
 public:
  //   threads  of the processor that share the worlds; 0: one per processor; without effect on a GPU
  // Throws Error where ControlLoop does, and where make_task_cuda does.
  TaskWorlds(const Robot& robot, const TaskSettings& settings, int nworld, std::uint64_t seed, TaskDevice device, int threads = 1);
  ~TaskWorlds();
  TaskWorlds(const TaskWorlds&) = delete;

  // Bytes that it takes of its device.
  static std::size_t bytes(const Robot& robot, const TaskSettings& settings, int nworld);

  // Where the simulator's arrays and the controller's outputs lie, for as long as stages run. `plan` without pointers where the controller is kRl.
  void connect(const SimRows& sim, const PlanRows& plan);
  // The next actions of the policy, which must stay until kCommand is done.   (nworld, naction)
  void act(const float* action);
  // What the episodes are drawn from. The next stage must be kStart, which then begins with the first ones of this seed.
  void set_seed(std::uint64_t seed);
  // How far the training is, in [0, 1]. Throws Error for other numbers.
  void set_progress(double progress);

  // Runs one stage of all worlds; on a GPU puts it into `stream` (a cudaStream_t) and returns at once.
  // Throws Error before connect(), and for kCommand before act().
  void run(TaskStage stage, void* stream = nullptr);

  // Everything that the next stages depend on, as bytes; waits for the device. TaskWorlds that load it, on any device, go on from there.
  // load() throws Error, and changes nothing, unless the bytes are of the same robot, controller and number of worlds.
  std::vector<std::byte> save(const SavedBeside& beside) const;
  SavedBeside load(std::span<const std::byte> bytes);

  const TaskFleet& fleet() const;
  const TaskArrays& arrays() const;
  // The same by name.
  const std::vector<TaskArray>& named_arrays() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem
