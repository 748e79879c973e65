// Words, signs and numbers of a text of PTX.
#pragma once

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "tests/emulator/ptx.hpp"

namespace tandem::ptx {

inline bool of_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%' || c == '.'; }

// Words and single signs from `at` on.
class Reader {
 public:
  Reader(std::string_view text, size_t at) : text_(text), at_(at) {}
  size_t at() const { return at_; }
  std::string_view next() {
    skip();
    if (at_ >= text_.size()) throw Fault("PTX: the text ends within a function");
    const size_t from = at_++;
    if (text_[from] == '"') return at_ = text_.find('"', at_) + 1, text_.substr(from, at_ - from);
    if (of_word(text_[from]))
      while (at_ < text_.size() && of_word(text_[at_])) ++at_;
    return text_.substr(from, at_ - from);
  }
  std::string_view peek() {
    const size_t before = at_;
    const std::string_view token = next();
    at_ = before;
    return token;
  }
  void skip_line() { at_ = std::min(text_.find('\n', at_), text_.size()); }
  void expect(std::string_view token) {
    if (const std::string_view found = next(); found != token)
      throw Fault("PTX: '" + std::string(found) + "' where '" + std::string(token) + "' should be");
  }

 private:
  void skip() {
    while (at_ < text_.size()) {
      if (std::isspace(static_cast<unsigned char>(text_[at_])))
        ++at_;
      else if (text_.substr(at_, 2) == "//")
        at_ = std::min(text_.find('\n', at_), text_.size());
      else
        return;
    }
  }
  std::string_view text_;
  size_t at_;
};

inline std::optional<uint64_t> parse_number(std::string_view token) {
  const bool hex = token.starts_with("0x"), bits = token.starts_with("0f") || token.starts_with("0d");
  if (token.empty() || !std::isdigit(static_cast<unsigned char>(token[0]))) return {};
  const std::string_view digits = hex || bits ? token.substr(2) : token;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, hex || bits ? 16 : 10);
  if (error != std::errc() || end != digits.data() + digits.size()) throw Fault("PTX: the number '" + std::string(token) + "'");
  return value;
}
inline uint32_t parse_size(std::string_view token) {
  const auto value = parse_number(token);
  if (!value) throw Fault("PTX: '" + std::string(token) + "' where a number should be");
  return static_cast<uint32_t>(*value);
}

// Bytes of a type such as ".b64"; 0 of a predicate.
inline int width_of(std::string_view type) {
  if (type == ".pred") return 0;
  const uint32_t bits = parse_size(type.substr(2));
  return static_cast<int>(bits / 8);
}
// Of a letter of Operation::operands.
inline int width_of(char kind) { return kind == 'p' ? 0 : kind == 'h' ? 2 : kind == 'w' ? 4 : 8; }
inline int row_bytes(int width) { return kLanes * (width == 0 ? 4 : width); }

}  // namespace tandem::ptx
