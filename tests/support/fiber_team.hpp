// FiberTeam: the lanes of a block or a warp as fibers of one thread, as many as on a GPU: each runs up to its next sync before any goes beyond it. With
// Real = Traced every number that two lanes touch between two syncs, one of them writing, is a race, found exactly and in every run.
//
//   FiberRun run(memory.data(), memory.size());
//   run.block(256, [&](const FiberTeam& team) { solve_robot(team, ...); });
//   EXPECT_EQ(run.fault(), "");
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/team.hpp"
#include "tests/support/traced.hpp"

namespace tandem {

class FiberRun;

// One lane.
struct FiberTeam {
  FiberRun* run;
  int number, count;
  int lane() const { return number; }
  int size() const { return count; }
  void sync() const;
};

class FiberRun final : Watcher {
 public:
  using Body = std::function<void(const FiberTeam&)>;

  // Watches the n numbers from `memory` on.
  FiberRun(const Traced* memory, std::size_t n) : memory_(memory), uses_(n) {}

  // Runs `body` on all lanes to its end. It must not throw. After a fault runs no further.
  void block(int lanes, const Body& body) {
    body_ = &body, count_ = lanes;
    fibers_ = std::vector<Fiber>(static_cast<std::size_t>(lanes));
    for (Fiber& fiber : fibers_) {
      fiber.stack = std::make_unique_for_overwrite<char[]>(kStack);
      getcontext(&fiber.context);
      fiber.context.uc_stack.ss_sp = fiber.stack.get(), fiber.context.uc_stack.ss_size = kStack, fiber.context.uc_link = &scheduler_;
      makecontext(&fiber.context, reinterpret_cast<void (*)()>(&FiberRun::enter), 0);
    }
    running_ = this, watching = this;
    for (int ended = 0; ended == 0 && fault_.empty(); ++phase_) {
      long busiest = 0;
      for (lane_ = 0; lane_ < lanes; ++lane_) {
        accesses_ = 0;
        swapcontext(&scheduler_, &fibers_[lane_].context);
        busiest = std::max(busiest, accesses_), load_.all += accesses_;
      }
      load_.busiest += busiest;
      for (const Fiber& fiber : fibers_) ended += fiber.done;
      if (ended > 0 && ended < lanes) fault_ = std::to_string(lanes - ended) + " lanes wait at a sync that " + std::to_string(ended) + " never reach";
    }
    running_ = nullptr, watching = nullptr;
  }

  // What went wrong first: a race or a sync that not all lanes reach; empty if nothing did.
  const std::string& fault() const { return fault_; }
  // Numbers that were touched, in memory and in registers, as a measure of work: by all lanes, and by the busiest one between two syncs, summed.
  struct Load {
    long all = 0, busiest = 0;
  };
  const Load& load() const { return load_; }

  // called by FiberTeam
  void yield() { swapcontext(&fibers_[lane_].context, &scheduler_); }

 private:
  static constexpr std::size_t kStack = 256 << 10;
  struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    bool done = false;
  };
  // Between which syncs, and by which lane, a number was last written and read.
  struct Use {
    int written = -1, writer = -1, read = -1, reader = -1;
    bool several = false;  // readers
  };

  static void enter() {
    FiberRun& run = *running_;
    (*run.body_)(FiberTeam{&run, run.lane_, run.count_});
    run.fibers_[run.lane_].done = true;
  }

  void access(const Traced* p, bool write) override {
    ++accesses_;
    const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(memory_);
    if (offset >= uses_.size() * sizeof(Traced)) return;
    Use& use = uses_[offset / sizeof(Traced)];
    if (use.written == phase_ && use.writer != lane_) report(offset / sizeof(Traced), use.writer);
    if (write) {
      if (use.read == phase_ && (use.several || use.reader != lane_)) report(offset / sizeof(Traced), use.reader);
      use.written = phase_, use.writer = lane_;
    } else {
      use.several = use.read == phase_ && (use.several || use.reader != lane_);
      use.read = phase_, use.reader = lane_;
    }
  }
  void report(std::size_t number, int other) {
    if (fault_.empty())
      fault_ = "number " + std::to_string(number) + ": lanes " + std::to_string(other) + " and " + std::to_string(lane_) + " in phase " +
               std::to_string(phase_);
  }

  inline static thread_local FiberRun* running_ = nullptr;
  const Traced* memory_;
  std::vector<Use> uses_;
  std::vector<Fiber> fibers_;
  ucontext_t scheduler_;
  const Body* body_ = nullptr;
  int count_ = 0, lane_ = 0, phase_ = 0;
  long accesses_ = 0;
  Load load_;
  std::string fault_;
};

inline void FiberTeam::sync() const { run->yield(); }

}  // namespace tandem
