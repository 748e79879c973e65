#include "tests/emulator/machine.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "tests/emulator/cycles.hpp"

namespace tandem::ptx {
namespace {

void set_active(Warp& w, uint32_t bits) {
  w.bits = bits, w.full = bits == 0xffffffff;
  for (int l = 0; l < kLanes; ++l) w.active[l] = -static_cast<int32_t>(bits >> l & 1);
}

// Lanes whose predicate lets the instruction happen.
uint32_t bits_of(const Warp& w, const Instruction& in) {
  uint32_t bits = 0;
  const int32_t* predicate = w.row<int32_t>(in.guard);
  for (int l = 0; l < kLanes; ++l) bits |= static_cast<uint32_t>(predicate[l] != 0) << l;
  return in.negated ? ~bits : bits;
}

template <class T>
void fill(Warp& w, uint32_t row, T value) {
  std::fill_n(w.row<T>(row), kLanes, value);
}

// The function's memory of a warp, with the rows that never change.
void prepare_frame(Warp& w, const Function& function, Warp::Frame& frame) {
  frame.rows.assign(function.frame_bytes, std::byte{0xff});
  frame.local.assign(static_cast<size_t>(kLanes) * function.local_bytes, std::byte{0xff});
  w.block->device->memory.add(frame.local.data(), frame.local.size());
  w.frame = frame.rows.data();
  for (const auto& [row, width, value] : function.constants) {
    if (width == 0) fill(w, row, -static_cast<int32_t>(value != 0));
    if (width == 2) fill(w, row, static_cast<uint16_t>(value));
    if (width == 4) fill(w, row, static_cast<uint32_t>(value));
    if (width == 8) fill(w, row, value);
  }
  for (const auto& [row, at] : function.local_rows)
    for (int l = 0; l < kLanes; ++l)
      w.row<uint64_t>(row)[l] = reinterpret_cast<uint64_t>(frame.local.data()) + static_cast<uint64_t>(l) * function.local_bytes + at;
}

// Runs a warp: which of its lanes go on next, together, and through the functions that they call.
class Runner {
 public:
  explicit Runner(Warp& w) : w_(w) {}

  // Runs the lanes that are ready until none is.
  void run() {
    Warp& w = w_;
    while (w.ready) {
      // those that are least far go on together, until they meet others
      uint32_t pc = ~0u, next = ~0u, bits = 0;
      for (int l = 0; l < kLanes; ++l)
        if (w.ready >> l & 1) pc = std::min(pc, w.pc[l]);
      for (int l = 0; l < kLanes; ++l) {
        if (!(w.ready >> l & 1)) continue;
        if (w.pc[l] == pc)
          bits |= 1u << l;
        else
          next = std::min(next, w.pc[l]);
      }
      set_active(w, bits);
      go_on(pc, next, bits);
    }
  }

 private:
  void go_on(uint32_t pc, uint32_t next, uint32_t bits) {
    Warp& w = w_;
    const std::vector<Instruction>& code = w.function->code;
    Cycles* cycles = w.block->device->cycles;
    for (uint32_t block = pc; pc < next;) {
      if (pc >= code.size()) return leave(bits);
      const Instruction& in = code[pc];
      ++w.function->executed[pc];
      const bool ends_block = cycles && cycles->ends_block(w, pc);
      if (ends_block) cycles->execute(w, block, pc + 1);
      switch (in.flow) {
        case Flow::kNext:
          if (in.guarded) {
            if (const uint32_t some = bits & bits_of(w, in)) {
              set_active(w, some);
              in.run(w, in);
              set_active(w, bits);
            }
          } else {
            in.run(w, in);
          }
          ++pc;
          break;
        case Flow::kBranch: {
          const uint32_t taken = in.guarded ? bits & bits_of(w, in) : bits;
          if (taken == bits) {
            pc = in.target;
          } else if (taken == 0) {
            ++pc;
          } else {
            place(taken, in.target), place(bits & ~taken, pc + 1);
            return;
          }
          break;
        }
        case Flow::kCall:
          if (in.guarded) fault(w, in, -1, "a call that is guarded is not supported");
          call(w.function->calls[in.target], in, bits);
          ++pc;
          break;
        case Flow::kReturn: {
          const uint32_t some = in.guarded ? bits & bits_of(w, in) : bits;
          leave(some);
          if (bits != some) place(bits & ~some, pc + 1);
          return;
        }
        case Flow::kBlockBarrier:
        case Flow::kWarpBarrier:
          if (in.guarded || depth_ > 0) fault(w, in, -1, "a barrier that is guarded or within a function is not supported");
          place(bits, pc + 1);
          w.ready &= ~bits;
          (in.flow == Flow::kBlockBarrier ? w.at_block : w.at_warp) |= bits;
          release_warp();
          return;
      }
      if (ends_block) block = pc;
    }
    place(bits, pc);
  }

