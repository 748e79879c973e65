// Memory for vector registers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>

namespace tandem {

// Floats on a 64-byte boundary, zero at first.
struct AlignedFloats {
  explicit AlignedFloats(std::size_t n) : data(static_cast<float*>(::operator new(n * sizeof(float), std::align_val_t(64)))), size(n) {
    std::fill_n(data, n, 0.0f);
  }
  ~AlignedFloats() { ::operator delete(data, std::align_val_t(64)); }
  AlignedFloats(const AlignedFloats&) = delete;
  AlignedFloats& operator=(const AlignedFloats&) = delete;

  float* data;
  std::size_t size;
};

}  // namespace tandem
