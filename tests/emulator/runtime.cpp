// CUDA's runtime library on the emulated device: what the project calls of it. Programs that are linked with this in the place of libcudart run their kernels
// on the processor. A fault of a kernel is printed, and is the error of every later call, as on a GPU.
//   TANDEM_EMULATOR_CHECK=1       look for races and for numbers that nothing has written: two to three times slower
//   TANDEM_EMULATOR_PROFILE=FILE  write how often every instruction was executed
//   TANDEM_EMULATOR_CYCLES=FILE   write an estimate of the cycles of every kernel (cycles.hpp)
#include <cuda_runtime.h>
#include <zstd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>

#include "tests/emulator/cycles.hpp"

using namespace tandem::ptx;

namespace {

// Few, so that a launch has more robots than blocks; TANDEM_EMULATOR_MULTIPROCESSORS=132 has as many as an H200.
int multiprocessors() {
  const char* asked = std::getenv("TANDEM_EMULATOR_MULTIPROCESSORS");
  return asked ? std::atoi(asked) : 3;
}
constexpr int kSharedPerMultiprocessor = 228 << 10, kSharedPerBlock = 227 << 10, kSharedUnlessAsked = 48 << 10, kSharedOfSystem = 1 << 10;
constexpr int kThreadsPerMultiprocessor = 2048, kBlocksPerMultiprocessor = 32;
constexpr size_t kMemory = size_t{8} << 30;

struct Kernel {
  Module* module;
  std::string name;
  int shared_at_most = kSharedUnlessAsked;
  const Function& function() const { return module->function(name); }
};

// One launch with its arguments, copied.
struct Launch {
  Kernel* kernel;
  Dim blocks, threads;
  size_t shared;
  std::vector<std::byte> arguments;
};

struct Runtime {
  Device device;
  std::deque<Module> modules;
  std::unordered_map<const void*, Kernel> kernels;  // by the host's function
  std::map<void*, size_t> allocations;
  size_t used = 0;
  cudaError_t sticky = cudaSuccess, last = cudaSuccess;
  struct {
    dim3 blocks, threads;
    size_t shared;
    cudaStream_t stream;
  } configuration;
};
Runtime& runtime();
// Opens the file that a variable of the environment names.
template <class Use>
void write_file(const char* variable, Use&& use) {
  const char* path = std::getenv(variable);
  std::FILE* file = path ? std::fopen(path, "w") : nullptr;
  if (!file) return;
  use(file);
  std::fclose(file);
}
void write_reports() {
  write_file("TANDEM_EMULATOR_PROFILE", [](std::FILE* file) {
    for (const Module& module : runtime().modules) module.write_executed(file);
  });
  if (const Cycles* cycles = runtime().device.cycles) write_file("TANDEM_EMULATOR_CYCLES", [&](std::FILE* file) { cycles->write(file); });
}
// Never ends: kernels are registered before main and launched until after it.
Runtime& runtime() {
  static Runtime* all = [] {
    auto* r = new Runtime;
    const char* check = std::getenv("TANDEM_EMULATOR_CHECK");
    if (check && check[0] == '1') r->device.races = std::make_unique<RaceCheck>();
    if (std::getenv("TANDEM_EMULATOR_CYCLES")) r->device.cycles = new Cycles;
    std::atexit(write_reports);
    return r;
  }();
  return *all;
}

cudaError_t result(cudaError_t error) {
  Runtime& r = runtime();
  if (r.sticky != cudaSuccess) error = r.sticky;
  if (error != cudaSuccess) r.last = error;
  return error;
}

// The PTX in a binary that nvcc has put into an object file: a header, then entries of which one is PTX, packed by zstd.
std::string ptx_of(const void* wrapper) {
  const auto read = [](const std::byte* at, auto& value) { std::memcpy(&value, at, sizeof(value)); };
  const std::byte* data;
  uint64_t size;
  uint16_t header;
  read(static_cast<const std::byte*>(wrapper) + 8, data);
  read(data + 6, header), read(data + 8, size);
  for (const std::byte *entry = data + header, *end = entry + size; entry < end;) {
    uint16_t kind;
    uint32_t entry_header, packed;
    uint64_t entry_size, text_size;
    read(entry, kind), read(entry + 4, entry_header), read(entry + 8, entry_size), read(entry + 16, packed), read(entry + 56, text_size);
    if (kind == 1) {
      std::string text(text_size, 0);
      const size_t n = ZSTD_decompress(text.data(), text.size(), entry + entry_header, packed);
      if (ZSTD_isError(n)) throw Fault(std::string("the PTX of a kernel cannot be unpacked: ") + ZSTD_getErrorName(n));
      text.resize(std::strlen(text.c_str()));
      return text;
    }
    entry += entry_header + entry_size;
  }
  throw Fault("an object file of kernels has no PTX; compile it for compute_90 too");
}

Kernel* find_kernel(const void* function) {
  const auto found = runtime().kernels.find(function);
  return found == runtime().kernels.end() ? nullptr : &found->second;
}

Dim dim(dim3 d) { return {d.x, d.y, d.z}; }

cudaError_t prepare(const void* function, dim3 blocks, dim3 threads, void** arguments, size_t shared, Launch& out) {
  Kernel* kernel = find_kernel(function);
  if (!kernel) return cudaErrorInvalidDeviceFunction;
  const Function& f = kernel->function();
  const int n = static_cast<int>(threads.x * threads.y * threads.z);
  if (n < 1 || n > f.threads_at_most || blocks.x < 1 || blocks.x > 0x7fffffff || static_cast<int>(shared) > kernel->shared_at_most)
    return cudaErrorInvalidValue;
  out = {kernel, dim(blocks), dim(threads), shared, std::vector<std::byte>(f.parameter_bytes)};
  for (size_t i = 0; i < f.parameters.size(); ++i) std::memcpy(out.arguments.data() + f.parameters[i].at, arguments[i], f.parameters[i].size);
  return cudaSuccess;
}

cudaError_t run(const Launch& l) {
  Runtime& r = runtime();
  if (r.sticky != cudaSuccess) return r.sticky;
  try {
    launch(r.device, *l.kernel->module, l.kernel->function(), l.blocks, l.threads, l.shared, l.arguments.data());
  } catch (const Fault& fault) {
    std::fprintf(stderr, "emulated kernel: %s\n", fault.what());
    r.sticky = cudaErrorLaunchFailure;
  }
  return r.sticky;
}

struct Event {
  std::chrono::steady_clock::time_point time;
};
struct Graph {
  std::deque<Launch> launches;
};
Graph* graph_of(void* graph) { return static_cast<Graph*>(graph); }

}  // namespace

