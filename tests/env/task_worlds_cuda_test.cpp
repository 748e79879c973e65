// The stages of the task on a GPU against those on the processor, around the same physics and the same plans: skipped without a device, and run on an emulated
// one (tests/emulator).
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "base/device.hpp"
#include "tests/env/device_loop.hpp"
#include "tests/support/device_bytes.hpp"

namespace tandem {
namespace {

// The worlds of a loop again on a device: runs every stage that the loop runs, on what the loop's simulator and controller say, and compares all arrays.
class Twin {
 public:
  Twin(DeviceLoop& loop, std::uint64_t seed) : loop_(loop), worlds_(loop.robot, loop.settings, loop.nworld, seed, TaskDevice::kCuda) {
    set_points_ = std::make_unique<DeviceBytes>(loop.set_points.data(), loop.set_points.size() * sizeof(float));
    const SimRows sim{on_device(loop.q),     on_device(loop.v),     on_device(loop.tau),
                      on_device(loop.power), on_device(loop.slip),  on_device(loop.floor),
                      on_device(loop.self),  on_device(loop.fault), static_cast<float*>(set_points_->data)};
    PlanRows plan{};
    if (loop.mpc)
      plan = {on_device(loop.tau_ff), on_device(loop.q_des), on_device(loop.v_des),
              loop.robot.model.njnt,  on_device(loop.value), on_device(loop.phase)};
    worlds_.connect(sim, plan);
    loop.after = [this](TaskStage stage) { follow(stage); };
  }
  void act(const std::vector<float>& action) {
    action_ = std::make_unique<DeviceBytes>(action.data(), action.size() * sizeof(float));
    worlds_.act(static_cast<const float*>(action_->data));
  }
  // Takes what the loop's worlds saved.
  void load(const std::vector<std::byte>& saved) {
    EXPECT_NE(worlds_.save({}), saved);
    worlds_.load(saved);
    EXPECT_EQ(worlds_.save({}), saved);
  }
  double largest = 0;  // difference that was seen

 private:
  struct Copied {
    const void* host;
    size_t bytes;
    std::unique_ptr<DeviceBytes> device;
  };
  template <class T>
  T* on_device(std::vector<T>& host) {
    const size_t bytes = host.size() * sizeof(T);
    copied_.push_back({host.data(), bytes, std::make_unique<DeviceBytes>(host.data(), bytes)});
    return static_cast<T*>(copied_.back().device->data);
  }
  void follow(TaskStage stage) {
    for (const Copied& c : copied_) copy_to_device(c.device->data, c.host, c.bytes);
    worlds_.run(stage);
    const auto &here = loop_.worlds.named_arrays(), &there = worlds_.named_arrays();
    ASSERT_EQ(here.size(), there.size());
    for (size_t i = 0; i < here.size(); ++i) {
      const size_t n = static_cast<size_t>(loop_.nworld) * std::max<size_t>(here[i].width, 1), bytes = n * (here[i].type == ArrayType::kByte ? 1 : 4);
      std::vector<std::byte> found(bytes);
      copy_to_host(found.data(), there[i].data, bytes);
      if (here[i].type == ArrayType::kFloat)
        compare(here[i].name, static_cast<const float*>(here[i].data), reinterpret_cast<const float*>(found.data()), n);
      else
        ASSERT_EQ(std::memcmp(found.data(), here[i].data, bytes), 0) << here[i].name << " after stage " << static_cast<int>(stage);
    }
    if (stage == TaskStage::kCommand) {
      std::vector<float> set_points(loop_.set_points.size());
      copy_to_host(set_points.data(), set_points_->data, set_points.size() * sizeof(float));
      compare("set points", loop_.set_points.data(), set_points.data(), set_points.size());
    }
  }
  void compare(const std::string& name, const float* expected, const float* found, size_t n) {
    for (size_t i = 0; i < n; ++i) {
      if (std::isnan(expected[i]) && std::isnan(found[i])) continue;
      const double difference = std::abs(double(found[i]) - expected[i]) / (1 + std::abs(expected[i]));
      largest = std::max(largest, difference);
      ASSERT_LE(difference, 2e-5) << name << ", number " << i << ": " << found[i] << ", expected " << expected[i];
    }
  }

  DeviceLoop& loop_;
  TaskWorlds worlds_;
  std::vector<Copied> copied_;
  std::unique_ptr<DeviceBytes> set_points_, action_;
};

struct Case {
  const char* robot;
  Controller controller;
  TerrainKind terrain;
};
class TaskOnCuda : public testing::TestWithParam<Case> {
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << (built_with_cuda() ? "no CUDA device" : "built without CUDA");
  }
};

TEST_P(TaskOnCuda, DoesWhatTheProcessorDoes) {
  const Robot robot = load_robot(GetParam().robot);
  TaskSettings settings = busy_settings(robot, GetParam().controller);
  settings.terrain.kind = GetParam().terrain;
  settings.terrain.extent = 10;
  const int nworld = 133;  // of blocks of 128 threads two
  DeviceLoop loop(robot, settings, nworld, 7);
  Twin twin(loop, 7);
  loop.reset();
  for (int step = 0; step < 12 && !HasFatalFailure(); ++step) {
    const std::vector<float> action = random_actions(nworld, static_cast<int>(robot.action_joint.size()), step, 0.2);
    twin.act(action);
    loop.step(action);
  }
  RecordProperty("largest difference", std::to_string(twin.largest));
}
TEST_P(TaskOnCuda, GoesOnFromWhatTheProcessorSaved) {
  const Robot robot = load_robot(GetParam().robot);
  TaskSettings settings = busy_settings(robot, GetParam().controller);
  settings.terrain.extent = 10;
  DeviceLoop loop(robot, settings, 3, 7);
  const auto advance = [&](Twin* twin, int from, int to) {
    for (int step = from; step < to && !HasFatalFailure(); ++step) {
      const std::vector<float> action = random_actions(3, static_cast<int>(robot.action_joint.size()), step, 0.2);
      if (twin) twin->act(action);
      loop.step(action);
    }
  };
  loop.reset();
  advance(nullptr, 0, 5);
  Twin twin(loop, 8);
  twin.load(loop.worlds.save({}));
  advance(&twin, 5, 10);
}

INSTANTIATE_TEST_SUITE_P(Tasks, TaskOnCuda,
                         testing::Values(Case{"mit_humanoid", Controller::kResidual, TerrainKind::kFlat},
                                         Case{"mit_humanoid", Controller::kRl, TerrainKind::kRough},
                                         Case{"unitree_g1", Controller::kResidual, TerrainKind::kSteps},
                                         Case{"unitree_go2", Controller::kMpc, TerrainKind::kSlope}),
                         [](const auto& info) { return info.param.robot + std::to_string(info.index); });

}  // namespace
}  // namespace tandem
