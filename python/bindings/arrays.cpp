#include "arrays.hpp"

#include "base/check.hpp"
#include "base/memory.hpp"

namespace tandem::python {
namespace {

constexpr int kMaxThreads = 1024;

std::string text(const nb::dlpack::dtype& type) {
  static constexpr const char* kKinds[] = {"int", "uint", "float", "handle", "bfloat", "complex", "bool"};
  const char* kind = type.code < std::size(kKinds) ? kKinds[type.code] : "float";
  return type.code == static_cast<int>(nb::dlpack::dtype_code::Bool) ? kind : cat(kind, int(type.bits));
}

std::string text(const nb::ndarray<nb::ro>& array) {
  std::string out = "(";
  for (size_t i = 0; i < array.ndim(); ++i) out += cat(i ? ", " : "", array.shape(i));
  return out + (array.ndim() == 1 ? ",)" : ")");
}

// "(nworld, nq) = (4, 25)"
std::string text(const Axes& axes) {
  std::string names, sizes;
  for (const Axis& axis : axes) {
    names += cat(names.empty() ? "" : ", ", axis.name);
    sizes += cat(sizes.empty() ? "" : ", ", axis.size);
  }
  const char* end = axes.size() == 1 ? ",)" : ")";
  return cat("(", names, end, " = (", sizes, end);
}

std::string device_text(const nb::ndarray<nb::ro>& array) {
  const int type = array.device_type(), cuda = nb::device::cuda::value, rocm = nb::device::rocm::value;
  if (type == nb::device::cpu::value) return "cpu";
  return cat(type == cuda ? "cuda" : type == rocm ? "rocm" : cat("number ", type, ","), ":", array.device_id());
}

bool has_shape(const nb::ndarray<nb::ro>& array, const Axes& axes) {
  if (array.ndim() != axes.size()) return false;
  for (size_t i = 0; i < axes.size(); ++i)
    if (array.shape(i) != axes[i].size) return false;
  return true;
}

bool is_contiguous(const nb::ndarray<nb::ro>& array) {
  std::int64_t expected = 1;
  for (size_t i = array.ndim(); i-- > 0 && array.size() > 0;) {
    if (array.shape(i) != 1 && array.stride(i) != expected) return false;
    expected *= static_cast<std::int64_t>(array.shape(i));
  }
  return true;
}

// As an array on a device of this type, with the right type and shape.
nb::ndarray<nb::ro> shaped_array(const AnyArray& any, const char* name, const Element& element, const Axes& axes, int device_type) {
  const bool cpu = device_type == nb::device::cpu::value;
  const std::string expected = cat(", expected an array of ", text(element.type), " with shape ", text(axes));
  nb::ndarray<nb::ro> array;
  check(nb::try_cast(any.object, array), name, " is of type ", nb::type_name(any.object.type()).c_str(), " and cannot be read as an array", expected,
        cpu ? "; give a NumPy array or a Torch tensor without gradient" : "; give a Torch tensor without gradient");
  check(array.device_type() == device_type, name, " is on device ", device_text(array), ", expected ", cpu ? "cpu" : "cuda", "; use ", name,
        cpu ? ".cpu()" : ".cuda()");
  const auto bool_code = static_cast<std::uint8_t>(nb::dlpack::dtype_code::Bool);
  const bool is_bool = array.dtype().code == bool_code && array.dtype().bits == 8;
  const std::string conversion = cpu ? cat(".astype(\"", text(element.type), "\")") : cat(".to(torch.", text(element.type), ")");
  check(array.dtype() == element.type || (element.or_bool && is_bool), name, " has dtype ", text(array.dtype()), ", expected ", text(element.type),
        element.or_bool ? " or bool" : "", "; convert it, for example ", name, conversion);
  check(has_shape(array, axes), name, " has shape ", text(array), ", expected ", text(axes));
  return array;
}

}  // namespace

nb::ndarray<nb::ro> checked_device_array(const AnyArray& any, const char* name, const Element& element, const Axes& axes) {
  nb::ndarray<nb::ro> array = shaped_array(any, name, element, axes, nb::device::cuda::value);
  check(array.device_id() == 0, name, " is on device ", device_text(array), ", expected cuda:0; CUDA_VISIBLE_DEVICES chooses which card that is");
  const size_t last = array.ndim() - 1;
  check(array.ndim() == 0 || array.shape(last) <= 1 || array.stride(last) == 1, name, ": numbers of a row do not follow one another; use ", name,
        ".contiguous()");
  check(array.ndim() < 2 || array.stride(0) >= static_cast<std::int64_t>(array.shape(last)), name, ": rows overlap; use ", name, ".contiguous()");
  return array;
}

nb::ndarray<nb::ro> checked_array(const AnyArray& any, const char* name, const Element& element, const Axes& axes) {
  nb::ndarray<nb::ro> array = shaped_array(any, name, element, axes, nb::device::cpu::value);
  check(is_contiguous(array), name, " is not contiguous; use numpy.ascontiguousarray(", name, ")");
  check(reinterpret_cast<std::uintptr_t>(array.data()) % (element.type.bits / 8) == 0, name, " does not start at a multiple of ",
        element.type.bits / 8, " bytes; copy it");
  return array;
}

Batch::Batch(std::optional<int> count, double bytes) : nworld(count.value_or(1)), batched(count.has_value()) {
  check(nworld >= 1, "nworld = ", nworld, ", expected at least 1; leave it out for one robot without the axis of worlds");
  check_memory(bytes * nworld, cat("nworld = ", nworld));
}

int checked_threads(int threads) {
  check(threads >= 0 && threads <= kMaxThreads, "threads = ", threads, ", expected 0 (one per processor) to ", kMaxThreads);
  return threads;
}

std::uint64_t checked_seed(const nb::int_& seed) {
  std::uint64_t number = 0;
  check(nb::try_cast(seed, number), "seed = ", nb::str(seed).c_str(), ", expected 0 to 18446744073709551615");
  return number;
}

}  // namespace tandem::python
