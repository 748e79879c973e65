// Loads and stores of 32 lanes.
#include <algorithm>
#include <cstring>

#include "tests/emulator/cycles.hpp"

namespace tandem::ptx {
namespace {

// Addresses of the lanes, checked: of the shared space (A is u32 or u64), or pointers.
template <class A, bool kShared, bool kWrite, bool kNoted = true>
struct Addresses {
  const A* row;
  u64 base;
  Addresses(Warp& w, const Instruction& in, size_t size) : row(w.row<A>(in.s[0])), base(static_cast<u64>(in.offset)) {
    u64 lo = ~u64{0}, hi = 0, odd = 0;
    for (int l = 0; l < kLanes; ++l) {
      const u64 a = static_cast<u64>(row[l]) + base, on = static_cast<u64>(static_cast<s64>(w.active[l]));
      lo = std::min(lo, a | ~on), hi = std::max(hi, a & on), odd |= a & on;
    }
    if (odd % size) fault(w, in, -1, "an address that is not a multiple of " + std::to_string(size));
    if constexpr (kShared) {
      if (hi + size > w.block->shared.size())
        fault(w, in, -1, "byte " + std::to_string(hi) + " of " + std::to_string(w.block->shared.size()) + " bytes of shared memory");
      base += reinterpret_cast<u64>(w.block->shared.data());
    } else if (Memory& memory = w.block->device->memory; w.bits && !memory.holds(lo, hi + size)) {
      for (int l = 0; l < kLanes; ++l)
        if (w.active[l] && !memory.holds((*this)[l], (*this)[l] + size))
          fault(w, in, l, "an access to memory that was not allocated, or to two allocations at once");
    }
    if (Cycles* cycles = w.block->device->cycles) {
      std::vector<u64> addresses;
      for (int l = 0; l < kLanes; ++l)
        if (w.active[l]) addresses.push_back((*this)[l]);
      kShared ? cycles->shared_access(addresses, size) : cycles->generic_access(w, in, addresses, size);
    }
    if (RaceCheck* races = kNoted ? w.block->device->races.get() : nullptr)
      for (int l = 0; l < kLanes; ++l)
        if (w.active[l])
          for (u64 i = 0; i < size; i += 4) races->access(w, in, (*this)[l] + i, size == 1, l, kWrite);
  }
  u64 operator[](int l) const { return static_cast<u64>(row[l]) + base; }
};

template <class M, class R, class A, bool kShared>
void load(Warp& w, const Instruction& in) {
  const Addresses<A, kShared, false> at(w, in, sizeof(M) * in.count);
  const std::array<u32, 4> to{in.d, in.s[1], in.s[2], in.s[3]};
  // an address may lie in the row that is written first: all are read before
  std::array<u64, kLanes> from;
  for (int l = 0; l < kLanes; ++l) from[l] = at[l];
  for (int k = 0; k < in.count; ++k) {
    R* d = w.row<R>(to[k]);
    for (int l = 0; l < kLanes; ++l)
      if (w.active[l]) d[l] = static_cast<R>(reinterpret_cast<const M*>(from[l])[k]);
  }
}
template <class M, class R, class A, bool kShared>
void store(Warp& w, const Instruction& in) {
  const Addresses<A, kShared, true> at(w, in, sizeof(M) * in.count);
  const std::array<u32, 4> from{in.d, in.s[1], in.s[2], in.s[3]};
  for (int l = 0; l < kLanes; ++l)
    if (w.active[l])
      for (int k = 0; k < in.count; ++k) reinterpret_cast<M*>(at[l])[k] = static_cast<M>(w.row<R>(from[k])[l]);
}

// cp.async: begins a copy; cp.async.wait_all: those that the lanes have begun are there.
template <size_t kSize>
void begin_copy(Warp& w, const Instruction& in) {
  Instruction source = in;
  source.s[0] = in.d;
  const Addresses<u64, true, true, false> to(w, in, kSize);
  const Addresses<u64, false, false> from(w, source, kSize);
  for (int l = 0; l < kLanes; ++l) {
    if (!w.active[l]) continue;
    if (w.block->holds(from[l])) fault(w, in, l, "a copy from shared memory, expected global");
    Copy copy{l, kSize, reinterpret_cast<std::byte*>(to[l]), reinterpret_cast<const std::byte*>(from[l]), {}, w.block->epoch};
    std::memcpy(copy.value.data(), copy.from, kSize);
    w.copies.push_back(copy);
  }
}
void end_copies(Warp& w, const Instruction& in) {
  RaceCheck* races = w.block->device->races.get();
  std::erase_if(w.copies, [&](const Copy& copy) {
    if (!w.active[copy.lane]) return false;
    if (std::memcmp(copy.value.data(), copy.from, copy.size) != 0) fault(w, in, copy.lane, "numbers change while they are copied");
    std::memcpy(copy.to, copy.value.data(), copy.size);
    for (size_t i = 0; races && i < copy.size; i += 4) races->copied(w, in, reinterpret_cast<uintptr_t>(copy.to) + i, copy.lane, copy.since);
    return true;
  });
}

template <bool kLoad, class M, class R>
Handler choose(bool shared, bool wide_address) {
  if constexpr (kLoad) {
    if (!shared) return load<M, R, u64, false>;
    return wide_address ? load<M, R, u64, true> : load<M, R, u32, true>;
  } else {
    if (!shared) return store<M, R, u64, false>;
    return wide_address ? store<M, R, u64, true> : store<M, R, u32, true>;
  }
}
template <bool kLoad>
Handler find_access(std::string_view type, int width, bool shared, bool wide) {
  const auto is = [&](std::initializer_list<std::string_view> names) { return std::find(names.begin(), names.end(), type) != names.end(); };
  if (is({"u8", "b8"}) && width == 2) return choose<kLoad, u8, u16>(shared, wide);
  if (is({"u8", "b8"}) && width == 4) return choose<kLoad, u8, u32>(shared, wide);
  if (is({"u32", "b32", "f32", "s32"}) && width == 4) return choose<kLoad, u32, u32>(shared, wide);
  if (is({"u32", "b32"}) && width == 8) return choose<kLoad, u32, u64>(shared, wide);
  if (is({"s32"}) && width == 8) return choose<kLoad, s32, s64>(shared, wide);
  if (is({"u64", "b64", "f64", "s64"}) && width == 8) return choose<kLoad, u64, u64>(shared, wide);
  return nullptr;
}

}  // namespace

Handler find_load(std::string_view type, int width, bool shared, bool wide_address) { return find_access<true>(type, width, shared, wide_address); }
Handler find_store(std::string_view type, int width, bool shared, bool wide_address) { return find_access<false>(type, width, shared, wide_address); }
Handler find_copy(int size) { return size == 16 ? begin_copy<16> : size == 4 ? begin_copy<4> : nullptr; }
Handler copies_end() { return end_copies; }

}  // namespace tandem::ptx
