#include "base/isa.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "base/check.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

std::string message_of(bool has_avx2, bool has_avx512, const char* requested) {
  return tandem::message_of([&] { choose_isa(has_avx2, has_avx512, requested); });
}

TEST(Isa, WidestOfTheProcessorUnlessRequested) {
  EXPECT_EQ(choose_isa(true, true, nullptr), Isa::kAvx512);
  EXPECT_EQ(choose_isa(true, true, ""), Isa::kAvx512);
  EXPECT_EQ(choose_isa(true, false, nullptr), Isa::kAvx2);
  EXPECT_EQ(choose_isa(true, true, "avx2"), Isa::kAvx2);
  EXPECT_EQ(choose_isa(true, true, "avx512"), Isa::kAvx512);
}

TEST(Isa, ImpossibleRequestsNameTheCure) {
  EXPECT_NE(message_of(true, false, "avx512").find("set it to avx2"), std::string::npos);
  EXPECT_NE(message_of(true, true, "sse9").find("expected avx2 or avx512"), std::string::npos);
  EXPECT_NE(message_of(false, false, nullptr).find("no AVX2"), std::string::npos);
}

// oracle: what the kernel says of the processor
TEST(Isa, AgreesWithTheProcessorFlags) {
  if (std::getenv("TANDEM_ISA")) GTEST_SKIP() << "TANDEM_ISA is set";
  std::ifstream file("/proc/cpuinfo");
  const std::set<std::string> words{std::istream_iterator<std::string>(file), {}};
  bool has_avx512 = true;
  for (const char* flag : {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}) has_avx512 = has_avx512 && words.count(flag);
  EXPECT_EQ(detect_isa(), has_avx512 ? Isa::kAvx512 : Isa::kAvx2);
}

}  // namespace
}  // namespace tandem
