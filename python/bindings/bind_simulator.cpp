#include "sim/simulator.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "arrays.hpp"
#include "base/check.hpp"
#include "bind.hpp"
#include "env/control_loop.hpp"

namespace tandem::python {
namespace {

constexpr double kMaxSubsteps = 10000;  // physics steps per control step

struct SimulatorObject {
  Batch batch;
  std::unique_ptr<Simulator> sim;
  std::mutex mutex;

  SimulatorObject(const Robot& robot, std::optional<int> nworld, double control_dt, double physics_dt, int threads)
      : batch(nworld, simulator_bytes(robot.model)) {
    const double substeps = control_dt / physics_dt;
    check(substeps >= 0.5 && substeps <= kMaxSubsteps, "control_dt = ", control_dt, " and physics_dt = ", physics_dt,
          ", expected control_dt to be 1 to ", kMaxSubsteps, " times physics_dt");
    SimSettings settings;
    settings.control_dt = control_dt, settings.physics_dt = physics_dt;
    settings.threads = checked_threads(threads);
    sim = make_simulator(robot, batch.nworld, settings);
  }
};

void set_state(SimulatorObject& self, const AnyArray& q, const AnyArray& v, std::optional<std::vector<int>> worlds) {
  const size_t nq = self.sim->model().nq, nv = self.sim->model().nv;
  if (worlds) {
    const Input<double> q_in(q, "q", {{"worlds", worlds->size()}, {"nq", nq}}), v_in(v, "v", {{"worlds", worlds->size()}, {"nv", nv}});
    return unlocked(self.mutex, [&] { self.sim->set_state(*worlds, q_in, v_in); });
  }
  const Input<double> q_in(q, "q", self.batch.axes({{"nq", nq}})), v_in(v, "v", self.batch.axes({{"nv", nv}}));
  std::vector<int> all(self.batch.nworld);
  std::iota(all.begin(), all.end(), 0);
  unlocked(self.mutex, [&] { self.sim->set_state(all, q_in, v_in); });
}

void kick(SimulatorObject& self, int world, const AnyArray& dv) {
  const Input<double> dv_in(dv, "dv", {{"6", 6}});
  unlocked(self.mutex, [&] { self.sim->kick(world, dv_in); });
}

void push(SimulatorObject& self, int world, const std::string& body, const AnyArray& force, int steps) {
  const Input<double> force_in(force, "force", {{"3", 3}});
  const std::span<const double> f = force_in;
  const Push push{world, self.sim->body(body), {f[0], f[1], f[2]}, steps};
  check(std::isfinite(f[0]) && std::isfinite(f[1]) && std::isfinite(f[2]), "force holds a value that is not finite");
  unlocked(self.mutex, [&] { self.sim->set_push(push); });
}

using Numbers = std::vector<double>;

void set_parameters(SimulatorObject& self, int world, double friction, double added_mass, const Numbers& com_offset, const Numbers& mass_scale,
                    const Numbers& armature_scale, const Numbers& strength, const Numbers& gravity) {
  check(com_offset.size() == 3, "com_offset has ", com_offset.size(), " values, expected 3");
  WorldParameters parameters{friction, added_mass, {}, mass_scale, armature_scale, strength, gravity};
  std::copy_n(com_offset.begin(), 3, parameters.com_offset);
  unlocked(self.mutex, [&] { self.sim->set_parameters(world, parameters); });
}

size_t njnt(const Model& model) { return static_cast<size_t>(model.njnt); }
size_t nq(const Model& model) { return static_cast<size_t>(model.nq); }
size_t nv(const Model& model) { return static_cast<size_t>(model.nv); }
size_t nfoot(const Model& model) { return model.foot_name.size(); }
size_t ncon(const Model& model) { return model.contacts.size(); }

auto input(std::vector<double> SimInput::* field) {
  return [field](Held<SimulatorObject> self) { return self.p->batch.view((self.p->sim->input.*field).data(), self.h, {njnt(self.p->sim->model())}); };
}
// count: of numbers per world; components: of each, 1 for plain numbers
auto output(std::vector<double> SimOutput::* field, size_t (*count)(const Model&), size_t components = 1) {
  return [field, count, components](Held<SimulatorObject> self) {
    std::vector<size_t> shape{count(self.p->sim->model())};
    if (components > 1) shape.push_back(components);
    return self.p->batch.view((self.p->sim->output.*field).data(), self.h, shape);
  };
}
template <class T>
auto output_each(std::vector<T> SimOutput::* field) {
  return [field](Held<SimulatorObject> self) { return self.p->batch.view_each((self.p->sim->output.*field).data(), self.h); };
}

void bind_arrays(nb::class_<SimulatorObject>& sim) {
  sim.def_prop_ro("tau_ff", input(&SimInput::tau_ff), "Written by you: feed-forward torques [N m]  ([nworld,] njnt).")
      .def_prop_ro("q_des", input(&SimInput::q_des), "Written by you: position set points [rad]  ([nworld,] njnt).")
      .def_prop_ro("v_des", input(&SimInput::v_des), "Written by you: velocity set points [rad/s]  ([nworld,] njnt).")
      .def_prop_ro("kp", input(&SimInput::kp), "Gains, those of the robot unless you write others [N m/rad]  ([nworld,] njnt).")
      .def_prop_ro("kd", input(&SimInput::kd), "Gains [N m s/rad]  ([nworld,] njnt).")
      .def_prop_ro("time", output_each(&SimOutput::time), "Since set_state() [s]  ([nworld]).")
      .def_prop_ro("q", output(&SimOutput::q, nq), "Configuration  ([nworld,] nq).")
      .def_prop_ro("v", output(&SimOutput::v, nv), "Velocity  ([nworld,] nv).")
      .def_prop_ro("tau", output(&SimOutput::tau, njnt), "Joint torques as applied, mean of the last step [N m]  ([nworld,] njnt).")
      .def_prop_ro("power", output_each(&SimOutput::power), "Positive mechanical power, mean of the last step [W]  ([nworld]).")
      .def_prop_ro("point_force", output(&SimOutput::point_force, ncon, 3), "Floor on contact points, world frame [N]  ([nworld,] ncon, 3).")
      .def_prop_ro("foot_force", output(&SimOutput::foot_force, nfoot, 3), "Floor on feet, world frame [N]  ([nworld,] nfoot, 3).")
      .def_prop_ro("foot_slip", output(&SimOutput::foot_slip, nfoot), "How far loaded feet slid in the last step [m]  ([nworld,] nfoot).")
      .def_prop_ro("floor_contact", output_each(&SimOutput::floor_contact), "1 if something but a foot touched the floor  ([nworld]).")
      .def_prop_ro("self_collision", output_each(&SimOutput::self_collision), "1 if two links touched  ([nworld]).")
      .def_prop_ro("fault", output_each(&SimOutput::fault),
                   "Bits: 1 a set point was not finite, 2 the physics broke down, 4 too many contacts. With 1 or 2 the world stands still until "
                   "set_state()  ([nworld]).");
}

}  // namespace

void bind_simulator(nb::module_& module) {
  nb::class_<SimulatorObject> sim(module, "Simulator",
                                  "Copies of one robot in MuJoCo, advanced a control step at a time with the set points held. docs/simulator.md.\n\n"
                                  "Joint torques are tau_ff + kp (q_des - q) + kd (v_des - v) at the physics rate, clipped to the limits.\n"
                                  "All arrays are the simulator's own memory: write set points into them, and copy results that must stay.");
  sim.def(nb::init<const Robot&, std::optional<int>, double, double, int>(), nb::arg("robot"), nb::arg("nworld") = nb::none(), nb::kw_only(),
          nb::arg("control_dt") = SimSettings{}.control_dt, nb::arg("physics_dt") = SimSettings{}.physics_dt, nb::arg("threads") = 1,
          "nworld: None for one robot, whose arrays have no axis of worlds; else that axis comes first.\n"
          "control_dt: time that one step() advances [s]; physics_dt: integration step [s].\n"
          "threads: that share the worlds; 0 is one per processor. Results do not depend on it.")
      .def("set_state", &set_state, nb::arg("q"), nb::arg("v"), nb::arg("worlds") = nb::none(),
           "Places worlds at rest of all else: contacts, pushes and faults are forgotten, time is 0.\n\n"
           "q: float64 ([nworld,] nq). v: float64 ([nworld,] nv).\n"
           "worlds: ascending indices, None for all; with indices q and v have a first axis of that many.")
      .def(
          "step", [](SimulatorObject& self) { unlocked(self.mutex, [&] { self.sim->step(); }); },
          "Advances every world without a fault by control_dt. Releases the interpreter meanwhile.")
      .def("kick", &kick, nb::arg("world"), nb::arg("dv"),
           "Adds dv to the base velocity at once: linear in world [m/s], angular in base [rad/s], float64 (6).")
      .def("push", &push, nb::arg("world"), nb::arg("body"), nb::arg("force"), nb::arg("steps"),
           "A force on one body for the next control steps, world frame [N], float64 (3). 0 steps end a push; a world carries one.")
      .def("set_parameters", &set_parameters, nb::arg("world"), nb::kw_only(), nb::arg("friction") = -1.0, nb::arg("added_mass") = 0.0,
           nb::arg("com_offset") = Numbers{0, 0, 0}, nb::arg("mass_scale") = Numbers{}, nb::arg("armature_scale") = Numbers{},
           nb::arg("strength") = Numbers{}, nb::arg("gravity") = Numbers{},
           "Gives one world its own parameters in place of those set before; what is left out is the model's.\n\n"
           "friction: of every contact. added_mass [kg], com_offset [m]: of the base with what is welded to it. mass_scale (nbody), armature_scale "
           "(njnt).\n"
           "strength: torque delivered over torque asked for (njnt). gravity [m/s^2].")
      .def_prop_ro(
          "nworld", [](const SimulatorObject& self) { return self.batch.nworld; }, "Number of worlds.")
      .def_prop_ro("control_dt", [](const SimulatorObject& self) { return self.sim->settings().control_dt; }, "Time that one step advances [s].");
  bind_arrays(sim);
}

}  // namespace tandem::python
