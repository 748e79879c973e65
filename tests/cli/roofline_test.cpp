// The roofline's arithmetic on made-up times, and the tables of a result that no GPU has measured.
#include "cli/roofline.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/kkt_baseline.hpp"
#include "cli/options.hpp"
#include "tests/mpc/fixture.hpp"

namespace tandem {
namespace {

const Roof kRoof{60e12, 3e12};

TEST(Roofline, SharesAreOfThePeaksAndTheNearerOneBounds) {
  const RooflinePoint arithmetic = roofline_point(6e9, 1e8, 1e-3, kRoof);
  EXPECT_DOUBLE_EQ(arithmetic.flops, 6e12);
  EXPECT_DOUBLE_EQ(arithmetic.bandwidth, 1e11);
  EXPECT_DOUBLE_EQ(arithmetic.flops_share, 0.1);
  EXPECT_NEAR(arithmetic.bandwidth_share, 1.0 / 30, 1e-12);
  EXPECT_STREQ(arithmetic.bound, "arithmetic");
  EXPECT_STREQ(roofline_point(6e9, 1e9, 1e-3, kRoof).bound, "memory");
}

TEST(Roofline, PeaksAreThoseOfTheDataSheet) {
  CudaDevice h100;
  h100.multiprocessors = 132, h100.clock = 1.98e9, h100.memory_clock = 2.619e9, h100.memory_bus = 5120;
  EXPECT_NEAR(h100.peak_flops(), 66.9e12, 0.1e12);
  EXPECT_NEAR(h100.peak_bandwidth(), 3.35e12, 0.01e12);
}

TEST(Roofline, AStepIsTheSumOfItsStages) {
  const Robot robot = load_robot("unitree_go2");
  const MpcSettings settings = make_mpc_settings(robot);
  const MpcArrays<float> arrays = make_arrays<float>(robot.model, settings, 1);
  const StepWork work = count_work(robot.model, settings);
  const std::vector<StageWork> stages = stage_work(work, count_traffic(arrays.view, plan_device(arrays, settings, 1, {}), 10), 10);
  ASSERT_EQ(stages.size(), 6u);
  double flops = 0, bytes = 0;
  for (const StageWork& s : stages)
    if (s.seconds) flops += s.flops, bytes += s.bytes;
  EXPECT_DOUBLE_EQ(stages.back().flops, flops);
  EXPECT_DOUBLE_EQ(stages.back().bytes, bytes);
  // 100 robots, a microsecond each and stage
  const MpcProfile profile{1e-6, 1e-6, 1e-6, 1e-6, 1e-6};
  const Json rows = describe_stages(stages, profile, 4e-4, 100, kRoof);
  EXPECT_DOUBLE_EQ(rows[3]["ms"].get<double>(), 0.1);
  EXPECT_DOUBLE_EQ(rows[3]["flops"].get<double>(), stages[3].flops * 1e6);
  EXPECT_DOUBLE_EQ(rows[5]["ms"].get<double>(), 0.4);
}

// Every table, with numbers that are missing too: nothing throws, and what was not measured is a dash and a reason.
TEST(Roofline, TablesSayWhatWasNotMeasured) {
  Json more;
  CudaDevice device;
  device.name = "A Card";
  more["device"] = describe(device);
  more["kernels"] = {Json{{"robot", "r"}}};
  more["kernels"][0].update(describe(KernelUse{"solve", 256, 182, 0, 0, 208000, 1, 0.125}));
  more["memory"] = {
      {{"robot", "r"}, {"worlds", 4}, {"bytes", 1 << 20}, {"robot_bytes", 2048}, {"blocks", 1}, {"block_bytes", 0}, {"shared_bytes", 1024}}};
  more["energy"] = {{{"robot", "r"},
                     {"iterations", 10},
                     {"worlds", 4},
                     {"per_second", 51.0},
                     {"watts", nullptr},
                     {"joules_per_solve", nullptr},
                     {"problem", "no driver"}}};
  more["baseline"] = {
      {{"robot", "r"}, {"problem", "no Torch"}},
      {{"robot", "s"},
       {"variables", 7},
       {"results",
        {{{"method", "lu"}, {"dtype", "float32"}, {"iterations", 10}, {"robots", 4}, {"piece", 4}, {"check", nullptr}, {"us", nullptr}}}}}};
  testing::internal::CaptureStdout();
  print_gpu_tables(more);
  const std::string text = testing::internal::GetCapturedStdout();
  for (const char* part : {"A Card: 0 multiprocessors", "12.5", "51", "no driver", "no Torch", "its answer is wrong"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

}  // namespace
}  // namespace tandem
