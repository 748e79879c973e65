// Which random numbers of the task are for what. Each is a function of (seed, world, stream, episode, count) alone: base/rng.hpp.
#pragma once

#include <cstdint>

#include "base/rng.hpp"

namespace tandem {

// 0 and 1 are also those of sim/randomise.cpp, 2 that of the gait phase.
enum Stream : std::uint32_t {
  kStreamInitialState,
  kStreamCommand,
  kStreamPhase,
  kStreamNoise,
  kStreamKick,
  kStreamPush,
  kStreamParameters,
  kStreamStagger,
  kStreamPlace
};

// Names an episode, and with it all its random numbers.
struct EpisodeKey {
  std::uint64_t seed = 0;
  std::uint32_t world = 0, episode = 0;
};

// The numbers of one stream in one episode, from the first-th on; an episode has 2^32 of each.
TANDEM_FN Rng episode_rng(const EpisodeKey& key, Stream stream, std::uint32_t first = 0) {
  return {key.seed, key.world, stream, (std::uint64_t(key.episode) << 32) + first};
}

}  // namespace tandem
