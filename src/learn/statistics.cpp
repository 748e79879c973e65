#include "learn/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <span>

#include "base/check.hpp"

namespace tandem {
namespace {

double mean(const std::vector<double>& values) {
  return values.empty() ? NAN : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

template <class T>
NamedBytes named(const char* name, const char* type, const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {name, type, {bytes.begin(), bytes.end()}};
}

template <class T>
void restore(const NamedBytes& saved, std::vector<T>& values) {
  values.resize(saved.bytes.size() / sizeof(T));
  std::memcpy(values.data(), saved.bytes.data(), saved.bytes.size());
}

}  // namespace

EpisodeStatistics::EpisodeStatistics(const VectorEnv& env)
    : term_names_(env.term_names),
      termination_names_(env.termination_names),
      measure_names_(env.measure_names),
      term_sum_(static_cast<size_t>(env.nworld) * env.term_names.size(), 0.0),
      length_(env.nworld, 0),
      ended_term_(env.term_names.size(), 0.0),
      ended_by_(env.termination_names.size(), 0),
      measure_sum_(env.measure_names.size(), 0.0) {}

void EpisodeStatistics::add_step(const VectorEnv& env) {
  const size_t nterm = term_names_.size();
  for (int w = 0; w < env.nworld; ++w) {
    double* sum = &term_sum_[w * nterm];
    for (size_t i = 0; i < nterm; ++i) sum[i] += env.terms[w * nterm + i];
    ++length_[w];
    reward_ += env.reward[w];
    for (size_t i = 0; i < measure_sum_.size(); ++i) measure_sum_[i] += env.measures[w * measure_sum_.size() + i];
    ++samples_;
    if (!env.done[w]) continue;
    if (recent_reward_.size() == kRecent) {
      recent_reward_.erase(recent_reward_.begin());
      recent_length_.erase(recent_length_.begin());
    }
    recent_reward_.push_back(std::accumulate(sum, sum + nterm, 0.0));
    recent_length_.push_back(static_cast<double>(length_[w]));
    for (size_t i = 0; i < nterm; ++i) ended_term_[i] += sum[i];
    ++ended_by_[env.termination[w]];
    std::fill_n(sum, nterm, 0.0);
    length_[w] = 0;
  }
}

std::vector<NamedNumber> EpisodeStatistics::take() {
  const double ended = static_cast<double>(std::accumulate(ended_by_.begin(), ended_by_.end(), std::int64_t(0)));
  std::vector<NamedNumber> scalars{{"Train/mean_reward", mean(recent_reward_)},
                                   {"Train/mean_episode_length", mean(recent_length_)},
                                   {"Train/reward_per_step", reward_ / static_cast<double>(samples_)}};
  for (size_t i = 0; i < measure_names_.size(); ++i)
    scalars.emplace_back("Train/" + measure_names_[i], measure_sum_[i] / static_cast<double>(samples_));
  for (size_t i = 0; i < term_names_.size(); ++i) scalars.emplace_back("Episode_Reward/" + term_names_[i], ended_term_[i] / ended);
  for (size_t i = 0; i < termination_names_.size(); ++i)
    scalars.emplace_back("Episode_Termination/" + termination_names_[i], static_cast<double>(ended_by_[i]) / ended);
  std::fill(ended_term_.begin(), ended_term_.end(), 0.0);
  std::fill(ended_by_.begin(), ended_by_.end(), 0);
  std::fill(measure_sum_.begin(), measure_sum_.end(), 0.0);
  reward_ = 0;
  samples_ = 0;
  return scalars;
}

std::vector<NamedBytes> EpisodeStatistics::save() const {
  return {named("term_sum", "F64", term_sum_), named("length", "I64", length_), named("recent_reward", "F64", recent_reward_),
          named("recent_length", "F64", recent_length_)};
}

void EpisodeStatistics::load(const std::vector<NamedBytes>& saved, bool running) {
  check(saved.size() == 4 && saved[0].bytes.size() == term_sum_.size() * sizeof(double) &&
            saved[1].bytes.size() == length_.size() * sizeof(std::int64_t),
        "saved statistics are of another number of worlds or terms; load them where they are the same");
  if (running) restore(saved[0], term_sum_), restore(saved[1], length_);
  restore(saved[2], recent_reward_);
  restore(saved[3], recent_length_);
}

}  // namespace tandem
