#include "settings.hpp"

#include <nanobind/stl/string.h>

#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "mpc/fields.hpp"

namespace nb = nanobind;

namespace tandem::python {
namespace {

constexpr size_t kMaxNumbers = 1000;  // in one setting

// A value as it would be typed: true, 0.1, trot, or 1,2,3 for a sequence.
std::string text_of(nb::handle value, bool nested = false) {
  if (nb::isinstance<nb::str>(value)) return nb::cast<std::string>(value);
  if (nb::isinstance<nb::bool_>(value)) return value.is(Py_True) ? "true" : "false";
  const bool list = !nested && PySequence_Check(value.ptr()) && !nb::isinstance<nb::bytes>(value);
  if (!list) return nb::cast<std::string>(nb::str(value));
  const size_t size = nb::len(value);
  check(size <= kMaxNumbers, "a setting has ", size, " values, expected at most ", kMaxNumbers);
  std::string out;
  for (size_t i = 0; i < size; ++i) out += cat(i ? "," : "", text_of(value[i], true));
  return out;
}

}  // namespace

void apply_settings(const Fields& fields, const nb::dict& settings) {
  for (const auto& [name, value] : settings) {
    check(nb::isinstance<nb::str>(name), "settings: ", nb::cast<std::string>(nb::repr(name)), " is not a name, expected a text such as \"",
          fields.at(0).name, "\"");
    apply_assignment(fields, cat(nb::cast<std::string>(name), "=", text_of(value)), "settings");
  }
}

nb::dict settings_dict(const Fields& fields) { return nb::cast<nb::dict>(nb::module_::import_("json").attr("loads")(to_json(fields).dump())); }

Fields solver_fields(MpcSettings& settings) {
  const std::string prefix = "solver.";
  Fields out;
  for (Field field : fields(settings)) {
    if (!field.name.starts_with(prefix)) continue;
    field.name = field.name.substr(prefix.size());
    out.push_back(field);
  }
  return out;
}

}  // namespace tandem::python
