// The policy file: docs/training.md, "The policy file".
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/atomic_file.hpp"
#include "base/check.hpp"
#include "model/names.hpp"
#include "policy/policy.hpp"

namespace tandem {
namespace {

static_assert(std::endian::native == std::endian::little, "the file holds little-endian numbers");

using Json = nlohmann::ordered_json;
constexpr const char* kFormat = "tandem-policy";
constexpr int kVersion = 1;  // of the list of metadata and tensors; a reader takes this and older ones
constexpr const char* kProvenance = "provenance.";
constexpr const char* kMpcSettings = "mpc.settings";  // not in every file of format 1

// One tensor of a policy that is written or read; `shape` as in the file, rows first.
struct Tensor {
  std::string name;
  std::vector<size_t> shape;
  std::vector<float>* data;
};

size_t count(const std::vector<size_t>& shape) {
  size_t n = 1;
  for (const size_t size : shape) n *= size;
  return n;
}

std::vector<Tensor> normaliser_tensors(Policy& policy) {
  const size_t nobs = static_cast<size_t>(policy.layout.size);
  return {{"normaliser.mean", {nobs}, &policy.mean}, {"normaliser.std", {nobs}, &policy.std}};
}

std::vector<Tensor> layer_tensors(Layer& layer, size_t index) {
  const size_t rows = static_cast<size_t>(layer.rows), columns = static_cast<size_t>(layer.columns);
  return {{cat("actor.", index, ".weight"), {rows, columns}, &layer.weight}, {cat("actor.", index, ".bias"), {rows}, &layer.bias}};
}

std::vector<Tensor> all_tensors(Policy& policy) {
  std::vector<Tensor> tensors = normaliser_tensors(policy);
  for (size_t l = 0; l < policy.layers.size(); ++l)
    for (Tensor& tensor : layer_tensors(policy.layers[l], l)) tensors.push_back(std::move(tensor));
  return tensors;
}

// The shapes fit together and every number is finite. `what` begins every message.
void check_network(Policy& policy, const std::string& what) {
  check(!policy.layers.empty(), what, ": has no layer actor.0, expected at least one");
  int width = policy.layout.size;
  for (size_t l = 0; l < policy.layers.size(); ++l) {
    const Layer& layer = policy.layers[l];
    check(layer.columns == width, what, ": actor.", l, ".weight has ", layer.columns, " columns, expected ", width,
          l == 0 ? ", the size of the observation" : ", the rows of the layer before");
    width = layer.rows;
  }
  check(width == static_cast<int>(policy.action_joint.size()), what, ": the last layer has ", width, " rows, expected ", policy.action_joint.size(),
        ", one per joint that acts");
  for (const Tensor& tensor : all_tensors(policy)) {
    check(tensor.data->size() == count(tensor.shape), what, ": ", tensor.name, " has ", tensor.data->size(), " numbers, expected ",
          count(tensor.shape));
    for (const float x : *tensor.data)
      check(std::isfinite(x), what, ": ", tensor.name, " holds a number that is not finite; take an earlier checkpoint");
  }
  for (const float s : policy.std) check(s > 0, what, ": normaliser.std holds ", s, ", expected more than 0");
}

Json metadata_of(const Policy& p) {
  Json groups = Json::array();
  for (const ObservationGroup& group : p.layout.groups) groups.push_back({group.name, group.size});
  const auto text = [](const auto& value) { return Json(value).dump(); };
  Json m = {{"format", kFormat},
            {"format_version", text(kVersion)},
            {"robot", p.robot},
            {"controller", name(p.controller)},
            {"control_dt", text(p.control_dt)},
            {"observation.groups", groups.dump()},
            {"observation.nominal", text(p.layout.nominal)},
            {"observation.gait_offset", text(p.layout.gait_offset)},
            {"observation.value_scale", text(p.layout.value_scale)},
            {"observation.clip", text(p.clip)},
            {"action.joint", text(p.action_joint)},
            {"blend.name", name(p.blending.blend)},
            {"blend.lambda", text(p.blending.lambda)},
            {"blend.scale", text(p.blending.scale)},
            {"blend.joint", text(p.blending.joint)},
            {"blend.kp_a", text(p.blending.kp_a)},
            {"blend.kd_a", text(p.blending.kd_a)},
            {"blend.nominal", text(p.blending.nominal)},
            {"blend.kp", text(p.blending.kp)},
            {"blend.kd", text(p.blending.kd)}};
  if (!p.mpc_settings.empty()) m[kMpcSettings] = p.mpc_settings;
  for (const auto& [key, value] : p.provenance) m[kProvenance + key] = value;
  return m;
}

// The parts of a safetensors file, whose bytes and header are known to be whole.
struct Container {
  std::string path;
  std::vector<char> bytes;
  Json header;
  size_t data_begin;
};

Container open_container(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  check(in.good() && !std::filesystem::is_directory(path), "cannot read the policy ", path, "; check the path and its permissions");
  Container file{path, {std::istreambuf_iterator<char>(in), {}}, {}, 0};
  const size_t size = file.bytes.size();
  check(size >= 8, path, ": has ", size, " bytes, expected at least 8; it is cut off or no policy, copy it again");
  std::uint64_t length = 0;
  std::memcpy(&length, file.bytes.data(), 8);
  check(length <= size - 8, path, ": its header takes ", length, " bytes, the file has ", size, "; it is cut off or no policy, copy it again");
  file.data_begin = 8 + length;
  file.header = Json::parse(file.bytes.begin() + 8, file.bytes.begin() + static_cast<std::ptrdiff_t>(file.data_begin), nullptr, false);
  check(file.header.is_object() && file.header.contains("__metadata__") && file.header["__metadata__"].is_object(), path,
        ": its header is not that of a policy; give a policy.safetensors that training wrote");
  return file;
}

// The text of a key of the metadata.
std::string text_of(const Container& file, const char* key) {
  const Json& metadata = file.header.at("__metadata__");
  check(metadata.contains(key) && metadata.at(key).is_string(), file.path, ": its metadata lack \"", key, "\"; export the policy again");
  const std::string text = metadata.at(key).get<std::string>();
  check(std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 32; }), file.path, ": \"", key,
        "\" of its metadata is no line of text; export the policy again");
  return text;
}

