// Constant arrays of the host gathered into one block that is copied to a device, with the pointers into them turned to where the copy lies.
#pragma once

#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <utility>
#include <vector>

namespace tandem {

class ConstantBlock {
 public:
  // Appends `values` at a multiple of 16 bytes. Each of `pointers` points into `values`; rebase() turns it.
  template <class T>
  void add(const std::vector<T>& values, std::initializer_list<const T**> pointers) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + (values.size() * sizeof(T) + 15) / 16 * 16);
    std::memcpy(bytes_.data() + at, values.data(), values.size() * sizeof(T));
    for (const T** pointer : pointers)
      slots_.emplace_back(reinterpret_cast<const void**>(pointer), at + static_cast<std::size_t>(*pointer - values.data()) * sizeof(T));
  }
  // Makes all pointers those into a copy of the block at `base`.
  void rebase(const void* base) const {
    for (const auto& [pointer, at] : slots_) *pointer = static_cast<const std::byte*>(base) + at;
  }
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
  std::vector<std::pair<const void**, std::size_t>> slots_;
};

}  // namespace tandem
