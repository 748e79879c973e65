// What each file of this folder adds to the module.
#pragma once

#include <nanobind/nanobind.h>

namespace tandem::python {

void bind_robot(nanobind::module_& module);
void bind_qp(nanobind::module_& module);
void bind_mpc(nanobind::module_& module);
void bind_simulator(nanobind::module_& module);
void bind_controller(nanobind::module_& module);
void bind_task(nanobind::module_& module);
void bind_task_worlds(nanobind::module_& module);
void bind_training(nanobind::module_& module);
void bind_live(nanobind::module_& module);

}  // namespace tandem::python
