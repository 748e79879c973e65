// What a warp's accesses to memory cost on a GPU, worked out on the host: a kernel runs once per lane with Real = Traced, which notes the addresses that are
// read and written, and accesses of the lanes that happen together are counted as the hardware counts them.
//
//   Trace trace(shared, n);
//   trace.run_warp(0, 256, [&](const TraceTeam& team) { multiply<Write::kSet>(team, y, A, x); });
//   trace.result.degree()      // passes over shared memory per access of a warp; 1: no bank conflict
//
// Lanes run together as far as bodies of for_each and for_each_2d do: the n-th access of the m-th body of a loop. Addresses must not depend on data.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <unordered_map>
#include <vector>

#include "math/dense.hpp"
#include "tests/support/traced.hpp"

namespace tandem {

inline constexpr int kBanks = 32, kWarpLanes = 32;

// Accesses of whole warps, and passes over the 32 banks (4 bytes wide) that they take: of one access, the largest number of different words in one bank.
struct BankCount {
  long accesses = 0, passes = 0;
  int worst = 0;  // passes of one access
  // Barriers, and accesses of the busiest warp between two of them, summed: what the other warps wait for.
  long barriers = 0, longest = 0;
  double degree() const { return accesses ? double(passes) / accesses : 0; }
};
inline int passes_of(const std::vector<std::uint32_t>& words) {
  std::array<std::set<std::uint32_t>, kBanks> banks;
  for (std::uint32_t word : words) banks[word % kBanks].insert(word);
  std::size_t most = 0;
  for (const auto& bank : banks) most = std::max(most, bank.size());
  return static_cast<int>(most);
}

// The accesses of one warp to the n Reals from `memory` on.
struct Trace final : Watcher {
  const Traced* memory;
  std::uint32_t n;
  BankCount result;

  Trace(const Traced* base, std::size_t count) : memory(base), n(static_cast<std::uint32_t>(count)) {}

  // Runs `body` on the lanes of a warp of a block of `threads` and adds what it cost to `result`.
  template <class Body>
  void run_warp(int warp, int threads, Body&& body);
  // On all warps of the block.
  template <class Body>
  void run_block(int threads, Body&& body) {
    busiest_.clear();
    for (int warp = 0; warp < threads / kWarpLanes; ++warp) run_warp(warp, threads, body);
    result.barriers = static_cast<long>(sync_loops_.size());
    for (long accesses : busiest_) result.longest += accesses;
  }

  // called by Traced and TraceTeam
  void access(const Traced* p, bool write) override;
  void next_body() { ++body_, access_ = 0; }
  void next_loop() { ++loop_, body_ = access_ = 0; }
  void sync() { next_loop(), sync_loops_.push_back(loop_); }

 private:
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> together_;
  std::uint64_t loop_ = 0, body_ = 0, access_ = 0;
  std::vector<std::uint64_t> sync_loops_;  // of one lane: where its loops are parted by barriers
  std::vector<long> busiest_;              // between barriers: accesses of the warp with the most
};
inline thread_local Trace* tracing = nullptr;

// One lane of a block.
struct TraceTeam {
  int number, count;
  int lane() const { return number; }
  int size() const { return count; }
  void sync() const { tracing->sync(); }
};
inline namespace TANDEM_ISA {
template <class T>
concept TracedTeam = Team<T> && (std::is_same_v<T, TraceTeam> || std::is_same_v<T, TurnedTeam<TraceTeam>>);
template <TracedTeam T, class Body>
void for_each(const T& team, int begin, int end, Body&& body) {
  tracing->next_loop();
  for (int i = begin + team.lane(); i < end; i += team.size()) body(i), tracing->next_body();
  tracing->next_loop();
}
template <TracedTeam T, class Body>
void for_each_2d(const T& team, int rows, int cols, Body&& body) {
  for_each(team, 0, rows * cols, [&](int e) { body(e / cols, e % cols); });
}
}  // namespace TANDEM_ISA

inline void Trace::access(const Traced* p, bool) {
  const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(memory);
  if (offset >= std::uintptr_t(n) * sizeof(Traced)) return;  // another memory, or a register
  together_[loop_ << 40 | body_ << 20 | access_++].push_back(static_cast<std::uint32_t>(offset / sizeof(Traced)));
}

template <class Body>
void Trace::run_warp(int warp, int threads, Body&& body) {
  together_.clear();
  tracing = this, watching = this;
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    loop_ = body_ = access_ = 0, sync_loops_.clear();
    body(TraceTeam{warp * kWarpLanes + lane, threads});
  }
  tracing = nullptr, watching = nullptr;
  std::vector<long> accesses(sync_loops_.size() + 1);
  for (const auto& [when, words] : together_) {
    const int passes = passes_of(words);
    ++result.accesses, result.passes += passes, result.worst = std::max(result.worst, passes);
    ++accesses[std::upper_bound(sync_loops_.begin(), sync_loops_.end(), when >> 40) - sync_loops_.begin()];
  }
  busiest_.resize(accesses.size());
  for (std::size_t i = 0; i < accesses.size(); ++i) busiest_[i] = std::max(busiest_[i], accesses[i]);
}

}  // namespace tandem
