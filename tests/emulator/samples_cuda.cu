#include <bit>
#include <cmath>

#include "base/cuda.cuh"
#include "base/team_cuda.cuh"
#include "tests/emulator/samples.hpp"

namespace tandem::ptx {
namespace {

constexpr int kThreads = 64;

__global__ void wrong_kernel(Wrong what, float* numbers) {
  extern __shared__ float shared[];
  const int i = static_cast<int>(threadIdx.x);
  shared[i] = 0;
  __syncthreads();
  switch (what) {
    case Wrong::kNothing:
      numbers[i] = shared[(i + 1) % kThreads];
      break;
    case Wrong::kOutside:
      numbers[i + 1] = 1;
      break;
    case Wrong::kOutsideShared:
      shared[4 * i] = 1;
      break;
    case Wrong::kMisaligned:
      *reinterpret_cast<double*>(numbers + 1) = 1;
      break;
    case Wrong::kRaceInWarp:
      shared[i] = 1;
      numbers[i] = shared[i ^ 1];
      break;
    case Wrong::kRaceInBlock:
      shared[i] = 1;
      __syncwarp();
      numbers[i] = shared[i ^ 32];
      break;
    case Wrong::kNeverWritten:
      numbers[i] = shared[kThreads + i];
      break;
    case Wrong::kCopyNotEnded:
      numbers[i] = 1;
      __syncthreads();
      begin_copy(BlockTeam<>(), shared + kThreads, numbers, kThreads);
      __syncthreads();
      numbers[i] = shared[kThreads + i];
      break;
    case Wrong::kReadWhileCopied:
      numbers[i] = 1;
      __syncthreads();
      begin_copy(BlockTeam<>(), shared, numbers, kThreads);
      if (shared[i] > 2) return;
      end_copies(BlockTeam<>());
      break;
    case Wrong::kChangedWhileCopied:
      numbers[i] = 1;
      __syncthreads();
      begin_copy(BlockTeam<>(), shared, numbers, kThreads);
      if (4 * i < kThreads) numbers[4 * i] = 2;  // of those that this thread copies
      end_copies(BlockTeam<>());
      break;
    case Wrong::kCopyFromShared:
      begin_copy(BlockTeam<>(), shared + kThreads, shared, kThreads);
      end_copies(BlockTeam<>());
      break;
    case Wrong::kBarrierOfSome:
      if (i % 2) __syncwarp();
      __syncthreads();
      numbers[i] = 1;
      break;
  }
}

// Hands n numbers over in reverse order.
__global__ void copy_kernel(const float* from, int n, float* to) {
  extern __shared__ float shared[];
  const BlockTeam<kThreads> team;
  begin_copy(team, shared, from, n);
  end_copies(team);
  team.sync();
  for_each(team, 0, n, [=](int i) { to[i] = shared[n - 1 - i]; });
}

__global__ void chain_kernel(int* out) {
  extern __shared__ int places[];
  places[threadIdx.x] = static_cast<int>(threadIdx.x + 1) % 32;
  int at = static_cast<int>(threadIdx.x);
  __syncthreads();
#pragma unroll
  for (int k = 0; k < 64; ++k) at = places[at];
  out[threadIdx.x] = at;
}
__global__ void together_kernel(int* out) {
  extern __shared__ int places[];
  for (int k = 0; k < 2; ++k) places[32 * k + threadIdx.x] = k;
  int sum = 0;
  __syncthreads();
#pragma unroll
  for (int k = 0; k < 64; ++k) sum += places[(threadIdx.x + k) % 64];
  out[threadIdx.x] = sum;
}

__host__ __device__ uint64_t bits(float x) { return std::bit_cast<uint32_t>(x); }
__host__ __device__ uint64_t bits(double x) { return std::bit_cast<uint64_t>(x); }
__host__ __device__ uint64_t bits(int32_t x) { return static_cast<uint32_t>(x); }

// Exact in IEEE arithmetic: fused where it says so, otherwise products and sums apart.
__host__ __device__ void compute(const Sample& s, uint64_t* out) {
  int n = 0;
  const auto put = [&](auto x) { out[n++] = bits(x); };
  put(fmaf(s.x, s.y, 1.0f));
  put(s.x / s.y);
  put(sqrtf(fabsf(s.x)));
  put(fminf(s.x, s.y));
  put(fmaxf(s.x, s.y));
  put(copysignf(s.x, s.y));
  put(floorf(s.x));
  put(static_cast<int32_t>(s.x));
  put(static_cast<int32_t>(rintf(s.y)));
  put(static_cast<float>(s.a));
  put(s.u / (1 + s.u * s.u));
  put(sqrt(fabs(s.u)));
  put(static_cast<float>(s.u));
  put(s.x < s.y ? 1 : 0);
  put(!(s.x < s.y) ? 1 : 0);
  put(s.b == 0 ? s.a : s.a / s.b);
  put(s.b == 0 ? s.a : s.a % s.b);
  put(s.a >> (s.b & 31));
  put(s.a << (s.b & 31));
  out[n++] = s.p * s.q;
  out[n++] = s.p >> (s.b & 63);
  out[n++] = static_cast<uint64_t>(static_cast<unsigned __int128>(s.p) * s.q >> 64);
  // of a large angle: products with chains of carries, memory of a lane
  put(sinf(s.x * 1e6f));
}

__global__ void arithmetic_kernel(const Sample* samples, int n, uint64_t* out) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) compute(samples[i], out + kNumbers * i);
}

