// A training as tandem.device_train needs it: options, settings, folder, checkpoints, logs and reports are those of the program tandem-train.
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cmath>
#include <tuple>

#include "arrays.hpp"
#include "base/check.hpp"
#include "base/device.hpp"
#include "bind.hpp"
#include "cli/train_run.hpp"
#include "learn/checkpoint.hpp"
#include "learn/normaliser.hpp"
#include "learn/run_log.hpp"
#include "settings.hpp"

namespace tandem::python {
namespace {

// Arrays of a checkpoint in Python: (name, type, bytes) each.
using Arrays = std::vector<std::tuple<std::string, std::string, nb::bytes>>;

std::vector<NamedBytes> named_bytes(const Arrays& arrays) {
  std::vector<NamedBytes> out;
  for (const auto& [name, type, bytes] : arrays) out.push_back({name, type, vector_of(bytes)});
  return out;
}

Arrays arrays(const std::vector<NamedBytes>& named) {
  Arrays out;
  for (const NamedBytes& array : named) out.emplace_back(array.name, array.type, bytes_of(array.bytes));
  return out;
}

// A checkpoint as a dictionary.
nb::dict described(const Checkpoint& checkpoint, const std::string& path) {
  nb::dict out;
  out["path"] = path;
  out["identity"] = nb::cast(checkpoint.identity);
  out["iteration"] = checkpoint.iteration;
  out["robot_steps"] = checkpoint.robot_steps;
  out["seconds"] = checkpoint.seconds;
  out["learner"] = nb::cast(arrays(checkpoint.learner));
  out["statistics"] = nb::cast(arrays(checkpoint.statistics));
  out["worlds"] = bytes_of(checkpoint.worlds);
  return out;
}

TrainOptions parsed(const std::vector<std::string>& argv) {
  auto options = parse_train_options(argv);
  if (const int* code = std::get_if<int>(&options)) {
    PyErr_SetObject(PyExc_SystemExit, nb::int_(*code).ptr());
    throw nb::python_error();
  }
  return std::get<TrainOptions>(std::move(options));
}

// Layers as (inputs, outputs, ld, offset of the weights, offset of the biases).
std::vector<std::tuple<int, int, int, int, int>> offsets(const MlpShape& shape, int begin) {
  std::vector<std::tuple<int, int, int, int, int>> out;
  for (const MlpLayer& layer : shape.layer) out.emplace_back(layer.in, layer.out, layer.ld, begin + layer.weight, begin + layer.bias);
  return out;
}

// A SignedPermutation in Python: (indices, signs).
using SignedIndices = std::pair<std::vector<int>, std::vector<double>>;

struct TrainingObject {
  TrainOptions options;
  TrainRun run;
  NetworkShape shape;
  std::unique_ptr<RunLog> log;
  std::unique_ptr<ProgressLine> line;

