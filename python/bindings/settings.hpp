// Settings as Python dictionaries: {"solver.iterations": 5, "gait.offset": [0, 0.5]}.
#pragma once

#include <nanobind/nanobind.h>

#include "model/fields.hpp"
#include "mpc/settings.hpp"

namespace tandem::python {

// Sets the fields that the dictionary names. Throws Error as apply_assignment does.
void apply_settings(const Fields& fields, const nanobind::dict& settings);

// All fields with their values.
nanobind::dict settings_dict(const Fields& fields);

// The fields of settings.solver alone, without their prefix: "iterations", "relaxation", ...
Fields solver_fields(MpcSettings& settings);

}  // namespace tandem::python
