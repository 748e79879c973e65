#include <new>

#include "base/parallel.hpp"
#include "env/task_worlds.hpp"

namespace tandem {
namespace {

void run_world(TaskStage stage, const TaskFleet& fleet, int w) {
  switch (stage) {
    case TaskStage::kStart:
      return start_world(fleet, w);
    case TaskStage::kCommand:
      return command_world(fleet, w);
    case TaskStage::kFinish:
      return finish_world(fleet, w);
    case TaskStage::kMeasure:
      return measure_world(fleet, w);
    case TaskStage::kObserve:
      return observe_world(fleet, w);
  }
}

struct CpuBackend : TaskBackend {
  std::vector<std::byte> memory;
  ThreadPool pool;

  CpuBackend(std::size_t bytes, int threads) : memory(bytes), pool(threads) { data = memory.data(); }
  void upload(std::size_t at, const std::vector<std::byte>& bytes) override { std::copy(bytes.begin(), bytes.end(), data + at); }
  std::vector<std::byte> download(std::size_t at, std::size_t size) const override { return {data + at, data + at + size}; }
  void run(TaskStage stage, const TaskFleet& fleet, void*) override {
    pool.run(fleet.nworld, [&](int w, int) { run_world(stage, fleet, w); });
  }
};

}  // namespace

std::unique_ptr<TaskBackend> make_task_cpu(std::size_t bytes, int threads) { return std::make_unique<CpuBackend>(bytes, threads); }

}  // namespace tandem