__global__ void sums_kernel(const int* numbers, int n, int* out) {
  extern __shared__ int parts[];
  const int lane = static_cast<int>(threadIdx.x), at = static_cast<int>(blockIdx.x * blockDim.x) + lane;
  parts[lane] = at < n ? numbers[at] : 0;
  for (int half = static_cast<int>(blockDim.x) / 2; half > 0; half /= 2) {
    __syncthreads();
    if (lane >= half) continue;
    // as often as the lane's number says
    int more = 0;
    for (int k = 0; k < lane; ++k) more += k & 1;
    parts[lane] += parts[lane + half] + more - lane / 2;
  }
  if (lane == 0) out[blockIdx.x] = parts[0];
}

}  // namespace

std::string run_wrong(Wrong what) {
  const DeviceArray<float> numbers(kThreads);
  wrong_kernel<<<1, kThreads, 2 * kThreads * sizeof(float)>>>(what, numbers.data);
  return cudaGetErrorString(cudaDeviceSynchronize());
}

std::vector<float> copied(const std::vector<float>& numbers) {
  const DeviceArray<float> from(numbers.size()), to(numbers.size());
  std::vector<float> out(numbers.size());
  const size_t bytes = out.size() * sizeof(float);
  check_cuda(cudaMemcpy(from.data, numbers.data(), bytes, cudaMemcpyHostToDevice), "numbers");
  copy_kernel<<<1, kThreads, bytes>>>(from.data, static_cast<int>(numbers.size()), to.data);
  check_cuda(cudaMemcpy(out.data(), to.data, bytes, cudaMemcpyDeviceToHost), "copies");
  return out;
}

void load_numbers(bool one_by_one) {
  const DeviceArray<int> out(32);
  (one_by_one ? chain_kernel : together_kernel)<<<1, 32, 64 * sizeof(int)>>>(out.data);
  check_cuda(cudaDeviceSynchronize(), "loads");
}

std::vector<uint64_t> arithmetic(const std::vector<Sample>& samples, bool device) {
  const size_t n = samples.size();
  std::vector<uint64_t> out(n * kNumbers);
  if (!device) {
    for (size_t i = 0; i < n; ++i) compute(samples[i], out.data() + i * kNumbers);
    return out;
  }
  const DeviceArray<Sample> in(n);
  const DeviceArray<uint64_t> results(out.size());
  check_cuda(cudaMemcpy(in.data, samples.data(), n * sizeof(Sample), cudaMemcpyHostToDevice), "copy");
  arithmetic_kernel<<<static_cast<unsigned>((n + kThreads - 1) / kThreads), kThreads>>>(in.data, static_cast<int>(n), results.data);
  check_cuda(cudaMemcpy(out.data(), results.data, out.size() * sizeof(uint64_t), cudaMemcpyDeviceToHost), "copy");
  return out;
}

std::vector<int> sums(const std::vector<int>& numbers, int threads) {
  const size_t n = numbers.size(), blocks = (n + threads - 1) / threads;
  std::vector<int> out(blocks);
  const DeviceArray<int> in(n), results(blocks);
  check_cuda(cudaMemcpy(in.data, numbers.data(), n * sizeof(int), cudaMemcpyHostToDevice), "copy");
  sums_kernel<<<static_cast<unsigned>(blocks), static_cast<unsigned>(threads), threads * sizeof(int)>>>(in.data, static_cast<int>(n), results.data);
  check_cuda(cudaMemcpy(out.data(), results.data, blocks * sizeof(int), cudaMemcpyDeviceToHost), "copy");
  return out;
}

}  // namespace tandem::ptx
