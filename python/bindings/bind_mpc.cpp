#include "mpc/mpc.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <memory>

#include "arrays.hpp"
#include "base/check.hpp"
#include "bind.hpp"
#include "mpc/fields.hpp"
#include "mpc/mpc_cuda.hpp"
#include "settings.hpp"

namespace tandem::python {
namespace {

constexpr double kMpcBytes = 64 << 10;  // of plans, solutions and outputs, from above

// The controller on the processor or on a GPU: one of the two pointers is set.
struct MpcObject {
  Batch batch;
  std::unique_ptr<Mpc> mpc;
  std::unique_ptr<MpcCuda> gpu;
  std::mutex mutex;

  MpcObject(const Robot& robot, std::optional<int> nworld, const nb::dict& settings, int threads, const std::string& device)
      : batch(nworld, device == "cuda" ? 0 : kMpcBytes) {
    check(device == "cpu" || device == "cuda", "device = \"", device, "\", expected \"cpu\" or \"cuda\"");
    const MpcSettings all = with(make_mpc_settings(robot), settings);
    if (device == "cuda") {
      gpu = std::make_unique<MpcCuda>(robot.model, all, batch.nworld);
    } else {
      mpc = std::make_unique<Mpc>(robot.model, all, batch.nworld, checked_threads(threads));
    }
  }