  void place(uint32_t bits, uint32_t pc) {
    for (int l = 0; l < kLanes; ++l)
      if (bits >> l & 1) w_.pc[l] = pc;
  }
  void leave(uint32_t bits) {
    w_.ready &= ~bits;
    if (depth_ > 0) return;
    w_.exited |= bits;
    release_warp();
  }
  // All that have not ended wait.
  void release_warp() {
    if (!w_.at_warp || (w_.at_warp | w_.exited) != 0xffffffff) return;
    w_.ready |= w_.at_warp, w_.at_warp = 0;
    ++w_.epoch;
  }

  void call(const Call& c, const Instruction& in, uint32_t bits) {
    Warp& w = w_;
    if (depth_ > 8) fault(w, in, -1, "functions call each other too deeply");
    const Function& callee = w.block->module->function(c.function);
    const auto [found, is_new] = w.frames.try_emplace(&callee);
    Warp::Frame &inner = found->second, &outer = w.frames.at(w.function);
    const Function* caller = w.function;
    std::byte* frame = w.frame;
    if (is_new) prepare_frame(w, callee, inner);
    RaceCheck* races = w.block->device->races.get();
    const auto copy = [&](Warp::Frame& from, const Function& f, Variable a, Warp::Frame& to, const Function& t, Variable b) {
      for (int l = 0; l < kLanes; ++l) {
        if (!(bits >> l & 1)) continue;
        std::byte* at = to.local.data() + static_cast<size_t>(l) * t.local_bytes + b.at;
        std::memcpy(at, from.local.data() + static_cast<size_t>(l) * f.local_bytes + a.at, b.size);
        if (races) races->written(at, b.size);
      }
    };
    if (c.arguments.size() != callee.parameters.size()) fault(w, in, -1, "a call with another number of arguments");
    for (size_t i = 0; i < c.arguments.size(); ++i) copy(outer, *caller, c.arguments[i], inner, callee, callee.parameters[i]);
    const auto [pc, ready] = std::pair(w.pc, w.ready);
    w.function = &callee, w.frame = inner.rows.data(), w.ready = bits;
    place(bits, 0);
    Cycles* cycles = w.block->device->cycles;
    if (cycles) cycles->change_function(w);
    ++depth_;
    run();
    --depth_;
    if (cycles) cycles->change_function(w);
    w.function = caller, w.frame = frame, w.pc = pc, w.ready = ready;
    if (c.has_result) copy(inner, callee, callee.result, outer, *caller, c.result);
    set_active(w, bits);
  }

