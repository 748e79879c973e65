// The learner's settings: their names, and the part of robots/task.toml that documents them.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "env/settings.hpp"
#include "learn/settings.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

const std::string kFile = TANDEM_SOURCE_DIR "/robots/task.toml";

struct All {
  PpoSettings ppo;
  TrainSettings train;
  TaskSettings task = make_task_settings(load_robot("mit_humanoid"), Controller::kResidual);

  Fields learner() {
    Fields all = fields(ppo);
    for (const Field& field : fields(train)) all.push_back(field);
    return all;
  }
  Fields everything() {
    Fields all = learner();
    for (const Field& field : fields(task)) all.push_back(field);
    return all;
  }
};

// Every field is changed first, so one that the file leaves out or gives another value than the default shows.
TEST(LearnSettings, TheFileHasEveryFieldWithItsDefault) {
  All read, defaults;
  for (const Field& field : read.learner()) {
    if (const auto* p = std::get_if<double*>(&field.target)) **p += 0.125;
    if (const auto* p = std::get_if<int*>(&field.target)) **p += 1;
    if (const auto* p = std::get_if<std::uint64_t*>(&field.target)) **p += 1;
    if (const auto* p = std::get_if<bool*>(&field.target)) **p = !**p;
  }
  read_fields(kFile, read.everything());
  EXPECT_EQ(to_json(read.learner()), to_json(defaults.learner()));
}

// 8 bytes per number; a bool and an int share them where they stand side by side.
TEST(LearnSettings, EveryMemberHasAName) {
  All all;
  size_t bytes = 0;
  for (const Field& field : all.learner())
    bytes += std::holds_alternative<int*>(field.target) ? sizeof(int) : std::holds_alternative<bool*>(field.target) ? 8 : sizeof(double);
  // three ints in a row leave 4 bytes in each of the structures
  EXPECT_EQ(bytes + 4 + 4, sizeof(PpoSettings) + sizeof(TrainSettings));
}

TEST(LearnSettings, ContradictionsAreNamed) {
  const auto refused = [](PpoSettings ppo, TrainSettings train, const std::string& what) {
    const std::string message = message_of([&] { check_settings(ppo, train); });
    EXPECT_NE(message.find(what), std::string::npos) << message << ", expected " << what;
  };
  refused({}, {.worlds = 0}, "train.worlds = 0");
  refused({.steps = 1, .minibatches = 4}, {.worlds = 3}, "3 samples");
  refused({.min_learning_rate = 1e-2, .max_learning_rate = 1e-3}, {}, "ppo.min_learning_rate");
  refused({.width = 255, .symmetric = true}, {}, "ppo.width = 255, expected an even number with ppo.symmetric");
  refused({.sigma = 0.1, .min_sigma = 0.2}, {}, "ppo.sigma");
}

}  // namespace
}  // namespace tandem
