// Arrays between Python and C++. In: any array that speaks DLPack or the buffer protocol (NumPy, Torch, JAX, ...), checked and used where it lies.
// Out: NumPy arrays that look at our memory and keep its owner alive. Nothing is copied either way.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace nb = nanobind;

namespace tandem::python {

// The object that a property belongs to, with the Python object that keeps it alive.
template <class T>
using Held = nb::pointer_and_handle<T>;

// An argument that must turn out to be an array; `Any` in the signature.
struct AnyArray {
  nb::object object;
};

// One dimension as messages call it.
struct Axis {
  const char* name;
  size_t size;
};
using Axes = std::vector<Axis>;

// What the elements of an array must be.
struct Element {
  nb::dlpack::dtype type;
  bool or_bool;  // bool does too
};

// Throws Error naming `name`, what it has and what was expected, unless `array` is one in the memory of the processor, contiguous, aligned, of this type
// and shape.
nb::ndarray<nb::ro> checked_array(const AnyArray& array, const char* name, const Element& element, const Axes& axes);

// The caller's array, held for as long as its values are used.
template <class T>
class Input {
 public:
  Input(const AnyArray& array, const char* name, const Axes& axes)
      : hold_(checked_array(array, name, {nb::dtype<T>(), std::is_same_v<T, std::uint8_t>}, axes)),
        values_(static_cast<const T*>(hold_.data()), hold_.size()) {}
  // Not given: no values.
  Input(const std::optional<AnyArray>& array, const char* name, const Axes& axes) {
    if (array) *this = Input(*array, name, axes);
  }
  operator std::span<const T>() const { return values_; }

 private:
  nb::ndarray<nb::ro> hold_;
  std::span<const T> values_;
};

// The same of an array in the memory of the current CUDA device. Numbers of a row must follow one another; rows may lie apart.
nb::ndarray<nb::ro> checked_device_array(const AnyArray& array, const char* name, const Element& element, const Axes& axes);

// Such an array, held while it is in use.
template <class T>
class DeviceRows {
 public:
  DeviceRows(const AnyArray& array, const char* name, const Axes& axes)
      : hold_(checked_device_array(array, name, {nb::dtype<T>(), std::is_same_v<T, std::uint8_t>}, axes)) {}
  const T* data() const { return static_cast<const T*>(hold_.data()); }
  // From one row to the next.
  int stride() const { return hold_.ndim() > 1 ? static_cast<int>(hold_.stride(0)) : hold_.ndim() ? static_cast<int>(hold_.size()) : 1; }

 private:
  nb::ndarray<nb::ro> hold_;
};

template <class T>
using View = nb::ndarray<nb::numpy, T>;

// A NumPy array on `data`, which belongs to `owner`.   strides in elements; empty: contiguous
template <class T>
View<T> view(T* data, nb::handle owner, const std::vector<size_t>& shape, const std::vector<std::int64_t>& strides = {}) {
  return View<T>(data, shape.size(), shape.data(), owner, strides.empty() ? nullptr : strides.data());
}

// Whether arrays have a first axis of worlds: an object made for one robot has arrays without.
struct Batch {
  int nworld;
  bool batched;

  // Of None or a number of worlds; throws Error unless that is at least 1 and `bytes` per world fit into the machine.
  Batch(std::optional<int> count, double bytes);

  Axes axes(Axes rest) const {
    if (batched) rest.insert(rest.begin(), {"nworld", static_cast<size_t>(nworld)});
    return rest;
  }
  template <class T>
  View<T> view(T* data, nb::handle owner, std::vector<size_t> shape) const {
    if (batched) shape.insert(shape.begin(), static_cast<size_t>(nworld));
    return python::view(data, owner, shape);
  }
  // One number per world, `stride` of them apart.
  template <class T>
  View<T> view_each(T* data, nb::handle owner, std::int64_t stride = 1) const {
    if (!batched) return python::view(data, owner, {});
    return python::view(data, owner, {static_cast<size_t>(nworld)}, {stride});
  }
};

// Throws Error unless 0 <= threads <= 1024.
int checked_threads(int threads);
// Throws Error unless 0 <= seed < 2^64.
std::uint64_t checked_seed(const nb::int_& seed);

// Bytes of Python, and what they hold.
inline nb::bytes bytes_of(std::span<const std::byte> bytes) { return nb::bytes(bytes.data(), bytes.size()); }
inline std::span<const std::byte> span_of(const nb::bytes& bytes) { return {static_cast<const std::byte*>(bytes.data()), bytes.size()}; }
inline std::vector<std::byte> vector_of(const nb::bytes& bytes) { return {span_of(bytes).begin(), span_of(bytes).end()}; }

// body() without the interpreter's lock, and with ours: other Python threads go on, two calls on one object follow each other.
template <class Body>
auto unlocked(std::mutex& mutex, Body&& body) {
  nb::gil_scoped_release release;
  std::lock_guard lock(mutex);
  return body();
}

}  // namespace tandem::python

namespace nanobind::detail {

template <>
struct type_caster<tandem::python::AnyArray> {
  NB_TYPE_CASTER(tandem::python::AnyArray, const_name("typing.Any"))
  bool from_python(handle source, std::uint8_t, cleanup_list*) noexcept {
    value.object = borrow(source);
    return true;
  }
};

}  // namespace nanobind::detail