extern "C" {

// --- what nvcc's host code calls ---
void** __cudaRegisterFatBinary(void* wrapper) {
  Runtime& r = runtime();
  try {
    Module& module = r.modules.emplace_back(ptx_of(wrapper));
    for (const auto& [name, bytes] : module.globals()) {
      r.device.memory.add(bytes.data(), bytes.size());
      if (r.device.races) r.device.races->written(bytes.data(), bytes.size());
    }
    return reinterpret_cast<void**>(&module);
  } catch (const Fault& fault) {
    std::fprintf(stderr, "emulated device: %s\n", fault.what());
    std::abort();
  }
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
char __cudaInitModule(void**) { return 0; }
void __cudaRegisterFunction(void** module, const char* host, char*, const char* name, int, uint3*, uint3*, dim3*, dim3*, int*) {
  runtime().kernels[host] = {reinterpret_cast<Module*>(module), name};
}
unsigned __cudaPushCallConfiguration(dim3 blocks, dim3 threads, size_t shared, cudaStream_t stream) {
  runtime().configuration = {blocks, threads, shared, stream};
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* blocks, dim3* threads, size_t* shared, void* stream) {
  const auto& c = runtime().configuration;
  *blocks = c.blocks, *threads = c.threads, *shared = c.shared, *static_cast<cudaStream_t*>(stream) = c.stream;
  return cudaSuccess;
}
cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* function) {
  *kernel = reinterpret_cast<cudaKernel_t>(const_cast<void*>(function));
  return cudaSuccess;
}
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 blocks, dim3 threads, void** arguments, size_t shared, cudaStream_t stream) {
  return cudaLaunchKernel(reinterpret_cast<const void*>(kernel), blocks, threads, arguments, shared, stream);
}

