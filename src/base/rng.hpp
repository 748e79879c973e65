// Random numbers without state to share: the n-th number of a stream is a function of (seed, world, stream, n), so worlds draw the same numbers on
// any number of threads and in any order. Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "base/team.hpp"

namespace tandem {

// Ten rounds of Philox: 128 random bits from a 128-bit counter and a 64-bit key.
TANDEM_FN std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t(0xD2511F53u) * counter[0], b = std::uint64_t(0xCD9E8D57u) * counter[2];
    counter = {std::uint32_t(b >> 32) ^ counter[1] ^ key[0], std::uint32_t(b), std::uint32_t(a >> 32) ^ counter[3] ^ key[1], std::uint32_t(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

// One stream of one world. What the stream is for is the caller's to number: 0 initial state, 1 command, ...
struct Rng {
  std::uint64_t seed;
  std::uint32_t world;
  std::uint32_t stream;
  std::uint64_t next = 0;  // index of the next number

  // Uniform in [0, 1), 53 bits.
  TANDEM_FN double uniform() {
    const std::uint64_t n = next++;
    const auto bits = philox({std::uint32_t(n), std::uint32_t(n >> 32), world, stream}, {std::uint32_t(seed), std::uint32_t(seed >> 32)});
    return double((std::uint64_t(bits[0]) << 21) ^ (bits[1] >> 11)) * 0x1p-53;
  }

  // Uniform in [low, high).
  TANDEM_FN double uniform(double low, double high) { return low + (high - low) * uniform(); }

  // Normal with mean 0 and variance 1 (Box and Muller); takes two numbers.
  TANDEM_FN double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }
};

}  // namespace tandem
