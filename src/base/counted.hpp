// Counted: a float that counts what is done with it. Run a kernel with Real = Counted on one lane and `work_done` says how much arithmetic it is.
//
//   work_done = {};
//   multiply<Write::kSet>(SerialTeam{}, y, A, x);
//   work_done.flops()   // 2 m n
//
// A Counted has the memory of a float, so that views of float arrays can be read as views of Counted ones.
#pragma once

#include <type_traits>

#include "base/real.hpp"

namespace tandem {

// Operations on Reals. A fused multiply-add is one addition and one multiplication; comparisons, selections and signs are free.
struct WorkCount {
  long add = 0, multiply = 0, divide = 0;
  long root = 0;    // square roots
  long circle = 0;  // sin, cos, atan2 by the library; sincos() of math/sincos.hpp is a polynomial and counts as such
  long flops() const { return add + multiply + divide + root + circle; }
  WorkCount& operator+=(const WorkCount& b) {
    add += b.add, multiply += b.multiply, divide += b.divide, root += b.root, circle += b.circle;
    return *this;
  }
  WorkCount& operator-=(const WorkCount& b) {
    add -= b.add, multiply -= b.multiply, divide -= b.divide, root -= b.root, circle -= b.circle;
    return *this;
  }
  friend WorkCount operator+(WorkCount a, const WorkCount& b) { return a += b; }
  friend WorkCount operator-(WorkCount a, const WorkCount& b) { return a -= b; }
  friend WorkCount operator*(long n, const WorkCount& a) { return {n * a.add, n * a.multiply, n * a.divide, n * a.root, n * a.circle}; }
  friend bool operator==(const WorkCount&, const WorkCount&) = default;
};

// What this thread has done so far.
inline thread_local WorkCount work_done;

struct Counted {
  using Scalar = float;
  using Mask = bool;

  float v;

  Counted() = default;
  template <class T>
    requires std::is_arithmetic_v<T>
  Counted(T value) : v(static_cast<float>(value)) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  explicit operator T() const {
    return static_cast<T>(v);
  }

  friend Counted operator+(Counted a, Counted b) { return ++work_done.add, Counted(a.v + b.v); }
  friend Counted operator-(Counted a, Counted b) { return ++work_done.add, Counted(a.v - b.v); }
  friend Counted operator*(Counted a, Counted b) { return ++work_done.multiply, Counted(a.v * b.v); }
  friend Counted operator/(Counted a, Counted b) { return ++work_done.divide, Counted(a.v / b.v); }
  friend Counted operator-(Counted a) { return Counted(-a.v); }
  Counted& operator+=(Counted b) { return *this = *this + b; }
  Counted& operator-=(Counted b) { return *this = *this - b; }
  Counted& operator*=(Counted b) { return *this = *this * b; }
  Counted& operator/=(Counted b) { return *this = *this / b; }
  friend bool operator<(Counted a, Counted b) { return a.v < b.v; }
  friend bool operator>(Counted a, Counted b) { return a.v > b.v; }
  friend bool operator<=(Counted a, Counted b) { return a.v <= b.v; }
  friend bool operator>=(Counted a, Counted b) { return a.v >= b.v; }
  friend bool operator==(Counted a, Counted b) { return a.v == b.v; }
  friend bool operator!=(Counted a, Counted b) { return a.v != b.v; }

  friend Counted select(bool mask, Counted a, Counted b) { return mask ? a : b; }
  friend Counted abs(Counted a) { return Counted(tandem::abs(a.v)); }
  friend Counted floor(Counted a) { return Counted(::floorf(a.v)); }
  friend Counted sqrt(Counted a) { return ++work_done.root, Counted(tandem::sqrt(a.v)); }
  friend Counted sin(Counted a) { return ++work_done.circle, Counted(tandem::sin(a.v)); }
  friend Counted cos(Counted a) { return ++work_done.circle, Counted(tandem::cos(a.v)); }
  friend Counted atan2(Counted y, Counted x) { return ++work_done.circle, Counted(tandem::atan2(y.v, x.v)); }
};

}  // namespace tandem