  Warp& w_;
  int depth_ = 0;
};

void start_block(Block& block, const Function& kernel, int number, uint64_t epoch) {
  block.number = number, block.epoch = epoch;
  std::fill(block.shared.begin(), block.shared.end(), std::byte{0xff});
  RaceCheck* races = block.device->races.get();
  if (races) races->forget(block.shared.data(), block.shared.size());
  for (Warp& w : block.warps) {
    if (races)
      for (const auto& [function, frame] : w.frames) races->forget(frame.local.data(), frame.local.size());
    Warp::Frame& frame = w.frames.at(&kernel);
    w.function = &kernel, w.frame = frame.rows.data();
    w.pc = {}, w.exited = w.at_block = w.at_warp = 0, w.ready = 0xffffffff;
    w.copies.clear();
    for (const auto& [row, what] : kernel.special_rows)
      if (what == Special::kBlock) fill(w, row, static_cast<uint32_t>(number));
  }
}

void run_block(Block& block) {
  Cycles* cycles = block.device->cycles;
  for (;;) {
    bool ran = false, all_ended = true;
    for (Warp& w : block.warps) {
      if (w.ready) Runner(w).run(), ran = true;
      all_ended &= w.exited == 0xffffffff;
    }
    if (all_ended) {
      if (cycles) cycles->end_phase(block);
      return;
    }
    bool all_wait = true;
    for (const Warp& w : block.warps) all_wait &= (w.at_block | w.exited) == 0xffffffff;
    if (all_wait) {
      if (cycles) cycles->end_phase(block);
      ++block.epoch;
      for (Warp& w : block.warps) w.ready = w.at_block, w.at_block = 0;
    } else if (!ran) {
      for (const Warp& w : block.warps)
        if (w.at_warp) {
          const int lane = std::countr_zero(w.at_warp);
          fault(w, w.function->code[w.pc[lane] - 1], lane, "a barrier of the warp that not all of its lanes reach");
        }
    }
  }
}

}  // namespace

void fault(const Warp& w, const Instruction& in, int lane, const std::string& what) {
  std::string where =
      w.function->name + ", " + w.block->module->where(in) + ", block " + std::to_string(w.block->number) + ", warp " + std::to_string(w.number);
  if (lane >= 0) where += ", lane " + std::to_string(lane);
  throw Fault(where + ": " + what);
}

bool Memory::find(uintptr_t first, uintptr_t last) {
  auto found = regions_.upper_bound(first);
  if (found == regions_.begin()) return false;
  --found;
  if (last > found->first + found->second) return false;
  last_ = {found->first, found->first + found->second};
  return true;
}

bool RaceCheck::concurrent(const Touch& then, const Touch& now) {
  if (then.launch != now.launch || (then.block == now.block && then.thread == now.thread)) return false;
  if (then.block != now.block) return true;
  return then.block_epoch == now.block_epoch && (then.thread / kLanes != now.thread / kLanes || then.warp_epoch == now.warp_epoch);
}

void RaceCheck::access(const Warp& w, const Instruction& in, uintptr_t address, bool byte, int lane, bool write) {
  Word& word = byte ? bytes_[address] : words_[address];
  const Touch now{launch, w.block->number, w.number * kLanes + lane, w.block->epoch, w.epoch};
  const auto race = [&](const Touch& other, const char* what) {
    fault(w, in, lane,
          std::string(what) + " thread " + std::to_string(other.thread) + " of block " + std::to_string(other.block) + ", with no barrier between");
  };
  const bool has_been_written = word.write.launch != 0 || (byte && words_[address & ~uintptr_t{3}].write.launch != 0);
  if (!write && !has_been_written) fault(w, in, lane, "a number is read that nothing has written");
  if (concurrent(word.write, now)) race(word.write, write ? "a number is written twice, also by" : "a number is read that is written by");
  const Touch& last = word.read;
  const bool read_since_barrier =
      last.launch == launch && last.block == now.block && last.block_epoch == now.block_epoch && last.warp_epoch == now.warp_epoch;
  if (write) {
    if (concurrent(last, now) || (word.several && read_since_barrier)) race(last, "a number is written that is read by");
    word.write = now;
  } else {
    word.several = read_since_barrier && (word.several || last.thread != now.thread);
    word.read = now;
  }
}

void RaceCheck::copied(const Warp& w, const Instruction& in, uintptr_t address, int lane, uint64_t since) {
  const Touch& last = words_[address].read;
  const int thread = w.number * kLanes + lane;
  if (last.launch == launch && last.block == w.block->number && last.thread != thread && last.block_epoch >= since)
    fault(w, in, lane, "a copy writes a number that is read by thread " + std::to_string(last.thread) + " after it began");
  access(w, in, address, false, lane, true);
}

void RaceCheck::written(const void* at, size_t size) {
  const uintptr_t first = reinterpret_cast<uintptr_t>(at);
  for (uintptr_t word = first & ~uintptr_t{3}; word < first + size; word += 4) words_[word] = {{-1, -1, -1, 0, 0}, {}, false};
}
void RaceCheck::forget(const void* at, size_t size) {
  const uintptr_t first = reinterpret_cast<uintptr_t>(at);
  for (uintptr_t word = first & ~uintptr_t{3}; word < first + size; word += 4) words_.erase(word);
  for (uintptr_t byte = first; byte < first + size && !bytes_.empty(); ++byte) bytes_.erase(byte);
}

void launch(Device& device, Module& module, const Function& kernel, Dim blocks, Dim threads, size_t shared, const std::byte* parameters) {
  const uint32_t n = threads.x * threads.y * threads.z;
  if (threads.x != n || blocks.y != 1 || blocks.z != 1 || n % kLanes != 0)
    throw Fault(kernel.name + ": blocks of one dimension and of whole warps are supported");
  Block block;
  block.device = &device, block.module = &module;
  block.shared.resize(shared);
  block.warps.resize(n / kLanes);
  device.memory.add(block.shared.data(), shared);
  device.memory.add(parameters, kernel.parameter_bytes);
  for (size_t i = 0; i < block.warps.size(); ++i) {
    Warp& w = block.warps[i];
    w.block = &block, w.number = static_cast<int>(i), w.function = &kernel;
    prepare_frame(w, kernel, w.frames[&kernel]);
    for (const auto& [row, at] : kernel.parameter_rows) fill(w, row, reinterpret_cast<uint64_t>(parameters) + at);
    for (const auto& [row, what] : kernel.special_rows) {
      if (what == Special::kThreads) fill(w, row, n);
      if (what == Special::kBlocks) fill(w, row, blocks.x);
      if (what == Special::kThread)
        for (int l = 0; l < kLanes; ++l) w.row<uint32_t>(row)[l] = static_cast<uint32_t>(w.number * kLanes + l);
    }
  }
  if (device.races) {
    ++device.races->launch;
    device.races->written(parameters, kernel.parameter_bytes);
  }
  const auto forget = [&] {
    device.memory.remove(block.shared.data()), device.memory.remove(parameters);
    for (Warp& w : block.warps)
      for (auto& [function, frame] : w.frames) device.memory.remove(frame.local.data());
  };
  try {
    for (uint32_t number = 0; number < blocks.x; ++number) {
      start_block(block, kernel, static_cast<int>(number), block.epoch + 1);
      run_block(block);
    }
  } catch (...) {
    forget();
    throw;
  }
  forget();
}

}  // namespace tandem::ptx