// --- kernels ---
cudaError_t cudaLaunchKernel(const void* function, dim3 blocks, dim3 threads, void** arguments, size_t shared, cudaStream_t) {
  Launch l;
  if (const cudaError_t error = prepare(function, blocks, threads, arguments, shared, l); error != cudaSuccess) return result(error);
  return result(run(l));
}
cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value) {
  Kernel* kernel = find_kernel(function);
  if (!kernel) return result(cudaErrorInvalidValue);
  if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout) return result(value >= -1 && value <= 100 ? cudaSuccess : cudaErrorInvalidValue);
  // a kernel's own shared memory counts too
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 || value > kSharedPerBlock - kSharedOfSystem)
    return result(cudaErrorInvalidValue);
  kernel->shared_at_most = value;
  return result(cudaSuccess);
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* function) {
  const Kernel* kernel = find_kernel(function);
  if (!kernel) return result(cudaErrorInvalidDeviceFunction);
  *attributes = {};                               // registers are not known: 0
  attributes->sharedSizeBytes = kSharedOfSystem;  // of every kernel for this architecture, by its machine code
  attributes->localSizeBytes = kernel->function().stack_bytes;
  attributes->maxThreadsPerBlock = kernel->function().threads_at_most;
  attributes->maxDynamicSharedSizeBytes = kernel->shared_at_most;
  return result(cudaSuccess);
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void* function, int threads, size_t shared, unsigned) {
  if (!find_kernel(function)) return result(cudaErrorInvalidDeviceFunction);
  *blocks = std::min(
      {kBlocksPerMultiprocessor, kThreadsPerMultiprocessor / threads, kSharedPerMultiprocessor / (static_cast<int>(shared) + kSharedOfSystem)});
  return result(cudaSuccess);
}

// --- memory ---
cudaError_t cudaMalloc(void** at, size_t size) {
  Runtime& r = runtime();
  if (r.used + size > kMemory) return result(cudaErrorMemoryAllocation);
  *at = size == 0 ? nullptr : std::aligned_alloc(256, (size + 255) / 256 * 256);
  if (!*at) return result(size == 0 ? cudaSuccess : cudaErrorMemoryAllocation);
  std::memset(*at, 0xff, size);
  r.allocations[*at] = size, r.used += size;
  r.device.memory.add(*at, size);
  return result(cudaSuccess);
}
cudaError_t cudaFree(void* at) {
  Runtime& r = runtime();
  if (!at) return result(cudaSuccess);
  const auto found = r.allocations.find(at);
  if (found == r.allocations.end()) return result(cudaErrorInvalidValue);
  if (r.device.races) r.device.races->forget(at, found->second);
  r.device.memory.remove(at);
  r.used -= found->second;
  r.allocations.erase(found);
  std::free(at);
  return result(cudaSuccess);
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t n, cudaMemcpyKind kind) {
  Runtime& r = runtime();
  const auto inside = [&](const void* at) {
    auto found = r.allocations.upper_bound(const_cast<void*>(at));
    if (found == r.allocations.begin()) return n == 0;
    --found;
    return static_cast<const char*>(at) + n <= static_cast<const char*>(found->first) + found->second;
  };
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice,
             from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if ((to_device && !inside(to)) || (from_device && !inside(from))) return result(cudaErrorInvalidValue);
  if (r.sticky == cudaSuccess) std::memcpy(to, from, n);
  if (to_device && r.device.races) r.device.races->written(to, n);
  return result(cudaSuccess);
}
cudaError_t cudaMemset(void* at, int value, size_t n) {
  if (n > 0) {
    std::memset(at, value, n);
    if (runtime().device.races) runtime().device.races->written(at, n);
  }
  return result(cudaSuccess);
}
cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  *free = kMemory - runtime().used, *total = kMemory;
  return result(cudaSuccess);
}