// The value of a key, which is JSON in a text.
template <class T>
T value_of(const Container& file, const char* key) {
  const std::string text = text_of(file, key);
  try {
    const Json value = Json::parse(text);
    T out = value.get<T>();
    check(Json(out) == value, "is of another kind");
    return out;
  } catch (const std::exception&) {
    throw Error(cat(file.path, ": \"", key, "\" of its metadata makes no sense; export the policy again"));
  }
}

template <size_t N>
int choice_of(const Container& file, const char* key, const char* const (&names)[N]) {
  const std::string text = text_of(file, key);
  const auto found = std::find(std::begin(names), std::end(names), text);
  check(found != std::end(names), file.path, ": \"", key, "\" of its metadata is \"", text,
        "\"; nearest: ", nearest(text, {std::begin(names), std::end(names)}));
  return static_cast<int>(found - std::begin(names));
}

void read_layout(const Container& file, ObservationLayout& layout) {
  for (const auto& [name, size] : value_of<std::vector<std::pair<std::string, int>>>(file, "observation.groups")) {
    layout.groups.push_back({name, size});
    layout.with_value = layout.with_value || name == "value";
  }
  layout.nominal = value_of<std::vector<double>>(file, "observation.nominal");
  layout.gait_offset = value_of<std::vector<double>>(file, "observation.gait_offset");
  layout.value_scale = value_of<double>(file, "observation.value_scale");
  check(layout.value_scale > 0, file.path, ": observation.value_scale = ", layout.value_scale, ", expected more than 0");
  const std::vector<ObservationGroup> expected =
      observation_groups(static_cast<int>(layout.nominal.size()), static_cast<int>(layout.gait_offset.size()), layout.with_value);
  check(layout.groups == expected, file.path, ": this policy observes ", described(layout.groups), ", this program can compute ", described(expected),
        "; run it with the program that trained it, or train a new one");
  for (const ObservationGroup& group : layout.groups) layout.size += group.size;
}

void read_blending(const Container& file, Policy& policy) {
  Blending& b = policy.blending;
  b.blend = static_cast<Blend>(choice_of(file, "blend.name", kBlendNames));
  b.lambda = value_of<double>(file, "blend.lambda");
  b.scale = value_of<double>(file, "blend.scale");
  b.joint = value_of<std::vector<int>>(file, "blend.joint");
  const size_t naction = policy.action_joint.size(), njnt = policy.layout.nominal.size();
  const auto list = [&](const char* key, size_t size) {
    std::vector<double> values = value_of<std::vector<double>>(file, key);
    check(values.size() == size, file.path, ": \"", key, "\" has ", values.size(), " values, expected ", size, "; export the policy again");
    return values;
  };
  b.kp_a = list("blend.kp_a", naction);
  b.kd_a = list("blend.kd_a", naction);
  b.nominal = list("blend.nominal", njnt);
  b.kp = list("blend.kp", njnt);
  b.kd = list("blend.kd", njnt);
  check(b.joint.size() == naction && std::all_of(b.joint.begin(), b.joint.end(), [&](int j) { return j >= 0 && j < static_cast<int>(njnt); }),
        file.path, ": \"blend.joint\" does not name one joint per action; export the policy again");
}

