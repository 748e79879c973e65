// CRC-32C (Castagnoli), by the processor's own instruction.
#pragma once

#include <nmmintrin.h>

#include <cstdint>
#include <cstring>
#include <span>

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

}  // namespace tandem
