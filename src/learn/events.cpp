#include "learn/events.hpp"

#include <unistd.h>

#include <chrono>
#include <cmath>

#include "base/check.hpp"
#include "base/crc32c.hpp"

namespace tandem {
namespace {

double wall_time() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

// --- Protocol Buffers: a field is its key (number and wire type) and its value ---

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
std::string integer_field(int number, std::int64_t value) { return varint(number << 3 | 0) + varint(static_cast<std::uint64_t>(value)); }
std::string double_field(int number, double value) { return varint(number << 3 | 1) + raw(value); }
std::string text_field(int number, const std::string& text) { return varint(number << 3 | 2) + varint(text.size()) + text; }
std::string float_field(int number, float value) { return varint(number << 3 | 5) + raw(value); }

// message Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; SessionLog session_log = 7; }
std::string event(std::int64_t step, const std::string& what) { return double_field(1, wall_time()) + integer_field(2, step) + what; }
// message Summary { message Value { string tag = 1; float simple_value = 2; } repeated Value value = 1; }
std::string summary_value(const NamedNumber& scalar) {
  return text_field(1, text_field(1, scalar.first) + float_field(2, static_cast<float>(scalar.second)));
}

std::string path_in(const std::string& folder) {
  char host[256] = "localhost";
  ::gethostname(host, sizeof(host) - 1);
  return cat(folder, "/events.out.tfevents.", static_cast<std::int64_t>(wall_time()), ".", host, ".", ::getpid());
}

std::uint32_t masked_crc(const std::string& data) {
  const std::uint32_t crc = crc32c(std::as_bytes(std::span(data)));
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

}  // namespace

EventFile::EventFile(const std::string& folder, std::int64_t first_step) : file_(path_in(folder)) {
  constexpr int kStart = 1;  // enum SessionStatus
  append(event(0, text_field(3, "brain.Event:2")));
  append(event(first_step, text_field(7, integer_field(1, kStart))));
}

bool EventFile::append(const std::string& data) {
  const std::string length = raw(static_cast<std::uint64_t>(data.size()));
  const std::string record = length + raw(masked_crc(length)) + data + raw(masked_crc(data));
  return file_.append(record);
}

bool EventFile::write(std::int64_t step, std::span<const NamedNumber> scalars) {
  std::string summary;
  for (const NamedNumber& scalar : scalars)
    if (!std::isnan(scalar.second)) summary += summary_value(scalar);
  return append(event(step, text_field(5, summary)));
}

}  // namespace tandem
