// Traced: a float that reports which numbers in memory a kernel reads and writes. A Traced has the memory of a float.
#pragma once

#include <type_traits>

#include "base/real.hpp"

namespace tandem {

struct Traced;

// Whoever is told, while `watching` leads to it. Addresses may lie anywhere, in registers of the kernel (the stack) too.
struct Watcher {
  virtual void access(const Traced* p, bool write) = 0;

 protected:
  ~Watcher() = default;
};
inline thread_local Watcher* watching = nullptr;

struct Traced {
  using Scalar = float;
  using Mask = bool;
  float v = 0;

  static const Traced& read(const Traced& a) {
    if (watching) watching->access(&a, false);
    return a;
  }
  Traced() = default;
  template <class T>
    requires std::is_arithmetic_v<T>
  Traced(T value) : v(static_cast<float>(value)) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  explicit operator T() const {
    return static_cast<T>(read(*this).v);
  }
  Traced(const Traced& b) : v(read(b).v) {}
  Traced& operator=(const Traced& b) {
    v = read(b).v;
    if (watching) watching->access(this, true);
    return *this;
  }
  Traced& operator+=(const Traced& b) { return *this = *this + b; }
  Traced& operator-=(const Traced& b) { return *this = *this - b; }
  Traced& operator*=(const Traced& b) { return *this = *this * b; }
  Traced& operator/=(const Traced& b) { return *this = *this / b; }
  friend Traced operator+(const Traced& a, const Traced& b) { return Traced(read(a).v + read(b).v); }
  friend Traced operator-(const Traced& a, const Traced& b) { return Traced(read(a).v - read(b).v); }
  friend Traced operator*(const Traced& a, const Traced& b) { return Traced(read(a).v * read(b).v); }
  friend Traced operator/(const Traced& a, const Traced& b) { return Traced(read(a).v / read(b).v); }
  friend Traced operator-(const Traced& a) { return Traced(-read(a).v); }
  friend bool operator<(const Traced& a, const Traced& b) { return read(a).v < read(b).v; }
  friend bool operator>(const Traced& a, const Traced& b) { return read(a).v > read(b).v; }
  friend bool operator<=(const Traced& a, const Traced& b) { return read(a).v <= read(b).v; }
  friend bool operator>=(const Traced& a, const Traced& b) { return read(a).v >= read(b).v; }
  friend bool operator==(const Traced& a, const Traced& b) { return read(a).v == read(b).v; }
  friend bool operator!=(const Traced& a, const Traced& b) { return read(a).v != read(b).v; }

  friend Traced select(bool mask, const Traced& a, const Traced& b) { return mask ? Traced(read(a).v) : Traced(read(b).v); }
  friend Traced abs(const Traced& a) { return Traced(tandem::abs(read(a).v)); }
  friend Traced floor(const Traced& a) { return Traced(::floorf(read(a).v)); }
  friend Traced sqrt(const Traced& a) { return Traced(tandem::sqrt(read(a).v)); }
  friend Traced sin(const Traced& a) { return Traced(tandem::sin(read(a).v)); }
  friend Traced cos(const Traced& a) { return Traced(tandem::cos(read(a).v)); }
  friend Traced atan2(const Traced& y, const Traced& x) { return Traced(tandem::atan2(read(y).v, read(x).v)); }
};
static_assert(sizeof(Traced) == sizeof(float));

}  // namespace tandem
