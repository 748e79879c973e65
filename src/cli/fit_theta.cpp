#include "cli/fit_theta.hpp"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/atomic_file.hpp"
#include "base/check.hpp"
#include "model/names.hpp"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "tandem theta 1";

int size_of(const ThetaOwner& owner) { return owner.groups.back().first + owner.groups.back().size; }

Json parse(const std::string& path) {
  std::ifstream file(path);
  check(file.good(), path, ": cannot be read; name a theta.json that `tandem fit` wrote");
  Json json = Json::parse(file, nullptr, /*allow_exceptions=*/false);
  const bool ours = json.is_object() && json.contains("format") && json["format"] == kFormat && json.contains("blocks") && json["blocks"].is_object();
  check(ours, path, ": is not a theta file (JSON with \"format\": \"", kFormat, "\"), or was cut off; name one that `tandem fit` wrote");
  return json;
}

void check_text(const Json& json, const char* key, const std::string& expected, const std::string& path) {
  const std::string found = json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "nothing";
  check(found == expected, path, ": is for ", key, " ", found, ", here it is ", expected, "; fit that one");
}

void read_block(const Json& values, const ThetaGroup& group, const std::string& path, std::vector<double>& theta) {
  check(values.is_array() && static_cast<int>(values.size()) == group.size, path, ": block \"", group.name, "\" has ",
        values.is_array() ? values.size() : 0, " numbers, expected ", group.size, "; fit again with this robot and controller");
  for (int i = 0; i < group.size; ++i) {
    const double value = values[i].is_number() ? values[i].get<double>() : NAN;
    check(std::isfinite(value) && value > 0, path, ": block \"", group.name, "\", number ", i, " is ", values[i].dump(), ", expected more than 0");
    theta[group.first + i] = value;
  }
}

}  // namespace

void save_theta(const std::string& path, const ThetaOwner& owner, const std::vector<double>& theta) {
  check(static_cast<int>(theta.size()) == size_of(owner), "theta has ", theta.size(), " values, expected ", size_of(owner));
  Json json = {{"format", kFormat}, {"robot", owner.robot}, {"controller", owner.controller}, {"blocks", Json::object()}};
  for (const ThetaGroup& group : owner.groups)
    json["blocks"][group.name] = std::vector<double>(theta.begin() + group.first, theta.begin() + group.first + group.size);
  const std::string text = json.dump(1) + "\n";
  write_atomically(path, std::as_bytes(std::span(text)));
}

std::vector<double> load_theta(const std::string& path, const ThetaOwner& owner) {
  const Json json = parse(path);
  check_text(json, "robot", owner.robot, path);
  check_text(json, "controller", owner.controller, path);
  std::vector<double> theta(size_of(owner), 1.0);
  std::vector<std::string> names;
  for (const ThetaGroup& group : owner.groups) {
    names.push_back(group.name);
    check(json["blocks"].contains(group.name), path, ": block \"", group.name, "\" is missing; fit again with this robot and controller");
    read_block(json["blocks"][group.name], group, path, theta);
  }
  for (const auto& [name, values] : json["blocks"].items())
    check(std::find(names.begin(), names.end(), name) != names.end(), path, ": there is no block \"", name, "\"; nearest: ", nearest(name, names));
  return theta;
}

}  // namespace tandem
