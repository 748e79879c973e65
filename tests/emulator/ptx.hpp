// Runs the PTX that nvcc makes of a kernel on the processor: an emulator for tests on machines without a GPU, one warp of 32 lanes at a time.
//   what it shows   the compiled code of the kernels and their launchers: results, addresses (every access lies inside one allocation, aligned), races,
//                   barriers that not all lanes reach, what was never written
//   what it cannot  times, ptxas' translation of PTX to machine code, what a GPU's memory model allows beyond lanes in lock step, approximate instructions'
//                   last bits (ex2.approx is exp2, rsqrt.approx is 1 / sqrt)
// Instructions are those that the project's kernels use; another one is an error that names it. Source: NVIDIA, "PTX ISA", version 9.0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::ptx {

constexpr int kLanes = 32;

// What a kernel did wrong, or what the emulator cannot do.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Warp;
struct Instruction;
using Handler = void (*)(Warp&, const Instruction&);

enum class Flow : uint8_t { kNext, kBranch, kCall, kReturn, kBlockBarrier, kWarpBarrier };

// Registers are rows in a warp's frame, a number per lane: `d` and `s` are bytes from the frame's start. Constants and special registers are rows too.
struct Instruction {
  Handler run = nullptr;
  uint32_t d = 0;
  std::array<uint32_t, 4> s{};
  int64_t offset = 0;                  // loads and stores: added to the address
  uint32_t target = 0;                 // branches: the instruction; calls: in Function::calls
  uint32_t line = 0;                   // in the module's text
  uint32_t file = 0, source_line = 0;  // of the source, 0 where not known
  uint32_t guard = 0;                  // row of the predicate
  Flow flow = Flow::kNext;
  uint8_t count = 1;  // loads and stores: numbers per lane
  bool guarded = false, negated = false;
};

// Where a parameter, or a variable of one lane, lies: bytes from the start of its space.
struct Variable {
  uint32_t at = 0, size = 0;
};

struct Call {
  std::string function;
  std::vector<Variable> arguments;
  Variable result;
  bool has_result = false;
};

enum class Special : uint8_t { kThread, kThreads, kBlock, kBlocks };

struct Function {
  std::string name;
  std::vector<Instruction> code;
  mutable std::vector<uint64_t> executed;  // by warps, of every instruction
  std::vector<Call> calls;
  // an entry's parameters lie in one buffer, those of a function in the memory of every lane
  std::vector<Variable> parameters;
  Variable result;
  uint32_t parameter_bytes = 0, local_bytes = 0, frame_bytes = 0;
  uint32_t stack_bytes = 0;  // of local_bytes, those that are not arguments of calls
  int threads_at_most = 1024;
  // rows that are filled before the first instruction
  struct Constant {
    uint32_t row;
    int width;
    uint64_t value;
  };
  std::vector<Constant> constants;
  std::vector<std::pair<uint32_t, uint32_t>> parameter_rows, local_rows;  // row, bytes from the start of the space
  std::vector<std::pair<uint32_t, Special>> special_rows;
};

// A module's text and what has been read of it.
class Module {
 public:
  explicit Module(std::string text);
  // Reads the function when it is first asked for. Throws Fault.
  const Function& function(const std::string& name);
  // Global variables, for the check of addresses.
  const std::map<std::string, std::vector<std::byte>, std::less<>>& globals() const { return globals_; }
  bool is_shared(std::string_view name) const;  // the shared memory of a launch
  uint32_t line(size_t at) const;
  // "riccati_kernel.hpp:73, line 1234 of the PTX"
  std::string where(const Instruction& in) const;
  std::string_view name(const Instruction& in) const;  // "add.f32"
  // Writes "executed, function, where, text", tabs between, of every instruction that was executed.
  void write_executed(std::FILE* to) const;

 private:
  std::string_view text(const Instruction& in) const;  // its line
  void read_global(size_t start);
  std::string text_;
  std::vector<size_t> lines_;
  std::vector<std::string> shared_;
  std::map<std::string, size_t> at_;
  std::map<uint32_t, std::string> files_;
  std::map<std::string, std::vector<std::byte>, std::less<>> globals_;
  std::map<std::string, std::unique_ptr<Function>> functions_;
};

// The function whose .entry or .func is at `at` of the module's text.
std::unique_ptr<Function> read_function(Module& module, std::string_view text, size_t at);

// The handler of an instruction such as "add.f32" and the widths of its operands, a letter each, the first written: p(redicate), h (16 bits), w (32), d (64).
struct Operation {
  Handler run = nullptr;
  std::string_view operands;
};
const Operation* find_operation(std::string_view name);
// ld and st: name is what follows ("f32"), width the register's bytes; space "shared" or another.
Handler find_load(std::string_view type, int width, bool shared, bool wide_address);
Handler find_store(std::string_view type, int width, bool shared, bool wide_address);
Handler find_copy(int size);  // cp.async of so many bytes: s[0] to, d from
Handler copies_end();         // cp.async.wait_all

}  // namespace tandem::ptx
