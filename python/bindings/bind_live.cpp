#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arrays.hpp"
#include "bind.hpp"
#include "live.hpp"
#include "settings.hpp"

namespace tandem::python {
namespace {

using Strings = std::vector<std::string>;

// A call that may wait for a control step: the interpreter goes on meanwhile.
template <class Body>
auto open(Body&& body) {
  nb::gil_scoped_release release;
  return body();
}

// A property that is an array of the object itself, with rows of `width` numbers; 0: without.
template <class Object>
auto array(std::vector<double> Object::* field, size_t width = 0) {
  return [field, width](Held<Object> self) {
    std::vector<double>& values = self.p->*field;
    std::vector<size_t> shape{values.size()};
    if (width > 0) shape = {values.size() / width, width};
    return view(values.data(), self.h, shape);
  };
}

void bind_push(nb::module_& module) {
  nb::class_<LivePush>(module, "LivePush", "A push on the live robot: the one that runs, or the last one.")
      .def_ro("body", &LivePush::body, "Index in Robot.body_names.")
      .def_ro("force", &LivePush::force, "Now, world frame [N].")
      .def_ro("impulse", &LivePush::impulse, "So far, world frame [N s].")
      .def_ro("peak", &LivePush::peak, "Largest force so far [N].")
      .def_ro("running", &LivePush::running, "Whether it still acts.");
}

void bind_state(nb::module_& module) {
  nb::class_<LiveState>(module, "LiveState", "The live robot at one moment: a copy.")
      .def_ro("time", &LiveState::time, "Since the reset [s].")
      .def_prop_ro("q", array(&LiveState::q), "Configuration  (nq).")
      .def_prop_ro("v", array(&LiveState::v), "Velocity  (nv).")
      .def_ro("command", &LiveState::command, "Base height [m], forward, left [m/s], yaw rate [rad/s].")
      .def_prop_ro("point_force", array(&LiveState::point_force, 3), "Floor on contact points, world frame [N]  (ncon, 3).")
      .def_prop_ro("foot_force", array(&LiveState::foot_force, 3), "Floor on feet, world frame [N]  (nfoot, 3).")
      .def_prop_ro("tau", array(&LiveState::tau), "Joint torques as applied [N m]  (njnt).")
      .def_prop_ro("tau_mpc", array(&LiveState::tau_mpc), "What the MPC's set points alone ask for [N m]  (njnt).")
      .def_prop_ro("tau_residual", array(&LiveState::tau_residual), "What the policy adds to that [N m]  (njnt).")
      .def_ro("phase", &LiveState::phase, "Gait time in periods.")
      .def_ro("ground", &LiveState::ground, "Height of the ground under the feet [m].")
      .def_prop_ro(
          "fall", [](const LiveState& s) { return name(s.fall); }, "\"none\" while it stands, or why it fell.")
      .def_ro("push", &LiveState::push, "The push that runs, or the last one.")
      .def_ro("paused", &LiveState::paused, "Whether time stands still.")
      .def_ro("speed", &LiveState::speed, "Asked for, 1: real time.")
      .def_ro("real_time_factor", &LiveState::real_time_factor, "Simulated over wall time of the last 200 steps; NaN while there are few.")
      .def_ro("late", &LiveState::late, "Wall time that was given up because the machine was too busy [s].")
      .def_ro("frames", &LiveState::frames, "Length of the time line.")
      .def_ro("frame", &LiveState::frame, "Which of them is shown: 0 the newest, -1 the one before, ...")
      .def_ro("oldest", &LiveState::oldest, "Time of the oldest one [s].")
      .def_ro("changes", &LiveState::changes, "Of settings so far.")
      .def_ro("recording", &LiveState::recording, "Folder that is written; empty: none.")
      .def_ro("message", &LiveState::message, "What went wrong last; empty: nothing.");
}

void bind_plan(nb::module_& module) {
  using Plan = nb::pointer_and_handle<LivePlan>;
  const auto nodes = [](Plan p) { return p.p->base.size() / 3; };
  nb::class_<LivePlan>(module, "LivePlan", "What the live robot's controller plans, for drawing: a copy. Without an MPC there are no nodes.")
      .def_prop_ro("base", array(&LivePlan::base, 3), "Base positions  (nodes, 3) [m].")
      .def_prop_ro(
          "point", [nodes](Plan p) { return view(p.p->point.data(), p.h, {nodes(p), p.p->point_now.size() / 3, 3}); },
          "Contact points  (nodes, ncon, 3) [m].")
      .def_prop_ro(
          "force",
          [](Plan p) {
            const size_t ncon = p.p->point_now.size() / 3;
            return view(p.p->force.data(), p.h, {p.p->force.size() / (3 * ncon), ncon, 3});
          },
          "Forces on them over the intervals  (nodes - 1, ncon, 3) [N].")
      .def_prop_ro(
          "stance",
          [nodes](Plan p) {
            const size_t n = nodes(p);
            return view(p.p->stance.data(), p.h, {n, n ? p.p->stance.size() / n : 0});
          },
          "1 in stance  (nodes, nfoot).")
      .def_prop_ro("point_now", array(&LivePlan::point_now, 3), "Contact points as the robot stands  (ncon, 3) [m].");
}

nb::object rows(LiveLoop& self, long row) {
  auto found = open([&] { return self.rows(row); });
  auto* values = new std::vector<double>(std::move(found.second));
  const nb::capsule owner(values, [](void* p) noexcept { delete static_cast<std::vector<double>*>(p); });
  const size_t width = self.columns().size();
  return nb::make_tuple(found.first, view(values->data(), owner, {values->size() / width, width}));
}

nb::object terrain_of_live(LiveLoop& self) {
  const Terrain terrain = open([&] { return self.terrain(); });
  if (terrain.height.empty()) return nb::none();
  auto* height = new std::vector<float>(terrain.height);
  const nb::capsule owner(height, [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
  nb::dict out;
  out["rows"] = terrain.rows, out["columns"] = terrain.columns, out["cell"] = terrain.cell;
  out["height"] = view(height->data(), owner, {static_cast<size_t>(terrain.rows), static_cast<size_t>(terrain.columns)});
  return out;
}

void bind_actions(nb::class_<LiveLoop>& live) {
  live.def(
          "command", [](LiveLoop& s, double x, double y, double w) { open([&] { s.command(x, y, w); }); }, nb::arg("forward"), nb::arg("left"),
          nb::arg("yaw_rate"), "What it shall do [m/s, m/s, rad/s].")
      .def(
          "pause", [](LiveLoop& s, bool paused) { open([&] { s.pause(paused); }); }, nb::arg("paused") = true, "Stops time, or lets it go on.")
      .def(
          "speed", [](LiveLoop& s, double speed) { open([&] { s.speed(speed); }); }, nb::arg("speed"), "Simulated over wall time, 1: real time.")
      .def(
          "single_step", [](LiveLoop& s) { open([&] { s.single_step(); }); }, "One control step while time stands still.")
      .def(
          "reset", [](LiveLoop& s) { open([&] { s.reset(); }); }, "Back to standing at rest.")
      .def(
          "push", [](LiveLoop& s, int body, const std::array<double, 3>& force, int steps) { open([&] { s.push(body, force, steps); }); },
          nb::arg("body"), nb::arg("force"), nb::arg("steps"),
          "A force on a body's centre of mass for the next control steps, world frame [N]; while it lasts another call goes on with the same push.")
      .def(
          "scrub", [](LiveLoop& s, int frame) { open([&] { s.scrub(frame); }); }, nb::arg("frame"),
          "Pauses and shows a frame of the time line, 0 the newest, -1 the one before; what walked then walks on from there.")
      .def(
          "record", [](LiveLoop& s, const std::string& folder, const std::string& title) { open([&] { s.record(folder, title); }); },
          nb::arg("folder"), nb::arg("title"), "Writes every step from now on to a folder that tandem.trajectory reads.")
      .def("stop_recording", [](LiveLoop& s) { open([&] { s.stop_recording(); }); }, "Completes the folder.");
}

}  // namespace

void bind_live(nb::module_& module) {
  bind_push(module);
  bind_state(module);
  bind_plan(module);
  nb::class_<LiveLoop> live(module, "LiveLoop",
                            "One robot in the simulator that walks in real time on a thread of its own, for the live view. docs/view.md.\n\n"
                            "It starts paused. Every method may be called at any time from any thread; none waits for more than one control step.");
  live.def(nb::init<const std::string&>(), nb::arg("robot"), "robot: a folder of robots/, or the path of a robot.toml.")
      .def(
          "choose", [](LiveLoop& s, const std::string& controller, const std::string& policy) { open([&] { s.choose(controller, policy); }); },
          nb::arg("controller") = "", nb::arg("policy") = "",
          "The same state goes on under another controller: \"mpc\", \"residual\", \"rl\", \"zero\", \"centroidal\"; policy: file of residual and "
          "rl.")
      .def(
          "set", [](LiveLoop& s, const Strings& assignments) { open([&] { s.set(assignments); }); }, nb::arg("assignments"),
          "Settings, [\"gait.period=0.6\", ...]; docs/programs.md lists them. Other ground puts the robot back to its start.")
      .def_prop_ro(
          "settings",
          [](LiveLoop& s) {
            RunSettings settings = open([&] { return s.settings(); });
            return settings_dict(fields(settings));
          },
          "All settings by name.")
      .def_prop_ro(
          "controller", [](LiveLoop& s) { return open([&] { return s.settings().pilot.label; }); },
          "\"mpc\", \"residual\", \"rl\", \"zero\", \"random\" or \"centroidal\".")
      .def_prop_ro(
          "policy", [](LiveLoop& s) { return open([&] { return s.settings().pilot.file; }); },
          "The file of its policy, or of the centroidal MPC's theta; empty: none.")
      .def_prop_ro(
          "offers_centroidal", [](LiveLoop& s) { return s.offers_centroidal(); }, "Whether choose(\"centroidal\") takes this robot.")
      .def_prop_ro(
          "robot", [](LiveLoop& s) { return s.robot(); }, "A copy of the robot, as its files have it.")
      .def_prop_ro("terrain", &terrain_of_live, "The uneven ground: a dictionary of rows, columns, cell [m] and height [m]; None where it is flat.")
      .def_prop_ro(
          "ground_number", [](LiveLoop& s) { return open([&] { return s.ground_number(); }); }, "How often the robot was put on other ground.")
      .def_prop_ro(
          "frame_dt", [](LiveLoop& s) { return kFrameSteps * s.settings().task.mpc.control_dt; }, "Time between two frames of the time line [s].")
      .def_prop_ro("columns", &LiveLoop::columns, "Names of the columns of rows().")
      .def(
          "state", [](LiveLoop& s) { return open([&] { return s.state(); }); }, "What is the case now: a LiveState.")
      .def(
          "plan", [](LiveLoop& s) { return open([&] { return s.plan(); }); }, "What the controller plans: a LivePlan.")
      .def("rows", &rows, nb::arg("row") = 0,
           "(first, table): a row of numbers for every control step from number `row` on, as far as they are kept (15 s); first: number of the "
           "first.");
  bind_actions(live);
}

}  // namespace tandem::python
