// ThreadTeam: host threads that work on one world together, as the threads of a CUDA block do. Under ThreadSanitizer (tandem_tsan_test) a missing
// team.sync() in a kernel shows as a data race, on a machine without a GPU.
//
//   run_team(4, [&](const ThreadTeam& team) { riccati_step(team, ...); });
#pragma once

#include <barrier>
#include <thread>
#include <vector>

#include "base/team.hpp"

namespace tandem {

class ThreadTeam {
 public:
  ThreadTeam(int lane, int size, std::barrier<>& barrier) : lane_(lane), size_(size), barrier_(&barrier) {}
  int lane() const { return lane_; }
  int size() const { return size_; }
  void sync() const { barrier_->arrive_and_wait(); }

 private:
  int lane_, size_;
  std::barrier<>* barrier_;
};

// Calls body(team) on `lanes` threads, one per lane, and returns when all are done. `body` must not throw.
template <class Body>
void run_team(int lanes, Body&& body) {
  std::barrier<> barrier(lanes);
  std::vector<std::jthread> threads;
  threads.reserve(lanes);
  for (int lane = 0; lane < lanes; ++lane) {
    threads.emplace_back([&body, &barrier, lane, lanes] { body(ThreadTeam(lane, lanes, barrier)); });
  }
}

}  // namespace tandem
