// Pack<T, W>: W numbers side by side in one vector register, with the interface of a Real (base/real.hpp). CPU only: never include it from a .cu file.
#pragma once

#include "base/real.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// GCC drops vector_size on a typedef that depends on a template argument, so the vector types are spelled out.
template <class T, int W>
struct VectorOf;
template <>
struct VectorOf<float, 8> {
  typedef float type __attribute__((vector_size(32)));
};
template <>
struct VectorOf<float, 16> {
  typedef float type __attribute__((vector_size(64)));
};
template <>
struct VectorOf<double, 4> {
  typedef double type __attribute__((vector_size(32)));
};
template <>
struct VectorOf<double, 8> {
  typedef double type __attribute__((vector_size(64)));
};

template <class T, int W>
struct alignas(sizeof(T) * W) Pack {
  using Scalar = T;
  using Vector = typename VectorOf<T, W>::type;
  using Mask = decltype(Vector{} < Vector{});
  static constexpr int kLanes = W;

  Vector v;

  Pack() = default;
  Pack(T s) : v(Vector{} + s) {}
  explicit Pack(Vector vector) : v(vector) {}
  T operator[](int lane) const { return v[lane]; }
  void set(int lane, T value) { v[lane] = value; }

  Pack& operator+=(Pack b) {
    v += b.v;
    return *this;
  }
  Pack& operator-=(Pack b) {
    v -= b.v;
    return *this;
  }
  Pack& operator*=(Pack b) {
    v *= b.v;
    return *this;
  }
  Pack& operator/=(Pack b) {
    v /= b.v;
    return *this;
  }
  friend Pack operator+(Pack a, Pack b) { return Pack(a.v + b.v); }
  friend Pack operator-(Pack a, Pack b) { return Pack(a.v - b.v); }
  friend Pack operator*(Pack a, Pack b) { return Pack(a.v * b.v); }
  friend Pack operator/(Pack a, Pack b) { return Pack(a.v / b.v); }
  friend Pack operator-(Pack a) { return Pack(-a.v); }
  friend Mask operator<(Pack a, Pack b) { return a.v < b.v; }
  friend Mask operator>(Pack a, Pack b) { return a.v > b.v; }
  friend Mask operator<=(Pack a, Pack b) { return a.v <= b.v; }
  friend Mask operator>=(Pack a, Pack b) { return a.v >= b.v; }
  friend Mask operator==(Pack a, Pack b) { return a.v == b.v; }
  friend Mask operator!=(Pack a, Pack b) { return a.v != b.v; }
  friend Pack select(Mask mask, Pack a, Pack b) { return Pack(mask ? a.v : b.v); }

  // lane by lane through the scalar function
  template <class F>
  static Pack map(Pack a, F f) {
    Pack r;
    for (int i = 0; i < W; ++i) r.v[i] = f(a.v[i]);
    return r;
  }
  friend Pack sqrt(Pack a) {
    return map(a, [](T s) { return tandem::sqrt(s); });
  }
  friend Pack sin(Pack a) {
    return map(a, [](T s) { return tandem::sin(s); });
  }
  friend Pack cos(Pack a) {
    return map(a, [](T s) { return tandem::cos(s); });
  }
  friend Pack abs(Pack a) { return select(a < Pack(T(0)), -a, a); }
  friend Pack atan2(Pack y, Pack x) {
    Pack r;
    for (int i = 0; i < W; ++i) r.v[i] = tandem::atan2(y.v[i], x.v[i]);
    return r;
  }
};

}  // namespace TANDEM_ISA
}  // namespace tandem
