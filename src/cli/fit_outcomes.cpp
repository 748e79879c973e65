#include "cli/fit_outcomes.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/atomic_file.hpp"
#include "base/check.hpp"
#include "base/rng.hpp"

namespace tandem {
namespace {

constexpr int kResamplings = 10000;

double number_at(const Json& json, const char* key) { return json.at(key).is_null() ? kNaN : json.at(key).get<double>(); }

}  // namespace

OutcomeStore::OutcomeStore(const std::string& path) : path_(path) {
  std::string whole;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("key") || !json.contains("value")) continue;
    found_[json["key"].get<std::string>()] = json["value"];
    whole += line + "\n";
  }
  write_atomically(path, std::as_bytes(std::span(whole)));
}

void OutcomeStore::add(const std::string& key, const Json& value) {
  std::lock_guard lock(mutex_);
  found_[key] = value;
  std::ofstream file(path_, std::ios::app);
  file << Json{{"key", key}, {"value", value}} << '\n';
  check(bool(file.flush()), path_, ": cannot be written; is the disk full?");
}

void work_through(OutcomeStore& store, ThreadPool& pool, const std::vector<Job>& jobs, const std::function<void(double)>& progress) {
  std::vector<const Job*> open;
  std::set<std::string> keys;
  for (const Job& job : jobs)
    if (!store.has(job.key) && keys.insert(job.key).second) open.push_back(&job);
  std::atomic<int> done = 0;
  run_tasks(pool, static_cast<int>(open.size()), [&](int i, int thread) {
    store.add(open[i]->key, open[i]->work(thread));
    ++done;
    if (thread == 0) progress(static_cast<double>(done) / static_cast<double>(open.size()));
  });
}

std::string theta_key(const std::vector<double>& theta) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const std::byte byte : std::as_bytes(std::span(theta))) hash = (hash ^ std::uint64_t(byte)) * 0x100000001b3u;
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

Json to_json(const TrialMeasures& m) {
  return {{"survived", m.survived},
          {"fell", m.fell},
          {"cost", number(m.cost)},
          {"discounted", number(m.discounted)},
          {"velocity_error", number(m.velocity_error)},
          {"turn_error", number(m.turn_error)},
          {"power", number(m.power)},
          {"torque", number(m.torque)}};
}

TrialMeasures measures_from(const Json& json) {
  TrialMeasures m;
  m.survived = number_at(json, "survived"), m.fell = json.at("fell").get<bool>();
  m.cost = number_at(json, "cost"), m.discounted = number_at(json, "discounted");
  m.velocity_error = number_at(json, "velocity_error"), m.turn_error = number_at(json, "turn_error");
  m.power = number_at(json, "power"), m.torque = number_at(json, "torque");
  return m;
}

PairedDifference compare_pairs(const std::vector<double>& first, const std::vector<double>& second, std::uint64_t seed) {
  check(first.size() == second.size(), "pairs: ", first.size(), " and ", second.size(), " values, expected as many");
  std::vector<std::array<double, 2>> pairs;  // difference, logarithm of the ratio
  PairedDifference d{0, 0, 0, 0, kNaN, kNaN, kNaN, kNaN, kNaN};
  for (size_t i = 0; i < first.size(); ++i) {
    if (!std::isfinite(first[i]) || !std::isfinite(second[i])) continue;
    pairs.push_back({second[i] - first[i], first[i] > 0 && second[i] > 0 ? std::log(second[i] / first[i]) : kNaN});
    d.first += first[i], d.second += second[i];
  }
  const double n = static_cast<double>(pairs.size());
  d.pairs = static_cast<int>(pairs.size());
  d.first /= n, d.second /= n, d.difference = d.second - d.first;
  if (pairs.empty()) return d;
  Rng rng{seed, 0, 0};
  std::vector<std::array<double, 2>> means(kResamplings);
  for (auto& mean : means) {
    mean = {0, 0};
    for (size_t i = 0; i < pairs.size(); ++i) {
      const auto& pair = pairs[static_cast<size_t>(rng.uniform() * n)];
      mean[0] += pair[0] / n, mean[1] += pair[1] / n;
    }
  }
  const auto quantile = [&](int which, double share) {
    std::sort(means.begin(), means.end(), [which](const auto& a, const auto& b) { return a[which] < b[which]; });
    return means[static_cast<size_t>(share * (kResamplings - 1))][which];
  };
  d.low = quantile(0, 0.025), d.high = quantile(0, 0.975);
  double logarithm = 0;
  for (const auto& pair : pairs) logarithm += pair[1] / n;
  d.ratio = std::exp(logarithm);
  if (std::isfinite(logarithm)) d.ratio_low = std::exp(quantile(1, 0.025)), d.ratio_high = std::exp(quantile(1, 0.975));
  return d;
}

Json to_json(const PairedDifference& d) {
  return {{"pairs", d.pairs},
          {"first", number(d.first)},
          {"second", number(d.second)},
          {"difference", number(d.difference)},
          {"interval", {number(d.low), number(d.high)}},
          {"ratio", number(d.ratio)},
          {"ratio_interval", {number(d.ratio_low), number(d.ratio_high)}}};
}

}  // namespace tandem