// Reads the numbers of `tensor`, whose shape must be as given there; a size of 0 takes whatever the file has.
void read_tensor(const Container& file, Tensor& tensor) {
  check(file.header.contains(tensor.name), file.path, ": lacks the tensor \"", tensor.name, "\"; export the policy again");
  std::vector<size_t> shape;
  size_t begin = 0, end = 0;
  try {
    const Json& entry = file.header.at(tensor.name);
    check(entry.at("dtype") == "F32", "another type");
    shape = entry.at("shape").get<std::vector<size_t>>();
    begin = entry.at("data_offsets").at(0).get<size_t>();
    end = entry.at("data_offsets").at(1).get<size_t>();
  } catch (const std::exception&) {
    throw Error(cat(file.path, ": the entry of the tensor \"", tensor.name, "\" is damaged, expected dtype F32, shape and data_offsets"));
  }
  const size_t available = file.bytes.size() - file.data_begin;
  check(end <= available, file.path, ": has ", file.bytes.size(), " bytes, expected at least ", file.data_begin + end,
        "; it is cut off, copy it again");
  bool fits = shape.size() == tensor.shape.size() && begin <= end;
  for (size_t i = 0; fits && i < shape.size(); ++i) {
    fits = shape[i] > 0 && shape[i] <= 1u << 20 && (tensor.shape[i] == 0 || tensor.shape[i] == shape[i]);
  }
  check(fits && end - begin == 4 * count(shape), file.path, ": the tensor \"", tensor.name, "\" has the shape ", Json(shape).dump(), " in ",
        end - begin, " bytes, expected ", Json(tensor.shape).dump(), " of four bytes each (0: any)");
  tensor.shape = shape;
  tensor.data->resize(count(shape));
  std::memcpy(tensor.data->data(), file.bytes.data() + file.data_begin + begin, end - begin);
}

}  // namespace

void save_policy(const Policy& policy, const std::string& path) {
  Policy copy = policy;
  check_network(copy, "the policy for " + path);
  Json header = {{"__metadata__", metadata_of(copy)}};
  std::vector<std::byte> data;
  for (const Tensor& tensor : all_tensors(copy)) {
    const auto bytes = std::as_bytes(std::span(*tensor.data));
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {data.size(), data.size() + bytes.size()}}};
    data.insert(data.end(), bytes.begin(), bytes.end());
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the numbers are aligned
  const std::uint64_t length = text.size();
  std::vector<std::byte> out;
  for (const auto part : {std::as_bytes(std::span(&length, 1)), std::as_bytes(std::span(text)), std::span<const std::byte>(data)})
    out.insert(out.end(), part.begin(), part.end());
  write_atomically(path, out);
}

Policy load_policy(const std::string& path) {
  const Container file = open_container(path);
  check(text_of(file, "format") == kFormat, path, ": its format is \"", text_of(file, "format"), "\", expected \"", kFormat, "\"");
  const int version = value_of<int>(file, "format_version");
  check(version >= 1 && version <= kVersion, path, ": is of format ", version, ", this program reads up to ", kVersion, "; update the program");

  Policy policy;
  policy.robot = text_of(file, "robot");
  policy.controller = static_cast<Controller>(choice_of(file, "controller", kControllerNames));
  policy.control_dt = value_of<double>(file, "control_dt");
  policy.clip = value_of<float>(file, "observation.clip");
  check(policy.control_dt > 0 && policy.clip > 0, path, ": control_dt = ", policy.control_dt, ", observation.clip = ", policy.clip,
        ", expected both above 0");
  policy.action_joint = value_of<std::vector<std::string>>(file, "action.joint");
  read_layout(file, policy.layout);
  read_blending(file, policy);
  for (Tensor& tensor : normaliser_tensors(policy)) read_tensor(file, tensor);
  while (file.header.contains(cat("actor.", policy.layers.size(), ".weight"))) {
    Layer layer{};
    std::vector<Tensor> tensors = layer_tensors(layer, policy.layers.size());
    for (Tensor& tensor : tensors) read_tensor(file, tensor);
    layer.rows = static_cast<int>(tensors[0].shape[0]);
    layer.columns = static_cast<int>(tensors[0].shape[1]);
    policy.layers.push_back(std::move(layer));
  }
  check(file.header.size() == 1 + all_tensors(policy).size(), path, ": holds tensors that this program does not know; update the program");
  check_network(policy, path);
  if (file.header["__metadata__"].contains(kMpcSettings)) {
    const Json settings = value_of<Json>(file, kMpcSettings);
    check(settings.is_object(), path, ": \"", kMpcSettings, "\" of its metadata makes no sense; export the policy again");
    policy.mpc_settings = settings.dump();
  }
  for (const auto& [key, value] : file.header["__metadata__"].items())
    if (key.starts_with(kProvenance) && value.is_string()) policy.provenance[key.substr(std::strlen(kProvenance))] = value.get<std::string>();
  return policy;
}

}  // namespace tandem
