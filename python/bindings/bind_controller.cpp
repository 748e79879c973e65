#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "arrays.hpp"
#include "base/check.hpp"
#include "bind.hpp"
#include "deploy/controller.hpp"
#include "deploy/trained_settings.hpp"
#include "mpc/fields.hpp"
#include "settings.hpp"

namespace tandem::python {
namespace {

constexpr double kControllerBytes = 64 << 10;  // from above

struct ControllerObject {
  Batch batch;
  PolicyController controller;
  std::mutex mutex;

  ControllerObject(const Robot& robot, const std::optional<std::filesystem::path>& policy, std::optional<int> nworld, const nb::dict& settings,
                   int threads)
      : batch(nworld, kControllerBytes),
        controller(robot, text(policy), with(trained_settings(robot, text(policy)), settings), batch.nworld, checked_threads(threads)) {}

  static std::string text(const std::optional<std::filesystem::path>& policy) { return policy ? policy->string() : ""; }

  static MpcSettings with(MpcSettings defaults, const nb::dict& settings) {
    apply_settings(fields(defaults), settings);
    return defaults;
  }
};

void step_controller(ControllerObject& self, const AnyArray& q, const AnyArray& v, const AnyArray& command, const std::optional<AnyArray>& active,
                     const std::optional<AnyArray>& ground) {
  const Model& model = self.controller.robot().model;
  const size_t nq = model.nq, nv = model.nv;
  const Input<double> q_in(q, "q", self.batch.axes({{"nq", nq}})), v_in(v, "v", self.batch.axes({{"nv", nv}})),
      command_in(command, "command", self.batch.axes({{"4", 4}}));
  const Input<std::uint8_t> active_in(active, "active", self.batch.axes({}));
  const Input<double> ground_in(ground, "ground", self.batch.axes({{"3", 3}}));
  unlocked(self.mutex, [&] { self.controller.step(q_in, v_in, command_in, active_in, ground_in); });
}

void reset_controller(ControllerObject& self, std::optional<int> world, double phase) {
  check(phase - phase == 0, "phase = ", phase, ", expected a number of periods");
  unlocked(self.mutex, [&] {
    if (world) return self.controller.reset(*world, phase);
    for (int w = 0; w < self.batch.nworld; ++w) self.controller.reset(w, phase);
  });
}

// tau_ff + kp (q_des - q) + kd (v_des - v), clipped to the robot's limits, as a new array.
View<double> torque(ControllerObject& self, const AnyArray& q, const AnyArray& v) {
  const Model& model = self.controller.robot().model;
  const size_t nq = model.nq, nv = model.nv, njnt = model.njnt;
  const Input<double> q_in(q, "q", self.batch.axes({{"nq", nq}})), v_in(v, "v", self.batch.axes({{"nv", nv}}));
  const size_t n = self.batch.nworld * njnt;
  auto* tau = new double[n];
  const nb::capsule owner(tau, [](void* p) noexcept { delete[] static_cast<double*>(p); });
  unlocked(self.mutex, [&] { self.controller.torque(q_in, v_in, {tau, n}); });
  return self.batch.view(tau, owner, {njnt});
}

auto per_joint(std::vector<double> PolicyController::* field) {
  return [field](Held<ControllerObject> self) {
    return self.p->batch.view((self.p->controller.*field).data(), self.h, {static_cast<size_t>(self.p->controller.robot().model.njnt)});
  };
}
auto per_policy(std::vector<float> PolicyController::* field) {
  return [field](Held<ControllerObject> self) {
    std::vector<float>& values = self.p->controller.*field;
    return self.p->batch.view(values.data(), self.h, {values.size() / self.p->batch.nworld});
  };
}

void bind_outputs(nb::class_<ControllerObject>& controller) {
  controller.def_prop_ro("tau_ff", per_joint(&PolicyController::tau_ff), "Feed-forward torques [N m]  ([nworld,] njnt).")
      .def_prop_ro("q_des", per_joint(&PolicyController::q_des), "Joint positions to reach [rad]  ([nworld,] njnt).")
      .def_prop_ro("v_des", per_joint(&PolicyController::v_des), "Joint velocities to reach [rad/s]  ([nworld,] njnt).")
      .def_prop_ro("kp", per_joint(&PolicyController::kp), "Gains [N m/rad]  ([nworld,] njnt).")
      .def_prop_ro("kd", per_joint(&PolicyController::kd), "Gains [N m s/rad]  ([nworld,] njnt).")
      .def_prop_ro(
          "phase", [](Held<ControllerObject> self) { return self.p->batch.view_each(self.p->controller.phase.data(), self.h); },
          "Gait time of the last step, in periods  ([nworld]).")
      .def_prop_ro(
          "status",
          [](Held<ControllerObject> self) {
            return self.p->batch.view_each(reinterpret_cast<std::int32_t*>(self.p->controller.status.data()), self.h);
          },
          "How the QP ended, a number of Status; above INFEASIBLE there is no plan but the nominal pose at rest  ([nworld]).")
      .def_prop_ro("observation", per_policy(&PolicyController::observation), "What the policy saw; empty without one  ([nworld,] nobs).")
      .def_prop_ro("action", per_policy(&PolicyController::action), "What the policy answered; empty without one  ([nworld,] naction).");
}

}  // namespace

void bind_controller(nb::module_& module) {
  nb::class_<ControllerObject> controller(
      module, "Controller",
      "MPC with or without a trained policy: state in, joint set points out, for one robot or many.\n\n"
      "The policy file says whether it corrects the MPC or replaces it, and how. One step() per control step (`control_dt`); then either give the\n"
      "set points to the motor drives, or call torque() as often as the motors take torques.\n"
      "The outputs are arrays on the controller's own memory: the next step() overwrites them, so copy what must stay.");
  controller
      .def(nb::init<const Robot&, const std::optional<std::filesystem::path>&, std::optional<int>, const nb::dict&, int>(), nb::arg("robot"),
           nb::arg("policy") = nb::none(), nb::arg("nworld") = nb::none(), nb::kw_only(), nb::arg("settings") = nb::dict(), nb::arg("threads") = 1,
           "policy: file of a trained policy; None is the MPC alone.\n"
           "nworld: None for one robot, whose arrays have no axis of worlds; else that axis comes first.\n"
           "settings: of the MPC, by name; all others are those that the policy was trained with, or robot.toml's.\n"
           "threads: that share the worlds; 0 is one per processor. Results do not depend on it.")
      .def("step", &step_controller, nb::arg("q"), nb::arg("v"), nb::arg("command"), nb::arg("active") = nb::none(), nb::kw_only(),
           nb::arg("ground") = nb::none(),
           "One control step; arguments as of Mpc.step. A policy sees the height above `ground`. Releases the interpreter while it plans.\n"
           "A state that is not finite gives that world the nominal pose at rest under the robot's gains.")
      .def("torque", &torque, nb::arg("q"), nb::arg("v"),
           "Joint torques for a state, by the set points of the last step, within the robot's limits: a new array ([nworld,] njnt) [N m].\n\n"
           "q: float64 ([nworld,] nq). v: float64 ([nworld,] nv).")
      .def("reset", &reset_controller, nb::arg("world") = nb::none(), nb::arg("phase") = 0.0,
           "Forgets the plan of one world, or of all (None); the gait time becomes `phase`, in periods.")
      .def_prop_ro(
          "nworld", [](const ControllerObject& self) { return self.batch.nworld; }, "Number of worlds.")
      .def_prop_ro(
          "control_dt", [](const ControllerObject& self) { return self.controller.settings().control_dt; }, "Time between two steps [s].")
      .def_prop_ro(
          "kind",
          [](const ControllerObject& self) { return name(self.controller.policy() ? self.controller.policy()->controller : Controller::kMpc); },
          "\"mpc\", \"residual\" or \"rl\".")
      .def_prop_ro(
          "provenance",
          [](const ControllerObject& self) {
            return self.controller.policy() ? self.controller.policy()->provenance : std::map<std::string, std::string>{};
          },
          "Where the policy came from: commit, run, iteration, ...")
      .def_prop_ro(
          "settings",
          [](const ControllerObject& self) {
            MpcSettings settings = self.controller.settings();
            return settings_dict(fields(settings));
          },
          "All settings of the MPC by name; a copy.");
  bind_outputs(controller);
}

}  // namespace tandem::python