  explicit TrainingObject(const TrainOptions& o) : options(o), run(o), shape(run.setup.ppo, run.sizes()) {}
};

nb::object load(TrainingObject& self) {
  const Checkpoint checkpoint = load_latest_checkpoint(self.run.folder, self.run.identity(), warn);
  self.log = std::make_unique<RunLog>(self.run.folder, checkpoint.iteration);
  return described(checkpoint, self.run.folder.checkpoint(checkpoint.iteration));
}

void save(TrainingObject& self, std::int64_t iteration, double seconds, const Arrays& learner, const Arrays& statistics, const nb::bytes& worlds) {
  const PpoSizes sizes = self.run.sizes();
  const std::int64_t robot_steps = iteration * self.run.setup.ppo.steps * sizes.nworld;
  save_checkpoint({self.run.identity(), iteration, robot_steps, seconds, named_bytes(learner), named_bytes(statistics), vector_of(worlds)},
                  self.run.folder.checkpoint(iteration));
}

void export_run(TrainingObject& self, std::int64_t iteration, const AnyArray& parameters, const AnyArray& mean, const AnyArray& variance) {
  const size_t nobs = static_cast<size_t>(self.run.layout.size);
  const Input<float> parameters_in(parameters, "parameters", {{"size", static_cast<size_t>(self.shape.size())}});
  const Input<double> mean_in(mean, "mean", {{"nobs", nobs}}), variance_in(variance, "variance", {{"nobs", nobs}});
  const std::span<const float> p = parameters_in;
  const std::span<const double> m = mean_in, v = variance_in;
  Normaliser normaliser(self.run.layout.size);
  normaliser.variance.assign(v.begin(), v.end());
  normaliser.refresh();
  export_policy(self.run, {actor_layers(self.shape, p.data()), {m.begin(), m.end()}, normaliser.deviation()}, iteration);
}

void show(TrainingObject& self, std::int64_t iteration, const std::vector<double>& now) {
  check(now.size() == 4, "show() takes steps per second, reward, length, seconds left");
  if (!self.line) self.line = std::make_unique<ProgressLine>();
  const PpoSizes sizes = self.run.sizes();
  self.line->show({iteration, self.run.setup.train.iterations, iteration * self.run.setup.ppo.steps * sizes.nworld, now[0], now[1], now[2], now[3]});
}

void finish(TrainingObject& self, const nb::dict& result) {
  self.line.reset();
  const auto numbers = [&](const char* name) { return nb::cast<std::vector<NamedNumber>>(result[name]); };
  report(self.run, self.options,
         {.iteration = nb::cast<std::int64_t>(result["iteration"]),
          .robot_steps = nb::cast<std::int64_t>(result["robot_steps"]),
          .interrupted = nb::cast<bool>(result["interrupted"]),
          .seconds = nb::cast<double>(result["seconds"]),
          .steps_per_second = nb::cast<double>(result["steps_per_second"]),
          .shares = numbers("shares"),
          .last = numbers("last")},
         nb::cast<long>(result["not_finite"]));
}

void bind_shape(nb::module_& module) {
  nb::class_<NetworkShape> shape(module, "NetworkShape", "Where actor, critic and log sigma lie in the array of parameters of a checkpoint.");
  shape
      .def(
          "__init__",
          [](NetworkShape* self, int nobs, int naction, int layers, int width, const SignedIndices& observation, const SignedIndices& action) {
            PpoSettings settings;
            settings.layers = layers;
            settings.width = width;
            const auto mirror = [](const SignedIndices& image) { return SignedPermutation{image.first, image.second}; };
            new (self) NetworkShape(settings, {1, nobs, naction, false, {mirror(observation), mirror(action)}});
          },
          nb::arg("nobs"), nb::arg("naction"), nb::arg("layers"), nb::arg("width"), nb::arg("mirrored_observation") = SignedIndices{},
          nb::arg("mirrored_action") = SignedIndices{},
          "mirrored_...: (indices, signs): image[i] = sign[i] x[index[i]]; empty where left and right are not alike.")
      .def_prop_ro(
          "mirror", [](const NetworkShape& s) { return SignedIndices(s.mirror.from, s.mirror.sign); },
          "The image of the array, (indices, signs); empty without symmetry.")
      .def_prop_ro(
          "actor", [](const NetworkShape& s) { return offsets(s.actor, 0); },
          "Its layers: (inputs, outputs, distance of rows, offset of the weights (inputs, outputs), offset of the biases) each.")
      .def_prop_ro(
          "critic", [](const NetworkShape& s) { return offsets(s.critic, s.critic_begin); }, "The same of the critic.")
      .def_ro("log_sigma", &NetworkShape::log_sigma_begin, "Offset of the log sigma of every action.")
      .def_prop_ro("size", &NetworkShape::size, "Numbers in the array.")
      .def(
          "initial",
          [](const NetworkShape& s, double sigma, bool zero_last_layer, std::uint64_t seed) {
            PpoSettings settings;
            settings.sigma = sigma;
            auto* values = new std::vector<float>(s.size());
            nb::capsule owner(values, [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
            initialise(s, settings, zero_last_layer, seed, values->data());
            return View<float>(values->data(), {values->size()}, owner);
          },
          nb::arg("sigma"), nb::arg("zero_last_layer"), nb::arg("seed"), "What training starts from, float32 (size).");
}

void bind_files(nb::class_<TrainingObject>& training) {
  training
      .def(
          "checkpoint", [](const TrainingObject& self, std::int64_t iteration) { return self.run.folder.checkpoint(iteration); },
          nb::arg("iteration"), "Path of the checkpoint of an iteration.")
      .def(
          "start", [](TrainingObject& self) { self.log = std::make_unique<RunLog>(self.run.folder, 0); }, "Begins the logs. Raises Error.")
      .def("load", &load,
           "The latest checkpoint that can be read, as read_checkpoint() has it; those that cannot are named on stderr. The logs go on after it.\n\n"
           "Raises Error if there is none, or if it is of another robot, observation, number of worlds or network.")
      .def("save", &save, nb::arg("iteration"), nb::arg("seconds"), nb::arg("learner"), nb::arg("statistics"), nb::arg("worlds"),
           "Writes a checkpoint. learner, statistics: (name, type, bytes) of each array. worlds: bytes. Raises Error naming path and cause.")
      .def("export", &export_run, nb::arg("iteration"), nb::arg("parameters"), nb::arg("mean"), nb::arg("variance"),
           "Writes the policy of an iteration, which is then the latest.\n\n"
           "parameters: float32, laid out as `shape` says. mean, variance: of the observations, float64 (nobs). Raises Error.")
      .def(
          "log",
          [](TrainingObject& self, std::int64_t iteration, const std::vector<NamedNumber>& scalars) {
            check(self.log != nullptr, "log() comes after start() or load()");
            self.log->write(iteration, scalars, warn);
          },
          nb::arg("iteration"), nb::arg("scalars"), "Appends (name, number) of an iteration to progress.csv and TensorBoard's events.")
      .def("show", &show, nb::arg("iteration"), nb::arg("now"),
           "The line of progress. now: robot-steps per second, reward and length of episodes, seconds left.")
      .def("finish", &finish, nb::arg("result"),
           "Prints the result, {\"iteration\", \"robot_steps\", \"interrupted\", \"seconds\", \"steps_per_second\", \"shares\", \"last\", "
           "\"not_finite\"},\n"
           "and writes the report that --json asks for. Raises Error if that cannot be written.");
}

}  // namespace

void bind_training(nb::module_& module) {
  nb::class_<TrainOptions>(module, "TrainOptions", "The options of a training, as typed.")
      .def(
          "__init__", [](TrainOptions* self, const std::vector<std::string>& argv) { new (self) TrainOptions(parsed(argv)); }, nb::arg("argv"),
          "argv: program, \"train\", options. Raises SystemExit after --help and for a wrong option, when all is said.")
      .def_ro("argv", &TrainOptions::argv)
      .def_ro("device", &TrainOptions::device, "\"cuda\", \"cpu\", or empty.")
      .def_ro("any_order", &TrainOptions::any_order, "Whether runs on a GPU need not repeat themselves bit by bit.")
      .def_ro("threads", &TrainOptions::threads, "0: not given.")
      .def_ro("resume", &TrainOptions::resume, "Folder of the run to go on with, or empty.");
  bind_shape(module);

  nb::class_<TrainingObject> training(module, "TrainingRun",
                                      "One training: its settings, folder, checkpoints, logs and policies. docs/training.md, \"Runs\".");
  training
      .def(nb::init<const TrainOptions&>(), nb::arg("options"),
           "Makes the folder, or opens the one to go on with; it is locked for as long as this object lives. Raises Error.")
      .def_prop_ro(
          "path", [](const TrainingObject& self) { return self.run.folder.path(); }, "Folder of the run.")
      .def_prop_ro(
          "robot", [](TrainingObject& self) { return &self.run.setup.robot; }, nb::rv_policy::reference_internal, "The tandem.Robot.")
      .def_prop_ro(
          "controller", [](const TrainingObject& self) { return self.run.setup.controller; }, "As asked for: also \"mpc\", \"zero\", \"random\".")
      .def_prop_ro(
          "task_controller", [](const TrainingObject& self) { return std::string(name(self.run.setup.task.controller)); },
          "That of the task: \"residual\", \"rl\" or \"mpc\".")
      .def_prop_ro(
          "learns", [](const TrainingObject& self) { return self.run.learns; }, "Whether there is a policy to learn.")
      .def_prop_ro(
          "settings", [](TrainingObject& self) { return settings_dict(fields(self.run.setup.task)); }, "Of the task, by name; a copy.")
      .def_prop_ro(
          "ppo", [](TrainingObject& self) { return settings_dict(fields(self.run.setup.ppo)); }, "Of the learner, by name; a copy.")
      .def_prop_ro(
          "train", [](TrainingObject& self) { return settings_dict(fields(self.run.setup.train)); }, "train.*, by name; a copy.")
      .def_prop_ro(
          "mirrored_observation",
          [](const TrainingObject& self) { return SignedIndices(self.run.symmetry.observation.from, self.run.symmetry.observation.sign); },
          "The image of an observation, (indices, signs): image[i] = sign[i] x[index[i]]; empty unless ppo.symmetric.")
      .def_prop_ro("shape", [](const TrainingObject& self) { return self.shape; }, "The tandem NetworkShape of the policy.");
  bind_files(training);

  module.def(
      "read_checkpoint", [](const std::string& path) { return described(load_checkpoint(path), path); }, nb::arg("path"),
      "A checkpoint: {\"path\", \"identity\", \"iteration\", \"robot_steps\", \"seconds\", \"learner\", \"statistics\", \"worlds\"}.\n\n"
      "learner, statistics: (name, type, bytes) of each array. Raises Error if the file is none, cut off or damaged.");
  module.def("warn", &warn, nb::arg("line"), "One line on stderr, beside the line of progress.");
}

}  // namespace tandem::python
