#include "env/task_worlds.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "env/episode.hpp"
#include "model/model_constants.hpp"

namespace tandem {
namespace {

constexpr std::uint32_t kSaveVersion = 2;

std::vector<float> floats(const std::vector<double>& values) { return {values.begin(), values.end()}; }

// The constant arrays of a task on the host, which the pointers of a fleet lead to until they are turned to the device.
struct Constants {
  ModelArrays<float> model;
  std::vector<float> stand, nominal, offset, kp, kd, kp_a, kd_a, radius;
  std::vector<int> joint;
  Terrain terrain;
  std::vector<float> memory;  // of the kinematics
  ObservationLayout layout;
  Blending blending;

  Constants(const Robot& robot, const TaskSettings& settings)
      : model(make_arrays<float>(robot.model)),
        stand(floats(robot.stand)),
        nominal(floats(robot.nominal)),
        offset(floats(settings.mpc.gait.offset)),
        terrain(make_terrain(settings.terrain)),
        memory(kinematics_size<float>(robot.model.nbody)),
        layout(make_observation_layout(robot, settings.controller != Controller::kRl, settings.value_scale)),
        blending(make_blending(robot, settings)) {
    check(!robot.model.contacts.empty(), "\"", robot.name, "\" has no contact points, which the task needs");
    kp = floats(blending.kp), kd = floats(blending.kd), kp_a = floats(blending.kp_a), kd_a = floats(blending.kd_a);
    joint = blending.joint;
    for (const ContactPoint& contact : robot.model.contacts) radius.push_back(static_cast<float>(contact.radius));
  }
};

// A fleet of `nworld` worlds without arrays, whose pointers lead to the constants on the host.
TaskFleet make_fleet(Constants& c, const Robot& robot, const TaskSettings& settings, int nworld) {
  TaskFleet f{};
  f.nworld = nworld;
  f.nslot = control_steps(settings.randomise.delay[1], settings.mpc.control_dt) + 1;
  f.period = settings.mpc.gait.period;
  f.first = true;
  const ModelView<float>& model = c.model.view;
  f.episode = {settings,
               model,
               {c.stand.data(), lowest_contact(model, c.stand.data(), c.memory.data()), {}},
               robot.base_height,
               settings.mpc.control_dt,
               episode_steps(settings),
               torso_of(robot.model)};
  f.blending = {c.blending.blend,
                model.njnt,
                static_cast<int>(c.joint.size()),
                static_cast<float>(c.blending.lambda),
                static_cast<float>(c.blending.scale),
                c.joint.data(),
                c.kp_a.data(),
                c.kd_a.data(),
                c.nominal.data(),
                c.kp.data(),
                c.kd.data()};
  f.layout = {model.njnt,       model.nfoot,    c.layout.size, c.layout.with_value, static_cast<float>(settings.value_scale),
              c.nominal.data(), c.offset.data()};
  f.terrain = view_of(c.terrain);
  f.radius = c.radius.data();
  return f;
}

// The constants as one block, with the pointers of the fleet that lead to them.
ConstantBlock pack(const Constants& c, TaskFleet& f) {
  ConstantBlock block;
  add_model(c.model, f.episode.model, block);
  block.add(c.stand, {&f.episode.stance.q});
  block.add(c.nominal, {&f.blending.nominal, &f.layout.nominal});
  block.add(c.offset, {&f.layout.gait_offset});
  block.add(c.kp, {&f.blending.kp}), block.add(c.kd, {&f.blending.kd});
  block.add(c.kp_a, {&f.blending.kp_a}), block.add(c.kd_a, {&f.blending.kd_a});
  block.add(c.joint, {&f.blending.joint});
  block.add(c.radius, {&f.radius});
  if (f.terrain.height) block.add(c.terrain.height, {&f.terrain.height});
  return block;
}

// Deals the arrays of the worlds out from `base`, each at a multiple of 16 bytes; with nullptr only `size` [bytes] is of use.
// see(name, pointer, numbers per world) is told of each.
template <class See>
TaskArrays deal_arrays(const TaskFleet& f, std::byte* base, std::size_t& size, See&& see) {
  const ModelView<float>& m = f.episode.model;
  const std::size_t n = f.nworld, njnt = m.njnt, naction = f.blending.naction;
  TaskArrays a{};
  size = 0;
  const auto take = [&](const char* name, auto*& pointer, std::size_t width) {
    pointer = reinterpret_cast<std::remove_reference_t<decltype(pointer)>>(base + size);
    see(name, pointer, width);
    size += (n * std::max<std::size_t>(width, 1) * sizeof(*pointer) + 15) / 16 * 16;
  };
  take("episode", a.episode, 0), take("start", a.start, 0), take("step", a.step, 0), take("age", a.age, 0), take("measured", a.measured, 0);
  take("broken", a.broken, 0), take("not_finite", a.not_finite, 0);
  take("line", a.line, f.nslot * kSetPointRows * njnt), take("action", a.action, 3 * naction), take("ground", a.ground, 0), take("plane", a.plane, 3);
  take("memory", a.memory, kinematics_size<float>(m.nbody));
  take("q", a.q, m.nq), take("v", a.v, m.nv), take("phase", a.phase, 0), take("command", a.command, 4);
  take("friction", a.friction, 0), take("added_mass", a.added_mass, 0), take("com_offset", a.com_offset, 3);
  take("mass_scale", a.mass_scale, m.nbody), take("armature_scale", a.armature_scale, njnt), take("strength", a.strength, njnt);
  take("kp_scale", a.kp_scale, njnt), take("kd_scale", a.kd_scale, njnt), take("delay", a.delay, 0), take("noise_scale", a.noise_scale, 0);
  take("measured_q", a.measured_q, m.nq), take("measured_v", a.measured_v, m.nv);
  take("restart", a.restart, 0), take("kicked", a.kicked, 0), take("pushed", a.pushed, 0), take("replan", a.replan, 0);
  take("kick", a.kick, 6), take("push_force", a.push_force, 3), take("push_body", a.push_body, 0), take("push_steps", a.push_steps, 0);
  take("observation", a.observation, f.layout.size), take("reward", a.reward, 0), take("terms", a.terms, kRewardTerms), take("power", a.power, 0);
  take("done", a.done, 0), take("time_out", a.time_out, 0), take("termination", a.termination, 0);
  return a;
}

std::size_t size_of_arrays(const TaskFleet& fleet) {
  std::size_t size = 0;
  deal_arrays(fleet, nullptr, size, [](const char*, const void*, std::size_t) {});
  return size;
}

ArrayType type_of(const float*) { return ArrayType::kFloat; }
ArrayType type_of(const int*) { return ArrayType::kInt; }
ArrayType type_of(const std::uint32_t*) { return ArrayType::kInt; }
ArrayType type_of(const unsigned char*) { return ArrayType::kByte; }

std::unique_ptr<TaskBackend> make_backend(TaskDevice device, std::size_t bytes, int threads) {
  return device == TaskDevice::kCuda ? make_task_cuda(bytes) : make_task_cpu(bytes, threads);
}

}  // namespace

struct TaskWorlds::Impl {
  std::string robot;
  TaskFleet fleet;
  std::size_t arrays_at = 0, arrays_size = 0;  // in the memory of the backend [bytes]
  std::unique_ptr<TaskBackend> backend;
  std::vector<TaskArray> named;
  bool connected = false;

