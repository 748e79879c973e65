#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <map>

#include "arrays.hpp"
#include "base/check.hpp"
#include "base/memory.hpp"
#include "bind.hpp"
#include "env/task_worlds.hpp"
#include "env/termination.hpp"
#include "settings.hpp"
#include "task_settings.hpp"

namespace tandem::python {
namespace {

struct TaskWorldsObject {
  TaskSettings settings;
  bool cuda;
  size_t bytes;
  TaskWorlds worlds;
  std::vector<nb::object> held;  // arrays of others that stages read and write

  TaskWorldsObject(const Robot& robot, int nworld, const std::string& controller, const nb::dict& chosen, const nb::int_& seed, int threads,
                   const std::string& device)
      : settings(task_settings(robot, controller, chosen)),
        cuda(device == "cuda"),
        bytes(checked_bytes(robot, settings, nworld, device)),
        worlds(robot, settings, nworld, checked_seed(seed), cuda ? TaskDevice::kCuda : TaskDevice::kCpu, checked_threads(threads)) {}

  static size_t checked_bytes(const Robot& robot, const TaskSettings& settings, int nworld, const std::string& device) {
    check(device == "cpu" || device == "cuda", "device = \"", device, "\", expected \"cpu\" or \"cuda\"");
    check(nworld >= 1, "nworld = ", nworld, ", expected at least 1");
    const size_t bytes = TaskWorlds::bytes(robot, settings, nworld);
    if (device == "cpu") check_memory(double(bytes), cat("nworld = ", nworld));
    return bytes;
  }
};

// The arrays of a dictionary, checked and held.
struct Taker {
  TaskWorldsObject& self;
  const nb::dict& arrays;
  std::vector<nb::object> held = {};

