#include "mpc/mpc.hpp"

#include <nanobind/stl/optional.h>

#include "arrays.hpp"
#include "base/check.hpp"
#include "bind.hpp"
#include "mpc/fields.hpp"
#include "settings.hpp"

namespace tandem::python {
namespace {

constexpr double kBytesPerWorld = 64 << 10;  // of plans, solutions and outputs, from above

struct MpcObject {
  Batch batch;
  Mpc mpc;
  std::mutex mutex;

  MpcObject(const Robot& robot, std::optional<int> nworld, const nb::dict& settings, int threads)
      : batch(nworld, kBytesPerWorld), mpc(robot.model, with(make_mpc_settings(robot), settings), batch.nworld, checked_threads(threads)) {}

  static MpcSettings with(MpcSettings defaults, const nb::dict& settings) {
    apply_settings(fields(defaults), settings);
    return defaults;
  }
};

using Self = nb::pointer_and_handle<MpcObject>;

void step(MpcObject& self, const AnyArray& q, const AnyArray& v, const AnyArray& command, const std::optional<AnyArray>& active) {
  const size_t nq = self.mpc.model().nq, nv = self.mpc.model().nv;
  const Input<double> q_in(q, "q", self.batch.axes({{"nq", nq}})), v_in(v, "v", self.batch.axes({{"nv", nv}})),
      command_in(command, "command", self.batch.axes({{"4", 4}}));
  const Input<std::uint8_t> active_in(active, "active", self.batch.axes({}));
  unlocked(self.mutex, [&] { self.mpc.step(q_in, v_in, command_in, active_in); });
}

void reset(MpcObject& self, std::optional<int> world, double phase) {
  check(phase - phase == 0, "phase = ", phase, ", expected a number of periods");
  unlocked(self.mutex, [&] {
    if (world) return self.mpc.reset(*world, phase);
    for (int w = 0; w < self.batch.nworld; ++w) self.mpc.reset(w, phase);
  });
}

// A plan with the sizes of its arrays.
struct HorizonObject {
  Horizon plan;
  size_t nodes, nq, nv, ncon, nfoot;
};

HorizonObject horizon(MpcObject& self, int world) {
  const Model& model = self.mpc.model();
  Horizon plan = unlocked(self.mutex, [&] { return self.mpc.horizon(world); });
  const size_t nq = model.nq, nv = model.nv;
  return {std::move(plan), static_cast<size_t>(self.mpc.settings().nodes), nq, nv, model.contacts.size(), model.foot_name.size()};
}

// Properties of `njnt` numbers or one number per world.
auto per_joint(std::vector<double> MpcOutput::* field) {
  return
      [field](Self self) { return self.p->batch.view((self.p->mpc.output.*field).data(), self.h, {static_cast<size_t>(self.p->mpc.model().njnt)}); };
}
auto per_world(std::vector<double> MpcOutput::* field) {
  return [field](Self self) { return self.p->batch.view_each((self.p->mpc.output.*field).data(), self.h); };
}

void bind_horizon(nb::module_& module) {
  using Plan = nb::pointer_and_handle<HorizonObject>;
  nb::class_<HorizonObject>(module, "Horizon", "The plan of one robot over its horizon, for drawing. A copy: the next step leaves it as it is.")
      .def_prop_ro(
          "q", [](Plan p) { return view(p.p->plan.q.data(), p.h, {p.p->nodes, p.p->nq}); }, "Configurations  (nodes, nq).")
      .def_prop_ro(
          "v", [](Plan p) { return view(p.p->plan.v.data(), p.h, {p.p->nodes, p.p->nv}); }, "Velocities  (nodes, nv).")
      .def_prop_ro(
          "force", [](Plan p) { return view(p.p->plan.force.data(), p.h, {p.p->nodes - 1, p.p->ncon, 3}); },
          "Contact forces over the intervals, world frame [N]  (nodes - 1, ncon, 3).")
      .def_prop_ro("stance", [](Plan p) { return view(p.p->plan.stance.data(), p.h, {p.p->nodes, p.p->nfoot}); }, "1 in stance  (nodes, nfoot).");
}

void bind_outputs(nb::class_<MpcObject>& mpc) {
  const auto info = [](Self self) -> QpInfo& { return self.p->mpc.output.info[0]; };
  constexpr std::int64_t kStride = sizeof(QpInfo) / sizeof(float);
  static_assert(sizeof(Status) == sizeof(std::int32_t) && sizeof(QpInfo) % sizeof(float) == 0);
  mpc.def_prop_ro("tau_ff", per_joint(&MpcOutput::tau_ff), "Feed-forward torques [N m]  ([nworld,] njnt).")
      .def_prop_ro("q_des", per_joint(&MpcOutput::q_des), "Joint positions to reach [rad]  ([nworld,] njnt).")
      .def_prop_ro("v_des", per_joint(&MpcOutput::v_des), "Joint velocities to reach [rad/s]  ([nworld,] njnt).")
      .def_prop_ro("value", per_world(&MpcOutput::value), "Cost of the plan  ([nworld]).")
      .def_prop_ro("phase", per_world(&MpcOutput::phase), "Gait time of the plan's first node, in periods  ([nworld]).")
      .def_prop_ro(
          "status", [info](Self self) { return self.p->batch.view_each(reinterpret_cast<std::int32_t*>(&info(self).status), self.h, kStride); },
          "How the QP ended, a number of Status  ([nworld]).")
      .def_prop_ro(
          "primal_residual", [info](Self self) { return self.p->batch.view_each(&info(self).primal_residual, self.h, kStride); },
          "Largest violation of a row, in its unit  ([nworld]).")
      .def_prop_ro(
          "dual_residual", [info](Self self) { return self.p->batch.view_each(&info(self).dual_residual, self.h, kStride); },
          "Largest error of stationarity  ([nworld]).");
}

}  // namespace

void bind_mpc(nb::module_& module) {
  bind_horizon(module);
  nb::class_<MpcObject> mpc(
      module, "Mpc",
      "Whole-body model predictive control of one robot or of many at once: measured states and commands in, joint set points out.\n\n"
      "One step() per control step (`control_dt`). The motors then apply tau = tau_ff + kp (q_des - q) + kd (v_des - v).\n"
      "The outputs are arrays on the controller's own memory: the next step() overwrites them, so copy what must stay.");
  mpc.def(nb::init<const Robot&, std::optional<int>, const nb::dict&, int>(), nb::arg("robot"), nb::arg("nworld") = nb::none(), nb::kw_only(),
          nb::arg("settings") = nb::dict(), nb::arg("threads") = 1,
          "nworld: None for one robot, whose arrays have no axis of worlds; else that axis comes first.\n"
          "settings: by name, {\"solver.iterations\": 5, \"gait.period\": 0.6}; the attribute `settings` lists them all.\n"
          "threads: that share the worlds; 0 is one per processor. Results do not depend on it.")
      .def("step", &step, nb::arg("q"), nb::arg("v"), nb::arg("command"), nb::arg("active") = nb::none(),
           "One control step. Releases the interpreter while it plans.\n\n"
           "q: configuration, float64 ([nworld,] nq). v: velocity, float64 ([nworld,] nv).\n"
           "command: base height [m], forward and left velocity [m/s], yaw rate [rad/s], float64 ([nworld,] 4).\n"
           "active: bool ([nworld]), False leaves that world alone; None: all.\n"
           "A state that is not finite gives that world the nominal pose; see `status`.")
      .def("reset", &reset, nb::arg("world") = nb::none(), nb::arg("phase") = 0.0,
           "Forgets the plan of one world, or of all (None); the gait time becomes `phase`, in periods.")
      .def("horizon", &horizon, nb::arg("world") = 0, "The plan of one world after step().")
      .def_prop_ro(
          "nworld", [](const MpcObject& self) { return self.batch.nworld; }, "Number of worlds.")
      .def_prop_ro(
          "control_dt", [](const MpcObject& self) { return self.mpc.settings().control_dt; }, "Time between two steps [s].")
      .def_prop_ro(
          "settings",
          [](const MpcObject& self) {
            MpcSettings settings = self.mpc.settings();
            return settings_dict(fields(settings));
          },
          "All settings by name; a copy.");
  bind_outputs(mpc);
}

}  // namespace tandem::python
