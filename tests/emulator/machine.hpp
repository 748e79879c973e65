// The emulated device: memory, a block of warps, a launch.
#pragma once

#include <unordered_map>

#include "tests/emulator/ptx.hpp"

namespace tandem::ptx {

// PTX's names of types.
using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using s16 = int16_t;
using s32 = int32_t;
using s64 = int64_t;
using f32 = float;
using f64 = double;

// Memory that kernels may touch. Device pointers are pointers of the host.
class Memory {
 public:
  void add(const void* at, size_t size) { regions_[reinterpret_cast<uintptr_t>(at)] = size; }
  void remove(const void* at) { regions_.erase(reinterpret_cast<uintptr_t>(at)), last_ = {}; }
  // Whether [first, last) lies within one region.
  bool holds(uintptr_t first, uintptr_t last) { return (first >= last_.first && last <= last_.second) || find(first, last); }

 private:
  bool find(uintptr_t first, uintptr_t last);
  std::map<uintptr_t, size_t> regions_;
  std::pair<uintptr_t, uintptr_t> last_{};
};

// Finds accesses to one word of 4 bytes by two threads of which one writes, with no barrier between them, and words read that nothing has written. Numbers of
// one byte are told apart among themselves, but not from words that lie across them.
class RaceCheck {
 public:
  // Of a word, whose address is a multiple of 4, or of one byte.
  void access(const Warp& warp, const Instruction& in, uintptr_t address, bool byte, int lane, bool write);
  // A word that a lane's copy writes, which began `since` so many barriers of the block.
  void copied(const Warp& warp, const Instruction& in, uintptr_t address, int lane, uint64_t since);
  void written(const void* at, size_t size);  // by the host, or as an argument
  void forget(const void* at, size_t size);
  int launch = 0;

 private:
  struct Touch {
    int launch = 0, block = -1, thread = -1;
    uint64_t block_epoch = 0, warp_epoch = 0;
  };
  struct Word {
    Touch write, read;
    bool several = false;  // threads have read since the last barrier
  };
  static bool concurrent(const Touch& then, const Touch& now);
  std::unordered_map<uintptr_t, Word> words_, bytes_;
};

struct Block;

// A copy from global to shared memory that a lane has begun: nothing is there before the lane waits for it.
struct Copy {
  int lane;
  size_t size;
  std::byte* to;
  const std::byte* from;
  std::array<std::byte, 16> value;
  uint64_t since;  // barriers of the block
};

struct Warp {
  Block* block = nullptr;
  std::byte* frame = nullptr;  // of the function that runs
  const Function* function = nullptr;
  bool full = true;                                  // all lanes take part
  uint32_t bits = 0xffffffff;                        // which do
  alignas(64) std::array<int32_t, kLanes> active{};  // the same, 0 or -1
  alignas(64) std::array<uint32_t, kLanes> carry{};  // CC.CF
  int number = 0;
  uint64_t epoch = 0;  // barriers of the warp
  // lanes: the next instruction, and sets of them
  std::array<uint32_t, kLanes> pc{};
  uint32_t ready = 0, exited = 0, at_block = 0, at_warp = 0;
  struct Frame {
    std::vector<std::byte> rows, local;
  };
  std::unordered_map<const Function*, Frame> frames;
  std::vector<Copy> copies;

  template <class T>
  T* row(uint32_t at) const {
    return reinterpret_cast<T*>(frame + at);
  }
};

struct Dim {
  uint32_t x = 1, y = 1, z = 1;
};

class Cycles;

struct Device {
  Memory memory;
  std::unique_ptr<RaceCheck> races;  // where asked for
  Cycles* cycles = nullptr;          // the same
};

struct Block {
  Device* device = nullptr;
  Module* module = nullptr;
  std::vector<std::byte> shared;
  bool holds(uint64_t address) const { return address - reinterpret_cast<uint64_t>(shared.data()) < shared.size(); }  // in shared memory
  int number = 0;
  uint64_t epoch = 0;  // barriers of the block
  std::vector<Warp> warps;
};

// Runs a kernel to its end. `parameters` as the function wants them. Throws Fault.
void launch(Device& device, Module& module, const Function& kernel, Dim blocks, Dim threads, size_t shared, const std::byte* parameters);

[[noreturn]] void fault(const Warp& warp, const Instruction& in, int lane, const std::string& what);

}  // namespace tandem::ptx
