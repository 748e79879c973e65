// The settings of a task as Python gives them.
#pragma once

#include <nanobind/nanobind.h>

#include <string>

#include "env/settings.hpp"

namespace tandem::python {

// The robot's defaults for "mpc", "residual" or "rl", with the settings that the dictionary names. Throws Error.
TaskSettings task_settings(const Robot& robot, const std::string& controller, const nanobind::dict& chosen);

}  // namespace tandem::python
