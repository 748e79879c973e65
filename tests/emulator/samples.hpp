// Small kernels for the tests of the emulator.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tandem::ptx {

// 64 threads that do something wrong; returns CUDA's word for what came of it.
enum class Wrong {
  kNothing,
  kOutside,
  kOutsideShared,
  kMisaligned,
  kRaceInWarp,
  kRaceInBlock,
  kNeverWritten,
  kCopyNotEnded,
  kReadWhileCopied,
  kChangedWhileCopied,
  kCopyFromShared,
  kBarrierOfSome
};
std::string run_wrong(Wrong what);

// What 64 threads copy to shared memory without waiting (begin_copy).
std::vector<float> copied(const std::vector<float>& numbers);

// A warp that loads 64 numbers from shared memory, each when the one before is there, or all at once.
void load_numbers(bool one_by_one);

constexpr int kNumbers = 23;
constexpr int kSine = 22;  // the one that differs in its last bits
struct Sample {
  float x, y;
  double u;
  int32_t a, b;
  uint64_t p, q;
};
// Of every sample kNumbers results of arithmetic, as bits; on the device and on the host.
std::vector<uint64_t> arithmetic(const std::vector<Sample>& samples, bool device);

// Sum of the numbers of every block by halves, with barriers in a loop and lanes that leave it early.
std::vector<int> sums(const std::vector<int>& numbers, int threads);

}  // namespace tandem::ptx
