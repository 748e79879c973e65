// CRC-32C (Castagnoli), by the processor's own instruction; and files that end in one.
#pragma once

#include <nmmintrin.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace tandem {

inline std::uint32_t crc32c(std::span<const std::byte> bytes) {
  std::uint64_t crc = 0xFFFFFFFFu;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data(), 8);
    crc = _mm_crc32_u64(crc, word);
  }
  for (std::byte byte : bytes) crc = _mm_crc32_u8(static_cast<std::uint32_t>(crc), static_cast<std::uint8_t>(byte));
  return ~static_cast<std::uint32_t>(crc);
}

constexpr std::size_t kCheckSumSize = sizeof(std::uint32_t);

inline void append_check_sum(std::vector<std::byte>& bytes) {
  const std::uint32_t sum = crc32c(bytes);
  const auto raw = std::as_bytes(std::span(&sum, 1));
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

// Whether `bytes`, longer than a check sum, end in that of all before.
inline bool check_sum_is_right(std::span<const std::byte> bytes) {
  std::uint32_t sum = 0;
  std::memcpy(&sum, bytes.last(kCheckSumSize).data(), kCheckSumSize);
  return crc32c(bytes.first(bytes.size() - kCheckSumSize)) == sum;
}

}  // namespace tandem
