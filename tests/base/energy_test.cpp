#include "base/energy.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace tandem {
namespace {

TEST(EnergyMeter, WithoutTheLibraryThereIsAReasonAndNoNumber) {
  EnergyMeter meter("0000:17:00.0", "libtandem-not-there.so.1");
  EXPECT_EQ(meter.problem(), "libtandem-not-there.so.1 cannot be loaded: there is no NVIDIA driver");
  EXPECT_TRUE(std::isnan(meter.joules()));
}

TEST(EnergyMeter, ALibraryWithoutTheCallsIsNamedTooOld) {
  EnergyMeter meter("0000:17:00.0", "libm.so.6");
  EXPECT_NE(meter.problem().find("the driver is too old"), std::string::npos) << meter.problem();
  EXPECT_TRUE(std::isnan(meter.joules()));
}

TEST(EnergyMeter, CountsJoules) {
  EnergyMeter meter("0000:17:00.0", TANDEM_FAKE_NVML);
  ASSERT_EQ(meter.problem(), "");
  const double before = meter.joules();
  EXPECT_DOUBLE_EQ(meter.joules() - before, 1.0);
}

TEST(EnergyMeter, ADeviceThatIsNotThereIsNamed) {
  EnergyMeter meter("ffff:17:00.0", TANDEM_FAKE_NVML);
  EXPECT_EQ(meter.problem(), "NVML, device ffff:17:00.0: Not Found");
  EXPECT_TRUE(std::isnan(meter.joules()));
}

}  // namespace
}  // namespace tandem
