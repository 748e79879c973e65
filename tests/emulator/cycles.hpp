// An estimate of the cycles that a kernel's blocks take one after the other on one multiprocessor: to compare two versions of a kernel, not to predict a time.
//   a warp    issues one instruction a cycle, in the order of a list schedule of every basic block (by the longest way to its end), each when its operands are
//             there; latencies: kLatency below, of a load from global memory by whether its lines of 128 bytes are among the last kLines that were touched
//   a copy    from global to shared memory is waited for where the program says so
//   a call    waits for what has been asked for, both ways, and takes kCall each
//   a phase   from barrier to barrier: the longest warp, or the instructions of a quarter of the warps, or the passes over the banks of shared memory, whatever
//             takes longest, and kBarrier
// Left out: what ptxas merges, moves over blocks and renames, the instruction cache, other blocks on the multiprocessor.
#pragma once

#include "tests/emulator/machine.hpp"

namespace tandem::ptx {

class Cycles {
 public:
  // A warp is about to execute [begin, end) of its function, a basic block or its rest.
  void execute(Warp& w, uint32_t begin, uint32_t end);
  bool ends_block(const Warp& w, uint32_t pc) { return code_of(w).leads[pc + 1]; }
  // Addresses of the lanes that take part, of an instruction that is being executed.
  void shared_access(const std::vector<uint64_t>& addresses, size_t size);
  void generic_access(const Warp& w, const Instruction& in, const std::vector<uint64_t>& addresses, size_t size);
  // A warp enters or leaves a function: what it waits for is there first.
  void change_function(const Warp& w);
  // All warps have met.
  void end_phase(const Block& block);
  void write(std::FILE* to) const;

 private:
  struct Cost {
    int latency = 4, issue = 1;
    bool load = false, store = false, global = false;
    bool begins_copy = false, ends_copies = false;
  };
  struct Code {
    std::vector<Cost> cost;
    std::vector<char> leads;  // instructions that begin a basic block
    std::map<std::pair<uint32_t, uint32_t>, std::vector<uint32_t>> order;
  };
  struct Clock {
    int64_t now = 0, issued = 0, copied = 0;
    std::unordered_map<uint32_t, int64_t> ready;  // by the row of a register
  };
  struct Total {
    int64_t phases = 0, cycles = 0, by_latency = 0, by_issue = 0, by_passes = 0;
  };
  Code& code_of(const Warp& w);
  const std::vector<uint32_t>& order_of(const Warp& w, uint32_t begin, uint32_t end);

  std::map<const Function*, Code> codes_;
  std::map<const Function*, Total> totals_;
  std::vector<Clock> clocks_;                            // of the warps
  std::unordered_map<const Instruction*, int> latency_;  // of the last access that was not known to be shared
  std::map<uint64_t, uint64_t> lines_, by_age_;
  uint64_t age_ = 0;
  int64_t passes_ = 0;
};

}  // namespace tandem::ptx
