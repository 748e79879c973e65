#include "env/task.hpp"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>

#include "arrays.hpp"
#include "base/check.hpp"
#include "bind.hpp"
#include "deploy/trained_settings.hpp"
#include "settings.hpp"
#include "task_settings.hpp"

namespace tandem::python {
namespace {

struct TaskObject {
  TaskSettings settings;
  Batch batch;
  Task task;
  std::mutex mutex;

  TaskObject(const Robot& robot, int nworld, const std::string& controller, const nb::dict& chosen, const nb::int_& seed, int threads)
      : settings(task_settings(robot, controller, chosen)),
        batch(nworld, 0),  // the task asks for its memory itself
        task(robot, settings, nworld, checked_threads(threads), checked_seed(seed)) {}
};

void reset_task(TaskObject& self, std::optional<std::uint32_t> episode) {
  unlocked(self.mutex, [&] { episode ? self.task.reset(*episode) : self.task.reset(); });
}

void step_task(TaskObject& self, const AnyArray& action) {
  const Input<float> action_in(action, "action", self.batch.axes({{"naction", static_cast<size_t>(self.task.naction)}}));
  unlocked(self.mutex, [&] { self.task.step(action_in); });
}

// Rows of a matrix; 0 where it is none.
size_t first_axis(const AnyArray& any) {
  nb::ndarray<nb::ro> array;
  return nb::try_cast(any.object, array) && array.ndim() > 0 ? array.shape(0) : 0;
}

void set_progress(TaskObject& self, double progress) {
  check(progress >= 0 && progress <= 1, "progress = ", progress, ", expected 0 to 1");
  unlocked(self.mutex, [&] { self.task.set_progress(progress); });
}

// Writes a network that learned on this task, with what the task knows, as a policy file.
struct Network {
  std::vector<std::pair<AnyArray, AnyArray>> layers;  // weight, bias
  AnyArray mean, std;
  float clip;
};
void save_network(TaskObject& self, const std::filesystem::path& path, const Network& network) {
  const ControlLoop& loop = self.task.loop();
  const size_t nobs = static_cast<size_t>(self.task.nobs), nlayer = network.layers.size();
  check(self.settings.controller != Controller::kMpc, "a task with controller mpc has no policy; use residual or rl");
  check(nlayer > 0, "layers is empty, expected (weight, bias) of each");
  check(network.clip > 0 && std::isfinite(network.clip), "clip = ", network.clip, ", expected a number above 0");
  const auto copied = [](const Input<float>& values) {
    const std::span<const float> span = values;
    return std::vector<float>(span.begin(), span.end());
  };

  Policy policy;
  policy.controller = self.settings.controller;
  policy.robot = loop.robot().name;
  policy.layout = loop.layout();
  policy.blending = loop.blending();
  for (const int joint : loop.robot().action_joint) policy.action_joint.push_back(loop.robot().model.joint_name[joint]);
  policy.control_dt = loop.control_dt();
  policy.mean = copied({network.mean, "mean", {{"nobs", nobs}}});
  policy.std = copied({network.std, "std", {{"nobs", nobs}}});
  policy.clip = network.clip;
  policy.mpc_settings = mpc_settings_text(self.settings.mpc, self.settings.controller);
  size_t width = nobs;
  for (size_t i = 0; i < nlayer; ++i) {
    const auto& [weight, bias] = network.layers[i];
    const size_t rows = i + 1 < nlayer ? first_axis(weight) : static_cast<size_t>(self.task.naction);
    const std::string name = cat("layers[", i, "]"), weight_name = name + "[0]", bias_name = name + "[1]";
    policy.layers.push_back({static_cast<int>(rows), static_cast<int>(width),
                             copied({weight, weight_name.c_str(), {{"rows", rows}, {"columns", width}}}),
                             copied({bias, bias_name.c_str(), {{"rows", rows}}})});
    width = rows;
  }
  save_policy(policy, path);
}

template <class T>
auto rows(std::vector<T> VectorEnv::* field) {
  return [field](Held<TaskObject> self) {
    std::vector<T>& values = self.p->task.*field;
    return self.p->batch.view(values.data(), self.h, {values.size() / self.p->batch.nworld});
  };
}
template <class T>
auto each(std::vector<T> VectorEnv::* field) {
  return [field](Held<TaskObject> self) { return self.p->batch.view_each((self.p->task.*field).data(), self.h); };
}
auto state(std::vector<double> SimOutput::* field) {
  return [field](Held<TaskObject> self) {
    std::vector<double>& values = self.p->task.loop().simulator().output.*field;
    return self.p->batch.view(values.data(), self.h, {values.size() / self.p->batch.nworld});
  };
}

void bind_arrays(nb::class_<TaskObject>& task) {
  task.def_prop_ro("observation", rows(&VectorEnv::observation), "float32 (nworld, nobs); of worlds that are done, of their next episode.")
      .def_prop_ro("reward", each(&VectorEnv::reward), "float32 (nworld).")
      .def_prop_ro("terms", rows(&VectorEnv::terms), "Parts of the reward, in the order of `term_names`, float32 (nworld, nterm).")
      .def_prop_ro("measures", rows(&VectorEnv::measures),
                   "What is logged beside the reward, in the order of `measure_names`, float32 (nworld, nmeasure).")
      .def_prop_ro("done", each(&VectorEnv::done), "1: the episode ended with this step, uint8 (nworld).")
      .def_prop_ro("time_out", each(&VectorEnv::time_out), "1: it ended because its time was over, uint8 (nworld).")
      .def_prop_ro("termination", each(&VectorEnv::termination), "Index into `termination_names` where done, else -1, int32 (nworld).")
      .def_prop_ro("q", state(&SimOutput::q),
                   "True configurations (nworld, nq); of worlds that are done, of their next episode, as `v` and `command`.")
      .def_prop_ro("v", state(&SimOutput::v), "True velocities (nworld, nv).")
      .def_prop_ro(
          "command", [](Held<TaskObject> self) { return self.p->batch.view(self.p->task.loop().command.data(), self.h, {4}); },
          "Base height [m], forward, left [m/s], yaw rate [rad/s] (nworld, 4).");
}

}  // namespace

TaskSettings task_settings(const Robot& robot, const std::string& controller, const nb::dict& chosen) {
  const auto* found = std::find(std::begin(kControllerNames), std::end(kControllerNames), controller);
  check(found != std::end(kControllerNames), "controller = ", controller, ", expected mpc, residual or rl");
  TaskSettings settings = make_task_settings(robot, static_cast<Controller>(found - kControllerNames));
  apply_settings(fields(settings), chosen);
  return settings;
}

void bind_task(nb::module_& module) {
  nb::class_<TaskObject> task(module, "Task",
                              "The locomotion task as learners see it: many worlds advanced together. docs/training.md.\n\n"
                              "tandem.VectorEnv and tandem.RslRlEnv wrap it for Gymnasium and rsl_rl.\n"
                              "All arrays are on the task's own memory: the next step() overwrites them, so copy what must stay.");
  task.def(nb::init<const Robot&, int, const std::string&, const nb::dict&, const nb::int_&, int>(), nb::arg("robot"), nb::arg("nworld"),
           nb::kw_only(), nb::arg("controller") = "residual", nb::arg("settings") = nb::dict(), nb::arg("seed") = 0, nb::arg("threads") = 0,
           "controller: \"mpc\", \"residual\" (a policy corrects the MPC) or \"rl\" (a policy alone).\n"
           "settings: by name, {\"env.episode\": 10, \"noise.scale\": 0}; the attribute `settings` lists them all.\n"
           "threads: that share the worlds; 0 is one per processor. Results do not depend on it.")
      .def("reset", &reset_task, nb::arg("episode") = nb::none(),
           "Starts a new episode in every world; the one with this number, or the next (None).")
      .def("step", &step_task, nb::arg("action"),
           "Advances every world by one control step; worlds that are done start anew. action: float32 (nworld, naction).\n\n"
           "Releases the interpreter meanwhile. Raises Error before the first reset().")
      .def(
          "save", [](TaskObject& self) { return bytes_of(unlocked(self.mutex, [&] { return self.task.save(); })); },
          "Everything that the next steps depend on, as bytes: a Task that loads them goes on bit for bit.")
      .def(
          "load",
          [](TaskObject& self, const nb::bytes& saved) {
            const std::span<const std::byte> bytes = span_of(saved);
            unlocked(self.mutex, [&] { self.task.load(bytes); });
          },
          nb::arg("saved"),
          "Goes on where save() was called. Raises Error unless that was a Task of the same robot, controller and number of worlds; reset() it then.")
      .def("set_progress", &set_progress, nb::arg("progress"), "How far the training is, 0 to 1: what curricula go by.")
      .def(
          "save_policy",
          [](TaskObject& self, const std::filesystem::path& path, std::vector<std::pair<AnyArray, AnyArray>> layers, const AnyArray& mean,
             const AnyArray& std, float clip) { save_network(self, path, {std::move(layers), mean, std, clip}); },
          nb::arg("path"), nb::arg("layers"), nb::arg("mean"), nb::arg("std"), nb::arg("clip") = 10.0f,
          "Writes a network that learned on this task as a policy file, for Controller, `tandem eval` and the robot. docs/training.md.\n\n"
          "layers: (weight (out, in), bias (out)) of each, float32, with ELU after all but the last.\n"
          "mean, std: of observations, float32 (nobs); the network sees (observation - mean) / std, within +-clip.")
      .def_prop_ro(
          "nworld", [](const TaskObject& self) { return self.task.nworld; }, "Number of worlds.")
      .def_prop_ro(
          "nobs", [](const TaskObject& self) { return self.task.nobs; }, "Numbers of an observation.")
      .def_prop_ro(
          "naction", [](const TaskObject& self) { return self.task.naction; }, "Numbers of an action.")
      .def_prop_ro(
          "control_dt", [](const TaskObject& self) { return self.settings.mpc.control_dt; }, "Time of one step [s].")
      .def_prop_ro(
          "term_names", [](const TaskObject& self) { return self.task.term_names; }, "Names of the parts of the reward.")
      .def_prop_ro(
          "measure_names", [](const TaskObject& self) { return self.task.measure_names; }, "What is logged beside the reward.")
      .def_prop_ro(
          "termination_names", [](const TaskObject& self) { return self.task.termination_names; }, "Why an episode may end.")
      .def_prop_ro(
          "settings",
          [](const TaskObject& self) {
            TaskSettings settings = self.settings;
            return settings_dict(fields(settings));
          },
          "All settings by name; a copy.");
  bind_arrays(task);
}

}  // namespace tandem::python
