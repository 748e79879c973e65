#include "cli/curves.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <regex>
#include <string_view>

#include "base/check.hpp"
#include "cli/metrics.hpp"

namespace tandem {
namespace {

constexpr const char* kNeeded[] = {"Perf/robot_steps", "Perf/seconds", "Train/mean_reward"};

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> out;
  for (size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
    end = line.find(',', begin);
    out.push_back(line.substr(begin, end == std::string::npos ? end : end - begin));
  }
  return out;
}

// An empty field is a NaN.
double parse(const std::string& text, const std::string& where) {
  if (text.empty()) return kNaN;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check(error == std::errc{} && end == text.data() + text.size(), where, ": \"", text, "\" is not a number; the file is damaged");
  return value;
}

// y at `at`, linear between the points of a run at which both are known.
double interpolate(const std::vector<double>& x, const std::vector<double>& y, double at) {
  const size_t i = std::lower_bound(x.begin(), x.end(), at) - x.begin();
  if (i == x.size()) return x.back() == at ? y.back() : kNaN;
  if (i == 0) return x[0] == at ? y[0] : kNaN;
  return y[i - 1] + (y[i] - y[i - 1]) * (at - x[i - 1]) / (x[i] - x[i - 1]);
}

// The rows of a run at which both scalars are known.
struct Series {
  std::vector<double> x, y;
};
Series series_of(const RunLog& run, const std::string& x, const std::string& y) {
  Series out;
  if (!run.column.contains(x) || !run.column.contains(y)) return out;
  const std::vector<double>&xs = run.column.at(x), &ys = run.column.at(y);
  for (size_t i = 0; i < xs.size(); ++i)
    if (std::isfinite(xs[i]) && std::isfinite(ys[i]) && (out.x.empty() || xs[i] > out.x.back())) out.x.push_back(xs[i]), out.y.push_back(ys[i]);
  return out;
}

// "joint_torque_seed3" is "joint_torque", "seed3" is "".
std::string without_seed(const std::string& name) {
  static const std::regex seed(R"((^|[-_])s(eed)?[-_]?\d+(_\d+)?$)");
  return std::regex_replace(name, seed, "");
}

// Settings of a run by name, as config.toml has them; none where it is missing.
std::map<std::string, std::string> settings_of(const RunLog& run) {
  std::map<std::string, std::string> settings;
  std::ifstream file(run.folder + "/config.toml");
  std::string table;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('[')) table = line.substr(1, line.find(']') - 1) + ".";
    if (const size_t equals = line.find(" = "); equals != std::string::npos) settings[table + line.substr(0, equals)] = line.substr(equals + 3);
  }
  return settings;
}

void check_pair(const RunLog& one, const RunLog& other) {
  const auto settings = settings_of(one), others = settings_of(other);
  for (const auto& [name, value] : settings) {
    const auto found = others.find(name);
    if (found == others.end() || name == "train.iterations" || name == "train.save_interval") continue;
    const std::string both =
        cat(one.folder, " and ", other.folder, " are taken as seeds of one training, since only time and seed differ in their names");
    if (name == "train.seed")
      check(found->second != value, both, ", but both have seed ", value, "; leave one of them out");
    else
      check(found->second == value, both, ", but ", name, " is ", value, " in the first and ", found->second,
            " in the second; rename one of the folders");
  }
}

}  // namespace

RunLog read_run_log(const std::string& folder) {
  const std::string path = folder + "/progress.csv";
  std::ifstream file(path);
  check(file.good(), path, ": cannot be read; name the folder of a run of ./tandem train, a policy file, or mpc");
  std::string line;
  check(bool(std::getline(file, line)) && line.find(',') != std::string::npos, path, ": has no heading yet; wait for the first iteration to end");
  const std::vector<std::string> names = split(line);
  RunLog run{folder, {}};
  for (int number = 2; std::getline(file, line); ++number) {
    const std::vector<std::string> fields = split(line);
    if (fields.size() < names.size() && file.peek() == std::ifstream::traits_type::eof()) break;  // being written just now
    check(fields.size() == names.size(), path, ":", number, ": has ", fields.size(), " fields, expected ", names.size(), "; the file is damaged");
    for (size_t c = 0; c < names.size(); ++c) run.column[names[c]].push_back(parse(fields[c], cat(path, ":", number)));
  }
  for (const char* name : kNeeded) check(run.column.contains(name), path, ": has no column ", name, "; it is no log of ./tandem train");
  return run;
}

std::string group_of_run(const std::string& folder) {
  std::filesystem::path path = std::filesystem::absolute(folder).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();  // of a trailing slash
  static const std::regex time(R"(^\d{4}-?\d{2}-?\d{2}[-_]\d{2}-?\d{2}-?\d{2}[-_]?)");
  const std::string name = without_seed(std::regex_replace(path.filename().string(), time, ""));
  return path.parent_path().filename().string() + (name.empty() ? "" : "/" + name);
}

std::string group_of_policy(const std::string& file) {
  const std::filesystem::path path = std::filesystem::absolute(file).lexically_normal();
  const std::string stem = path.stem().string();
  if (stem == "policy") return group_of_run(path.parent_path().string());
  if (stem.starts_with("policy_")) return group_of_run(path.parent_path().string()) + " at " + stem.substr(7);
  return without_seed(stem);
}

void check_seeds(const std::vector<RunLog>& runs) {
  for (size_t i = 0; i < runs.size(); ++i)
    for (size_t k = 0; k < i; ++k) check_pair(runs[k], runs[i]);
}

Curve put_together(const std::vector<RunLog>& runs, const std::string& x, const std::string& y, int points) {
  std::vector<Series> all;
  double begin = -std::numeric_limits<double>::infinity(), end = -begin;
  for (const RunLog& run : runs) {
    const Series series = series_of(run, x, y);
    if (series.x.empty()) continue;
    all.push_back(series);
    begin = std::max(begin, series.x.front()), end = std::min(end, series.x.back());
  }
  Curve curve;
  for (int i = 0; i < points && !all.empty() && begin <= end; ++i) {
    const double at = i + 1 == points ? end : begin + (end - begin) * i / (points - 1);
    std::vector<double> values;
    for (const Series& series : all) values.push_back(interpolate(series.x, series.y, at));
    const ConfidenceInterval interval = mean_interval(values);
    curve.x.push_back(at);
    curve.mean.push_back(finite_mean(values));
    curve.low.push_back(interval.low), curve.high.push_back(interval.high);
  }
  return curve;
}

}  // namespace tandem