  const MpcSettings& settings() const { return gpu ? gpu->settings() : mpc->settings(); }
  const Model& model() const { return gpu ? gpu->model() : mpc->model(); }
  Mpc& on_cpu(const char* what) const {
    check(mpc != nullptr, what, " works with device=\"cpu\" only");
    return *mpc;
  }
  MpcCuda& on_gpu(const char* what) const {
    check(gpu != nullptr, what, " works with device=\"cuda\" only");
    return *gpu;
  }
  static MpcSettings with(MpcSettings defaults, const nb::dict& settings) {
    apply_settings(fields(defaults), settings);
    return defaults;
  }
};

void step_on_gpu(MpcObject& self, const AnyArray& q, const AnyArray& v, const AnyArray& command, const std::optional<AnyArray>& active,
                 const std::optional<AnyArray>& ground, std::uintptr_t stream) {
  const size_t nq = self.model().nq, nv = self.model().nv;
  const DeviceRows<float> q_in(q, "q", self.batch.axes({{"nq", nq}})), v_in(v, "v", self.batch.axes({{"nv", nv}})),
      command_in(command, "command", self.batch.axes({{"4", 4}}));
  std::optional<DeviceRows<std::uint8_t>> active_in;
  if (active) active_in.emplace(*active, "active", self.batch.axes({}));
  std::optional<DeviceRows<float>> ground_in;
  if (ground) ground_in.emplace(*ground, "ground", self.batch.axes({{"3", 3}}));
  DeviceInput input{q_in.data(), q_in.stride(), v_in.data(), v_in.stride(), command_in.data(), command_in.stride()};
  if (active_in) input.active = active_in->data();
  if (ground_in) input.ground = ground_in->data(), input.ground_stride = ground_in->stride();
  unlocked(self.mutex, [&] { self.gpu->step(input, reinterpret_cast<void*>(stream)); });
}

void step_mpc(MpcObject& self, const AnyArray& q, const AnyArray& v, const AnyArray& command, const std::optional<AnyArray>& active,
              const std::optional<AnyArray>& ground, std::uintptr_t stream) {
  if (self.gpu) return step_on_gpu(self, q, v, command, active, ground, stream);
  const size_t nq = self.model().nq, nv = self.model().nv;
  const Input<double> q_in(q, "q", self.batch.axes({{"nq", nq}})), v_in(v, "v", self.batch.axes({{"nv", nv}})),
      command_in(command, "command", self.batch.axes({{"4", 4}}));
  const Input<std::uint8_t> active_in(active, "active", self.batch.axes({}));
  const Input<double> ground_in(ground, "ground", self.batch.axes({{"3", 3}}));
  unlocked(self.mutex, [&] { self.mpc->step(q_in, v_in, command_in, active_in, ground_in); });
}

void reset_mpc(MpcObject& self, std::optional<int> world, double phase, std::uintptr_t stream) {
  check(phase - phase == 0, "phase = ", phase, ", expected a number of periods");
  if (self.gpu) {
    check(!world && phase == 0, "reset of one world, or to a phase, works with device=\"cpu\" only; use reset_where(mask, phase)");
    return unlocked(self.mutex, [&] { self.gpu->reset(nullptr, nullptr, reinterpret_cast<void*>(stream)); });
  }
  unlocked(self.mutex, [&] {
    if (world) return self.mpc->reset(*world, phase);
    for (int w = 0; w < self.batch.nworld; ++w) self.mpc->reset(w, phase);
  });
}

void reset_where(MpcObject& self, const AnyArray& mask, const std::optional<AnyArray>& phase, std::uintptr_t stream) {
  MpcCuda& gpu = self.on_gpu("reset_where()");
  const DeviceRows<std::uint8_t> mask_in(mask, "mask", self.batch.axes({}));
  std::optional<DeviceRows<float>> phase_in;
  if (phase) phase_in.emplace(*phase, "phase", self.batch.axes({}));
  unlocked(self.mutex, [&] { gpu.reset(mask_in.data(), phase_in ? phase_in->data() : nullptr, reinterpret_cast<void*>(stream)); });
}

// A plan with the sizes of its arrays.
struct HorizonObject {
  Horizon plan;
  size_t nodes, nq, nv, ncon, nfoot;
};

nb::bytes save_mpc(MpcObject& self) {
  return bytes_of(unlocked(self.mutex, [&] { return self.gpu ? self.gpu->save() : self.mpc->save(); }));
}

void load_mpc(MpcObject& self, const nb::bytes& saved) {
  const std::span<const std::byte> bytes = span_of(saved);
  unlocked(self.mutex, [&] { self.gpu ? self.gpu->load(bytes) : self.mpc->load(bytes); });
}

HorizonObject horizon(MpcObject& self, int world) {
  const Mpc& mpc = self.on_cpu("horizon()");
  const Model& model = mpc.model();
  Horizon plan = unlocked(self.mutex, [&] { return mpc.horizon(world); });
  const size_t nq = model.nq, nv = model.nv;
  return {std::move(plan), static_cast<size_t>(mpc.settings().nodes), nq, nv, model.contacts.size(), model.foot_name.size()};
}

// A Torch tensor on memory of the GPU, rows `stride` numbers apart; width 0: one number per world.
nb::object tensor(const Batch& batch, float* data, nb::handle owner, size_t width, std::int64_t stride) {
  std::vector<size_t> shape;
  std::vector<std::int64_t> strides;
  if (batch.batched) shape.push_back(static_cast<size_t>(batch.nworld)), strides.push_back(stride);
  if (width) shape.push_back(width), strides.push_back(1);
  return nb::cast(
      nb::ndarray<nb::pytorch, float>(data, shape.size(), shape.data(), owner, strides.data(), nb::dtype<float>(), nb::device::cuda::value, 0));
}

// Properties of `njnt` numbers or one number per world.
auto per_joint(std::vector<double> MpcOutput::* field, float* DeviceOutput::* gpu_field) {
  return [field, gpu_field](Held<MpcObject> self) -> nb::object {
    const size_t njnt = self.p->model().njnt;
    if (!self.p->gpu) return nb::cast(self.p->batch.view((self.p->mpc->output.*field).data(), self.h, {njnt}));
    const DeviceOutput out = self.p->gpu->output();
    return tensor(self.p->batch, out.*gpu_field, self.h, njnt, out.joint_stride);
  };
}
auto per_world(std::vector<double> MpcOutput::* field, float* DeviceOutput::* gpu_field) {
  return [field, gpu_field](Held<MpcObject> self) -> nb::object {
    if (!self.p->gpu) return nb::cast(self.p->batch.view_each((self.p->mpc->output.*field).data(), self.h));
    return tensor(self.p->batch, self.p->gpu->output().*gpu_field, self.h, 0, 1);
  };
}
// And of the QP's info.
template <class T>
auto per_world(T QpInfo::* field, float* DeviceOutput::* gpu_field) {
  using Number = std::conditional_t<std::is_same_v<T, Status>, std::int32_t, T>;
  constexpr std::int64_t kStride = sizeof(QpInfo) / sizeof(Number);
  static_assert(sizeof(T) == sizeof(Number) && sizeof(QpInfo) % sizeof(Number) == 0);
  return [field, gpu_field](Held<MpcObject> self) -> nb::object {
    if (self.p->gpu) return tensor(self.p->batch, self.p->gpu->output().*gpu_field, self.h, 0, 1);
    QpInfo& first = self.p->mpc->output.info[0];
    return nb::cast(self.p->batch.view_each(reinterpret_cast<Number*>(&(first.*field)), self.h, kStride));
  };
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
  using D = DeviceOutput;
  mpc.def_prop_ro("tau_ff", per_joint(&MpcOutput::tau_ff, &D::tau_ff), "Feed-forward torques [N m]  ([nworld,] njnt).")
      .def_prop_ro("q_des", per_joint(&MpcOutput::q_des, &D::q_des), "Joint positions to reach [rad]  ([nworld,] njnt).")
      .def_prop_ro("v_des", per_joint(&MpcOutput::v_des, &D::v_des), "Joint velocities to reach [rad/s]  ([nworld,] njnt).")
      .def_prop_ro("value", per_world(&MpcOutput::value, &D::value), "Cost of the plan  ([nworld]).")
      .def_prop_ro("phase", per_world(&MpcOutput::phase, &D::phase), "Gait time of the plan's first node, in periods  ([nworld]).")
      .def_prop_ro("status", per_world(&QpInfo::status, &D::status), "How the QP ended, a number of Status  ([nworld]).")
      .def_prop_ro("primal_residual", per_world(&QpInfo::primal_residual, &D::primal_residual),
                   "Largest violation of a row, in its unit  ([nworld]).")
      .def_prop_ro("dual_residual", per_world(&QpInfo::dual_residual, &D::dual_residual), "Largest error of stationarity  ([nworld]).");
}

}  // namespace

void bind_mpc(nb::module_& module) {
  bind_horizon(module);
  nb::class_<MpcObject> mpc(
      module, "Mpc",
      "Whole-body model predictive control of one robot or of many at once: measured states and commands in, joint set points out.\n\n"
      "One step() per control step (`control_dt`). The motors then apply tau = tau_ff + kp (q_des - q) + kd (v_des - v).\n"
      "The outputs are arrays on the controller's own memory: the next step() overwrites them, so copy what must stay.");
  mpc.def(nb::init<const Robot&, std::optional<int>, const nb::dict&, int, const std::string&>(), nb::arg("robot"), nb::arg("nworld") = nb::none(),
          nb::kw_only(), nb::arg("settings") = nb::dict(), nb::arg("threads") = 1, nb::arg("device") = "cpu",
          "nworld: None for one robot, whose arrays have no axis of worlds; else that axis comes first.\n"
          "settings: by name, {\"solver.iterations\": 5, \"gait.period\": 0.6}; the attribute `settings` lists them all.\n"
          "threads: that share the worlds; 0 is one per processor. Results do not depend on it.\n"
          "device: \"cpu\", or \"cuda\" for GPU 0: arrays are then float32 tensors in its memory, taken without a copy (rows may\n"
          "lie apart), attributes are Torch tensors, and step() returns at once. docs/gpu.md.")
      .def("step", &step_mpc, nb::arg("q"), nb::arg("v"), nb::arg("command"), nb::arg("active") = nb::none(), nb::kw_only(),
           nb::arg("ground") = nb::none(), nb::arg("stream") = 0,
           "One control step. Releases the interpreter while it plans.\n\n"
           "q: configuration, float64 ([nworld,] nq). v: velocity, float64 ([nworld,] nv).\n"
           "command: base height [m], forward and left velocity [m/s], yaw rate [rad/s], float64 ([nworld,] 4).\n"
           "active: bool ([nworld]), False leaves that world alone; None: all.\n"
           "ground: the plane that the robot walks on: its rise along the world's x and y, and its height under the base, counted as q is [m],\n"
           "float64 ([nworld,] 3); None: level at height 0.\n"
           "stream: of CUDA, with device=\"cuda\": torch.cuda.current_stream().cuda_stream; 0 is the default stream.\n"
           "A state that is not finite gives that world the nominal pose; see `status`.")
      .def("reset", &reset_mpc, nb::arg("world") = nb::none(), nb::arg("phase") = 0.0, nb::kw_only(), nb::arg("stream") = 0,
           "Forgets the plan of one world, or of all (None); the gait time becomes `phase`, in periods.\n\n"
           "stream: as of step(), whose order on the GPU it is part of.")
      .def("reset_where", &reset_where, nb::arg("mask"), nb::arg("phase") = nb::none(), nb::kw_only(), nb::arg("stream") = 0,
           "With device=\"cuda\": forgets the plans of the worlds whose mask is not 0; their gait times become `phase`, None: 0.\n\n"
           "mask: bool or uint8 ([nworld]). phase: float32 ([nworld]). Both in the GPU's memory.")
      .def("save", &save_mpc,
           "Everything that the next steps depend on, outputs included, as bytes: an Mpc that loads them goes on from there, on either device.")
      .def("load", &load_mpc, nb::arg("saved"),
           "Goes on where save() was called. Raises Error, and changes nothing, unless that was an Mpc of the same robot, horizon and number of "
           "worlds.")
      .def("horizon", &horizon, nb::arg("world") = 0, "The plan of one world after step().")
      .def_prop_ro(
          "nworld", [](const MpcObject& self) { return self.batch.nworld; }, "Number of worlds.")
      .def_prop_ro(
          "control_dt", [](const MpcObject& self) { return self.settings().control_dt; }, "Time between two steps [s].")
      .def_prop_ro(
          "settings",
          [](const MpcObject& self) {
            MpcSettings settings = self.settings();
            return settings_dict(fields(settings));
          },
          "All settings by name; a copy.")
      .def_prop_ro(
          "memory", [](const MpcObject& self) { return describe(self.on_gpu("memory").plan()); }, "With device=\"cuda\": what it takes, in a line.");
  bind_outputs(mpc);
}

}  // namespace tandem::python