  // Rows of `width` numbers per world; 0: one number each. `stride` receives their distance.
  template <class T>
  T* take(const char* name, size_t width, int* stride = nullptr) {
    check(arrays.contains(name), "there is no array \"", name, "\"");
    Axes axes{{"nworld", static_cast<size_t>(self.worlds.fleet().nworld)}};
    if (width) axes.push_back({"width", width});
    return take<T>(nb::object(arrays[name]), name, axes, stride);
  }
  template <class T>
  T* take(const nb::object& object, const char* name, const Axes& axes, int* stride = nullptr) {
    const Element element{nb::dtype<std::remove_const_t<T>>(), false};
    const nb::ndarray<nb::ro> array = self.cuda ? checked_device_array({object}, name, element, axes) : checked_array({object}, name, element, axes);
    if (stride) *stride = static_cast<int>(array.stride(0));
    check(stride || !self.cuda || array.ndim() < 2 || array.stride(0) == static_cast<std::int64_t>(array.size() / array.shape(0)), name,
          ": rows lie apart; use ", name, ".contiguous()");
    held.push_back(object);
    return const_cast<T*>(static_cast<const T*>(array.data()));
  }
};

void connect(TaskWorldsObject& self, const nb::dict& simulator, const std::optional<nb::dict>& plan) {
  const ModelView<float>& m = self.worlds.fleet().episode.model;
  const size_t nworld = self.worlds.fleet().nworld, njnt = m.njnt, nfoot = m.nfoot;
  Taker from{self, simulator};
  SimRows sim{};
  sim.q = from.take<const float>("q", m.nq), sim.v = from.take<const float>("v", m.nv), sim.tau = from.take<const float>("tau", njnt);
  sim.power = from.take<const float>("power", 0), sim.foot_slip = from.take<const float>("foot_slip", nfoot);
  sim.floor_contact = from.take<const int>("floor_contact", 0), sim.self_collision = from.take<const int>("self_collision", 0);
  sim.fault = from.take<const int>("fault", 0);
  check(simulator.contains("inputs"), "there is no array \"inputs\"");
  sim.set_points = from.take<float>(nb::object(simulator["inputs"]), "inputs", {{"rows", size_t(kSetPointRows)}, {"nworld", nworld}, {"njnt", njnt}});
  PlanRows rows{};
  if (plan) {
    Taker of_plan{self, *plan, std::move(from.held)};
    int strides[3];
    rows.tau_ff = of_plan.take<const float>("tau_ff", njnt, &strides[0]), rows.q_des = of_plan.take<const float>("q_des", njnt, &strides[1]);
    rows.v_des = of_plan.take<const float>("v_des", njnt, &strides[2]);
    check(strides[0] == strides[1] && strides[0] == strides[2], "tau_ff, q_des and v_des have rows ", strides[0], ", ", strides[1], " and ",
          strides[2], " numbers apart, expected the same");
    rows.stride = strides[0];
    rows.value = of_plan.take<const float>("value", 0), rows.phase = of_plan.take<const float>("phase", 0);
    from.held = std::move(of_plan.held);
  }
  self.worlds.connect(sim, rows);
  self.held = std::move(from.held);
}

void run(TaskWorldsObject& self, const std::string& stage, std::uintptr_t stream) {
  static const std::map<std::string, TaskStage> kStages{{"start", TaskStage::kStart},
                                                        {"command", TaskStage::kCommand},
                                                        {"finish", TaskStage::kFinish},
                                                        {"measure", TaskStage::kMeasure},
                                                        {"observe", TaskStage::kObserve}};
  const auto found = kStages.find(stage);
  check(found != kStages.end(), "stage = \"", stage, "\", expected start, command, finish, measure or observe");
  nb::gil_scoped_release release;
  self.worlds.run(found->second, reinterpret_cast<void*>(stream));
}

nb::tuple load_worlds(TaskWorldsObject& self, const nb::bytes& saved) {
  const SavedBeside beside = self.worlds.load(span_of(saved));
  return nb::make_tuple(bytes_of(beside.simulator), bytes_of(beside.plan));
}

template <class T>
nb::object tensor(Held<TaskWorldsObject> self, const TaskArray& array) {
  std::vector<size_t> shape{static_cast<size_t>(self.p->worlds.fleet().nworld)};
  if (array.width) shape.push_back(array.width);
  const int device = self.p->cuda ? nb::device::cuda::value : nb::device::cpu::value;
  return nb::cast(nb::ndarray<nb::pytorch, T>(array.data, shape.size(), shape.data(), self.h, nullptr, nb::dtype<T>(), device, 0));
}

nb::dict arrays(Held<TaskWorldsObject> self) {
  nb::dict out;
  for (const TaskArray& array : self.p->worlds.named_arrays()) {
    const char* name = array.name.c_str();
    if (array.type == ArrayType::kFloat) out[name] = tensor<float>(self, array);
    if (array.type == ArrayType::kInt) out[name] = tensor<std::int32_t>(self, array);
    if (array.type == ArrayType::kByte) out[name] = tensor<std::uint8_t>(self, array);
  }
  return out;
}

// (distance of two heights, heights (rows, columns)) of uneven ground; None where it is flat.
nb::object terrain_of_worlds(const TaskWorldsObject& self) {
  auto* held = new Terrain(make_terrain(self.settings.terrain));
  const nb::capsule owner(held, [](void* p) noexcept { delete static_cast<Terrain*>(p); });
  if (held->height.empty()) return nb::none();
  return nb::make_tuple(held->cell, view(held->height.data(), owner, {static_cast<size_t>(held->rows), static_cast<size_t>(held->columns)}));
}

}  // namespace

void bind_task_worlds(nb::module_& module) {
  nb::class_<TaskWorldsObject>(module, "TaskWorlds",
                               "The rules of the locomotion task for many worlds whose arrays lie on one device, without physics and controller:\n"
                               "tandem.device_task.DeviceTask joins them. Float32, worlds first. docs/training.md, \"On a device\".")
      .def(nb::init<const Robot&, int, const std::string&, const nb::dict&, const nb::int_&, int, const std::string&>(), nb::arg("robot"),
           nb::arg("nworld"), nb::kw_only(), nb::arg("controller") = "residual", nb::arg("settings") = nb::dict(), nb::arg("seed") = 0,
           nb::arg("threads") = 0, nb::arg("device") = "cpu", "As Task. device: \"cpu\", or \"cuda\" for GPU 0.")
      .def("connect", &connect, nb::arg("simulator"), nb::arg("plan") = nb::none(),
           "Where the simulator's arrays and the controller's outputs lie: dictionaries of tensors on the device, held from now on.\n\n"
           "simulator: q, v, tau, power, foot_slip, floor_contact, self_collision, fault, inputs (5, nworld, njnt). plan: tau_ff, q_des, v_des, "
           "value, phase.")
      .def(
          "act", [](TaskWorldsObject& self, std::uintptr_t address) { self.worlds.act(reinterpret_cast<const float*>(address)); }, nb::arg("address"),
          "Address of the next actions, float32 (nworld, naction), which must stay until the stage \"command\" is done.")
      .def(
          "set_seed", [](TaskWorldsObject& self, const nb::int_& seed) { self.worlds.set_seed(checked_seed(seed)); }, nb::arg("seed"),
          "What the episodes are drawn from. The next stage must be \"start\", which then begins with the first ones of this seed.")
      .def(
          "set_progress", [](TaskWorldsObject& self, double progress) { self.worlds.set_progress(progress); }, nb::arg("progress"),
          "How far the training is, 0 to 1: what curricula go by.")
      .def("run", &run, nb::arg("stage"), nb::arg("stream") = 0,
           "Runs \"start\", \"command\", \"finish\", \"measure\" or \"observe\" of all worlds; on a GPU in this stream of CUDA, and returns at once.")
      .def(
          "save",
          [](const TaskWorldsObject& self, const nb::bytes& simulator, const nb::bytes& plan) {
            return bytes_of(self.worlds.save({vector_of(simulator), vector_of(plan)}));
          },
          nb::arg("simulator"), nb::arg("plan"),
          "Everything that the next stages depend on, as bytes, with what simulator and controller saved. Waits for the device.")
      .def("load", &load_worlds, nb::arg("saved"),
           "Goes on where save() was called, on either device; returns what simulator and controller had saved.\n\n"
           "Raises Error, and changes nothing, unless that was of the same robot, controller and number of worlds.")
      .def_prop_ro("arrays", &arrays, "All arrays by name, as Torch tensors on their memory. src/env/task_kernel.hpp says what they hold.")
      .def_prop_ro("terrain", &terrain_of_worlds,
                   "(distance of two heights [m], heights [m] (rows, columns)) of uneven ground, None where it is flat; a copy.")
      .def_prop_ro(
          "nworld", [](const TaskWorldsObject& self) { return self.worlds.fleet().nworld; }, "Number of worlds.")
      .def_prop_ro(
          "nobs", [](const TaskWorldsObject& self) { return self.worlds.fleet().layout.size; }, "Numbers of an observation.")
      .def_prop_ro(
          "naction", [](const TaskWorldsObject& self) { return self.worlds.fleet().blending.naction; }, "Numbers of an action.")
      .def_prop_ro(
          "control_dt", [](const TaskWorldsObject& self) { return self.settings.mpc.control_dt; }, "Time of one step [s].")
      .def_prop_ro(
          "bytes", [](const TaskWorldsObject& self) { return self.bytes; }, "What it takes of the device's memory.")
      .def_prop_ro(
          "term_names", [](const TaskWorldsObject&) { return reward_names(); }, "Names of the parts of the reward.")
      .def_prop_ro(
          "termination_names", [](const TaskWorldsObject&) { return episode_end_names(); }, "Why an episode may end.")
      .def_prop_ro(
          "settings",
          [](const TaskWorldsObject& self) {
            TaskSettings settings = self.settings;
            return settings_dict(fields(settings));
          },
          "All settings by name; a copy.");
}

}  // namespace tandem::python
