// tandem._core: the C++ library as a Python module. docs/python.md.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "base/check.hpp"
#include "base/device.hpp"
#include "base/isa.hpp"
#include "bind.hpp"
#include "cli/program.hpp"

namespace nb = nanobind;

NB_MODULE(_core, module) {
  module.doc() = "Model predictive control and reinforcement learning for legged robots: the compiled part of the package tandem.";

  nb::set_leak_warnings(false);  // a script's global tensors on our memory outlive the module at its end

  nb::exception<tandem::Error> error(module, "Error", PyExc_ValueError);
  error.doc() = "A mistake of the caller, in one line: what was given, what was expected, and the cure.";

  module.attr("__version__") = TANDEM_VERSION;
  module.def(
      "instruction_set", [] { return std::string(tandem::isa_name(tandem::detect_isa())); },
      "The vector instructions that the kernels use: \"avx2\" or \"avx512\"; the environment variable TANDEM_ISA chooses.");
  module.def("cuda_device_count", &tandem::cuda_device_count, "CUDA devices that can be used; 0 in a build without CUDA.");
  module.def(
      "run_program",
      [](const std::vector<std::string>& arguments) {
        nb::gil_scoped_release release;
        return tandem::run_program(arguments);
      },
      nb::arg("arguments"),
      "Runs the command line program and returns its exit code. The first argument is what reports call the program.\n\n"
      "Takes over Ctrl-C in this process: meant for `python -m tandem`.");

  tandem::python::bind_robot(module);
  tandem::python::bind_qp(module);
  tandem::python::bind_mpc(module);
  tandem::python::bind_simulator(module);
  tandem::python::bind_controller(module);
  tandem::python::bind_task(module);
  tandem::python::bind_task_worlds(module);
  tandem::python::bind_training(module);
  tandem::python::bind_live(module);
}