  Impl(const Robot& robot, const TaskSettings& settings, int nworld, std::uint64_t seed, TaskDevice device, int threads) {
    check(nworld >= 1, "nworld = ", nworld, ", expected at least 1");
    this->robot = robot.model.name;
    Constants constants(robot, settings);
    fleet = make_fleet(constants, robot, settings, nworld);
    fleet.seed = seed;
    const ConstantBlock block = pack(constants, fleet);
    arrays_at = block.bytes().size(), arrays_size = size_of_arrays(fleet);
    backend = make_backend(device, arrays_at + arrays_size, threads);
    block.rebase(backend->data);
    backend->upload(0, block.bytes());
    std::size_t size = 0;
    fleet.arrays = deal_arrays(fleet, backend->data + arrays_at, size, [&](const char* name, auto* pointer, std::size_t width) {
      named.push_back({name, pointer, type_of(pointer), width});
    });
  }

  // arrays: all of them
  template <class Archive, class Arrays, class Beside>
  static void archive(Archive& bytes, const std::string& robot, TaskFleet& fleet, Arrays& arrays, Beside& beside) {
    bytes.expect("robot", robot);
    bytes.expect("nworld", fleet.nworld);
    bytes.expect("controller", static_cast<int>(fleet.episode.numbers.controller));
    bytes.expect("bytes of arrays", std::uint64_t(arrays.size()));
    bytes(fleet.seed), bytes(fleet.first), bytes(std::span(arrays)), bytes(beside.simulator), bytes(beside.plan);
  }
};

TaskWorlds::TaskWorlds(const Robot& robot, const TaskSettings& settings, int nworld, std::uint64_t seed, TaskDevice device, int threads)
    : impl_(std::make_unique<Impl>(robot, settings, nworld, seed, device, threads)) {}
TaskWorlds::~TaskWorlds() = default;

std::size_t TaskWorlds::bytes(const Robot& robot, const TaskSettings& settings, int nworld) {
  Constants constants(robot, settings);
  TaskFleet fleet = make_fleet(constants, robot, settings, nworld);
  return pack(constants, fleet).bytes().size() + size_of_arrays(fleet);
}

void TaskWorlds::connect(const SimRows& sim, const PlanRows& plan) {
  const bool planned = impl_->fleet.episode.numbers.controller != Controller::kRl;
  check(planned == (plan.tau_ff != nullptr), "task: a plan belongs to the controllers mpc and residual, and to no other");
  impl_->fleet.sim = sim;
  impl_->fleet.plan = plan;
  impl_->connected = true;
}

void TaskWorlds::act(const float* action) { impl_->fleet.action = action; }

void TaskWorlds::set_seed(std::uint64_t seed) {
  impl_->fleet.seed = seed;
  impl_->fleet.first = true;
}

void TaskWorlds::set_progress(double progress) {
  check(progress >= 0 && progress <= 1, "task: progress = ", progress, ", expected 0 to 1");
  impl_->fleet.progress = progress;
}

void TaskWorlds::run(TaskStage stage, void* stream) {
  TaskFleet& fleet = impl_->fleet;
  check(impl_->connected, "task: a stage was run before connect()");
  check(stage != TaskStage::kCommand || fleet.action, "task: set points were asked for before act()");
  impl_->backend->run(stage, fleet, stream);
  if (stage == TaskStage::kStart) fleet.first = false;
}

std::vector<std::byte> TaskWorlds::save(const SavedBeside& beside) const {
  const std::vector<std::byte> arrays = impl_->backend->download(impl_->arrays_at, impl_->arrays_size);
  ByteWriter bytes(kTaskWorldsSaved, kSaveVersion);
  impl_->archive(bytes, impl_->robot, impl_->fleet, arrays, beside);
  return bytes.finish();
}

SavedBeside TaskWorlds::load(std::span<const std::byte> saved) {
  std::vector<std::byte> arrays(impl_->arrays_size);
  SavedBeside beside;
  ByteReader bytes(kTaskWorldsSaved, kSaveVersion, saved);
  impl_->archive(bytes, impl_->robot, impl_->fleet, arrays, beside);
  impl_->backend->upload(impl_->arrays_at, arrays);
  return beside;
}

const TaskFleet& TaskWorlds::fleet() const { return impl_->fleet; }
const TaskArrays& TaskWorlds::arrays() const { return impl_->fleet.arrays; }

const std::vector<TaskArray>& TaskWorlds::named_arrays() const { return impl_->named; }

}  // namespace tandem
