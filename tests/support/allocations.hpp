// Counts what the C++ code of a test program allocates; C code, MuJoCo's for one, calls malloc directly. Included by one source of a program, since it replaces
// the operators of all of it.
#pragma once

#include <atomic>
#include <cstdlib>
#include <new>

namespace tandem {

inline std::atomic<long> allocations{0};

inline void* counted_allocation(std::size_t size, std::size_t alignment) {
  ++allocations;
  if (void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)) return memory;
  throw std::bad_alloc();
}

}  // namespace tandem

// not inlined, or the compiler warns that new and free do not belong together
[[gnu::noinline]] void* operator new(std::size_t size) { return tandem::counted_allocation(size, 16); }
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  return tandem::counted_allocation(size, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
