#include "base/cuda.cuh"
#include "base/device.hpp"
#include "env/task_worlds.hpp"

namespace tandem {
namespace {

constexpr int kThreads = 128;

// One thread per world.
template <void (*world)(const TaskFleet&, int)>
__global__ void __launch_bounds__(kThreads) stage_kernel(TaskFleet fleet) {
  const int w = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (w < fleet.nworld) world(fleet, w);
}

template <void (*world)(const TaskFleet&, int)>
void launch(const TaskFleet& fleet, cudaStream_t stream) {
  stage_kernel<world><<<static_cast<unsigned>((fleet.nworld + kThreads - 1) / kThreads), kThreads, 0, stream>>>(fleet);
  check_cuda(cudaGetLastError(), "stage of the task");
}

struct CudaBackend : TaskBackend {
  DeviceArray<std::byte> memory;

  explicit CudaBackend(std::size_t bytes) : memory(bytes) {
    data = memory.data;
    check_cuda(cudaMemset(data, 0, bytes), "clear");
  }
  void upload(std::size_t at, const std::vector<std::byte>& bytes) override {
    check_cuda(cudaDeviceSynchronize(), "stages of the task");
    check_cuda(cudaMemcpy(data + at, bytes.data(), bytes.size(), cudaMemcpyHostToDevice), "arrays of the task");
    check_cuda(cudaDeviceSynchronize(), "arrays of the task");  // the copy may still be on its way, and a stage may run in another stream
  }
  std::vector<std::byte> download(std::size_t at, std::size_t size) const override {
    std::vector<std::byte> bytes(size);
    check_cuda(cudaDeviceSynchronize(), "stages of the task");
    check_cuda(cudaMemcpy(bytes.data(), data + at, size, cudaMemcpyDeviceToHost), "arrays of the task");
    return bytes;
  }
  void run(TaskStage stage, const TaskFleet& fleet, void* stream) override {
    const auto s = static_cast<cudaStream_t>(stream);
    switch (stage) {
      case TaskStage::kStart:
        return launch<start_world>(fleet, s);
      case TaskStage::kCommand:
        return launch<command_world>(fleet, s);
      case TaskStage::kFinish:
        return launch<finish_world>(fleet, s);
      case TaskStage::kMeasure:
        return launch<measure_world>(fleet, s);
      case TaskStage::kObserve:
        return launch<observe_world>(fleet, s);
    }
  }
};

}  // namespace

std::unique_ptr<TaskBackend> make_task_cuda(std::size_t bytes) {
  check_cuda_device();
  const std::size_t free = cuda_device().free_memory;
  check(bytes <= free, "the task takes ", bytes >> 20, " MiB of the GPU, free are ", free >> 20,
        " MiB: ask for fewer worlds, or end what else uses it");
  return std::make_unique<CudaBackend>(bytes);
}

}  // namespace tandem