// --- the device ---
cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, result(cudaSuccess); }
cudaError_t cudaGetDevice(int* device) { return *device = 0, result(cudaSuccess); }
cudaError_t cudaDeviceSynchronize() { return result(cudaSuccess); }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) {
  *p = {};
  std::strcpy(p->name, "emulator of PTX");
  p->major = 9, p->minor = 0;
  p->multiProcessorCount = multiprocessors();
  p->sharedMemPerBlockOptin = kSharedPerBlock, p->sharedMemPerMultiprocessor = kSharedPerMultiprocessor;
  return result(cudaSuccess);
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = kSharedPerBlock;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = kThreadsPerMultiprocessor;
      break;
    case cudaDevAttrClockRate:
    case cudaDevAttrMemoryClockRate:
    case cudaDevAttrGlobalMemoryBusWidth:
      *value = 1;
      break;
    default:
      return result(cudaErrorInvalidValue);
  }
  return result(cudaSuccess);
}
cudaError_t cudaDeviceGetPCIBusId(char* id, int n, int) { return std::snprintf(id, static_cast<size_t>(n), "0000:00:00.0"), result(cudaSuccess); }
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorLaunchFailure:
      return "unspecified launch failure";
    default:
      return "an error of the emulated device";
  }
}
cudaError_t cudaGetLastError() {
  const cudaError_t error = result(cudaSuccess) != cudaSuccess ? runtime().sticky : runtime().last;
  runtime().last = cudaSuccess;
  return error;
}

// --- events and graphs ---
cudaError_t cudaEventCreate(cudaEvent_t* event) { return *event = reinterpret_cast<cudaEvent_t>(new Event), result(cudaSuccess); }
cudaError_t cudaEventDestroy(cudaEvent_t event) { return delete reinterpret_cast<Event*>(event), result(cudaSuccess); }
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  return reinterpret_cast<Event*>(event)->time = std::chrono::steady_clock::now(), result(cudaSuccess);
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return result(cudaSuccess); }
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t a, cudaEvent_t b) {
  *ms = std::chrono::duration<float, std::milli>(reinterpret_cast<Event*>(b)->time - reinterpret_cast<Event*>(a)->time).count();
  return result(cudaSuccess);
}

// A graph's nodes are launches in the order of their making, each after the one before.
cudaError_t cudaGraphCreate(cudaGraph_t* graph, unsigned) { return *graph = reinterpret_cast<cudaGraph_t>(new Graph), result(cudaSuccess); }
cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t* node, cudaGraph_t graph, const cudaGraphNode_t* after, size_t n, const cudaKernelNodeParams* p) {
  Graph* g = graph_of(graph);
  const size_t number = g->launches.size();
  if (n != (number > 0 ? 1 : 0) || (n == 1 && reinterpret_cast<size_t>(after[0]) != number)) return result(cudaErrorInvalidValue);
  Launch l;
  if (const cudaError_t error = prepare(p->func, p->gridDim, p->blockDim, p->kernelParams, p->sharedMemBytes, l); error != cudaSuccess)
    return result(error);
  g->launches.push_back(std::move(l));
  *node = reinterpret_cast<cudaGraphNode_t>(number + 1);
  return result(cudaSuccess);
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  return *executable = reinterpret_cast<cudaGraphExec_t>(new Graph(*graph_of(graph))), result(cudaSuccess);
}
cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t executable, cudaGraphNode_t node, const cudaKernelNodeParams* p) {
  Graph* g = graph_of(executable);
  const size_t number = reinterpret_cast<size_t>(node);
  if (number < 1 || number > g->launches.size()) return result(cudaErrorInvalidValue);
  return result(prepare(p->func, p->gridDim, p->blockDim, p->kernelParams, p->sharedMemBytes, g->launches[number - 1]));
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t) {
  for (const Launch& l : graph_of(executable)->launches)
    if (const cudaError_t error = run(l); error != cudaSuccess) return result(error);
  return result(cudaSuccess);
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) { return delete graph_of(executable), result(cudaSuccess); }
cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return delete graph_of(graph), result(cudaSuccess); }

}  // extern "C"
