// State as bytes, for going on later from where something stopped. One template lists the fields; it serves both directions:
//
//   template <class Archive, class Self>
//   void archive(Archive& bytes, Self& self) {
//     bytes.expect("robot", self.name);     // written; on reading an Error unless it is the same
//     bytes(self.position);                 // written or read
//   }
//   ByteWriter out("simulator", 1);  archive(out, world);  std::vector<std::byte> saved = out.finish();
//   ByteReader in("simulator", 1, saved);  archive(in, world);
//
// Numbers are stored as they lie in memory (little-endian on every machine that tandem runs on), vectors with their length in front, spans without:
// give a span where the length follows from what expect() has seen. Nothing guards against flipped bits; a file needs its own checksum.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/check.hpp"

namespace tandem {

template <class T>
concept PlainNumber = std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, std::byte>;

class ByteWriter {
 public:
  // kind: what is saved, in one or two words; version: of its list of fields.
  ByteWriter(const std::string& kind, std::uint32_t version) {
    (*this)(std::uint64_t(0));  // all bytes, known at the end
    (*this)(kind);
    (*this)(version);
  }

  template <PlainNumber T>
  void operator()(const T& value) {
    (*this)(std::span<const T>(&value, 1));
  }
  template <PlainNumber T, size_t N>
  void operator()(const T (&values)[N]) {
    (*this)(std::span<const T>(values, N));
  }
  template <PlainNumber T>
  void operator()(std::span<T> values) {
    const auto raw = std::as_bytes(values);
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
  }
  template <PlainNumber T>
  void operator()(const std::vector<T>& values) {
    (*this)(std::uint64_t(values.size()));
    (*this)(std::span<const T>(values));
  }
  void operator()(const std::string& text) {
    (*this)(std::uint64_t(text.size()));
    (*this)(std::span<const char>(text));
  }

  // Writes what a reader must find unchanged.   name: as its error calls it
  template <class T>
  void expect(const char*, const T& value) {
    (*this)(value);
  }

  std::vector<std::byte> finish() {
    const std::uint64_t size = bytes_.size();
    std::memcpy(bytes_.data(), &size, sizeof size);
    return std::move(bytes_);
  }

 private:
  std::vector<std::byte> bytes_;
};

class ByteReader {
 public:
  // Throws Error unless `bytes` are of this kind and version and complete: after that, only expect() can fail on what ByteWriter wrote.
  ByteReader(const std::string& kind, std::uint32_t version, std::span<const std::byte> bytes) : kind_(kind), rest_(bytes) {
    std::uint64_t size = 0;
    std::string found_kind;
    std::uint32_t found_version = 0;
    (*this)(size);
    (*this)(found_kind);
    check(found_kind == kind, "saved ", kind, ": these bytes are something else; load what the save() of a ", kind, " wrote");
    (*this)(found_version);
    check(found_version == version, "saved ", kind, ": version ", found_version, ", this program reads version ", version,
          "; load it with the program that saved it");
    check(size == bytes.size(), "saved ", kind, ": ", bytes.size(), " bytes of ", size, "; it was cut off or something was appended");
  }

  template <PlainNumber T>
  void operator()(T& value) {
    (*this)(std::span<T>(&value, 1));
  }
  template <PlainNumber T, size_t N>
  void operator()(T (&values)[N]) {
    (*this)(std::span<T>(values, N));
  }
  template <PlainNumber T>
    requires(!std::is_const_v<T>)
  void operator()(std::span<T> values) {
    const auto raw = take(values.size_bytes());
    std::copy(raw.begin(), raw.end(), std::as_writable_bytes(values).begin());  // not memcpy: an empty span may be null
  }
  template <PlainNumber T>
  void operator()(std::vector<T>& values) {
    values.resize(length(sizeof(T)));
    (*this)(std::span<T>(values));
  }
  void operator()(std::string& text) {
    text.resize(length(1));
    (*this)(std::span<char>(text));
  }

  // Reads a value and throws Error unless it equals `expected`.
  template <class T>
  void expect(const char* name, const T& expected) {
    T found{};
    (*this)(found);
    check(found == expected, "saved ", kind_, ": ", name, " was ", found, ", here it is ", expected, "; load it where it is the same");
  }

 private:
  std::span<const std::byte> take(size_t n) {
    check(n <= rest_.size(), "saved ", kind_, ": ends too early; it was cut off or is something else");
    const auto front = rest_.first(n);
    rest_ = rest_.subspan(n);
    return front;
  }
  size_t length(size_t element) {
    std::uint64_t n = 0;
    (*this)(n);
    check(n <= rest_.size() / element, "saved ", kind_, ": ends too early; it was cut off or is something else");
    return n;
  }

  std::string kind_;
  std::span<const std::byte> rest_;
};

// Whether a ByteWriter of this kind wrote the bytes.
inline bool saved_as(const std::string& kind, std::span<const std::byte> bytes) {
  const std::uint64_t length = kind.size();
  const size_t at = sizeof(std::uint64_t);  // of all bytes
  return bytes.size() >= at + sizeof length + length && std::memcmp(bytes.data() + at, &length, sizeof length) == 0 &&
         std::memcmp(bytes.data() + at + sizeof length, kind.data(), length) == 0;
}

}  // namespace tandem
