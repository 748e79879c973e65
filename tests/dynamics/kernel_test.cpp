// The dynamics kernels over teams, precisions and vector lanes. Built a second time under ThreadSanitizer. Built without fused multiply-adds
// (-ffp-contract=off), which the compiler may place differently in each instantiation of a template: what is left must give the same bits.
#include <gtest/gtest.h>

#include "base/pack.hpp"
#include "tests/dynamics/evaluate.hpp"
#include "tests/dynamics/robots.hpp"
#include "tests/support/thread_team.hpp"

namespace tandem {
namespace {

template <class Real>
std::vector<Real> converted(const std::vector<double>& from) {
  std::vector<Real> to;
  for (const double x : from) to.push_back(Real(static_cast<Scalar<Real>>(x)));
  return to;
}

template <class Real>
StateInput<Real> random_state(const Model& model, int seed) {
  return {converted<Real>(random_configuration(model, 10 + seed)), converted<Real>(random_vector(model.nv, 2, 20 + seed)),
          converted<Real>(random_vector(model.nv, 5, 30 + seed)),
          converted<Real>(random_vector(3 * static_cast<int>(model.contacts.size()), 50, 40 + seed)),
          converted<Real>(random_configuration(model, 50 + seed))};
}

struct Kernels : testing::TestWithParam<RobotCase> {
  Model model = make_model(GetParam());

  template <class Real>
  Outputs<Real> run_serial(int seed) {
    const ModelArrays<Real> arrays = make_arrays<Real>(model);
    Outputs<Real> out(model);
    evaluate(SerialTeam{}, arrays.view, random_state<Real>(model, seed), out);
    return out;
  }
  template <class Real>
  void expect_same_bits_on_four_lanes() {
    const Outputs<Real> serial = run_serial<Real>(0);
    const ModelArrays<Real> arrays = make_arrays<Real>(model);
    const StateInput<Real> in = random_state<Real>(model, 0);
    Outputs<Real> out(model);
    run_team(4, [&](const ThreadTeam& team) { evaluate(team, arrays.view, in, out); });
    const auto expected = serial.fields(), got = out.fields();
    for (size_t f = 0; f < got.size(); ++f) {
      for (size_t e = 0; e < got[f].second->size(); ++e) {
        ASSERT_EQ((*got[f].second)[e], (*expected[f].second)[e]) << got[f].first << "[" << e << "]";
      }
    }
  }
};

TEST_P(Kernels, SameBitsForAnyTeamInDouble) { expect_same_bits_on_four_lanes<double>(); }
TEST_P(Kernels, SameBitsForAnyTeamInFloat) { expect_same_bits_on_four_lanes<float>(); }

// no entry of any output stays unwritten, and single precision is as good as it can be
TEST_P(Kernels, FloatAgreesWithDouble) {
  const Outputs<double> exact = run_serial<double>(1);
  const Outputs<float> single = run_serial<float>(1);
  const auto expected = exact.fields();
  const auto got = single.fields();
  for (size_t f = 0; f < got.size(); ++f) {
    const std::vector<double> values(got[f].second->begin(), got[f].second->end());
    EXPECT_LT(relative_error(values, *expected[f].second), 1e-5) << got[f].first;
  }
}

// eight robots in the lanes of a pack, each to the last bit as if alone
TEST_P(Kernels, PackAgreesWithFloatLaneByLane) {
  using Lanes = Pack<float, 8>;
  const ModelArrays<float> arrays = make_arrays<float>(model);
  StateInput<Lanes> in = random_state<Lanes>(model, 0);
  for (int lane = 0; lane < Lanes::kLanes; ++lane) {
    const StateInput<float> one = random_state<float>(model, lane);
    const auto fill = [&](std::vector<Lanes>& to, const std::vector<float>& from) {
      for (size_t i = 0; i < to.size(); ++i) to[i].set(lane, from[i]);
    };
    fill(in.q, one.q), fill(in.v, one.v), fill(in.a, one.a), fill(in.force, one.force), fill(in.q_other, one.q_other);
  }
  Outputs<Lanes> out(model);
  evaluate(SerialTeam{}, arrays.view, in, out);
  for (int lane = 0; lane < Lanes::kLanes; ++lane) {
    const Outputs<float> one = run_serial<float>(lane);
    const auto expected = one.fields();
    const auto got = out.fields();
    for (size_t f = 0; f < got.size(); ++f) {
      for (size_t e = 0; e < got[f].second->size(); ++e) {
        ASSERT_EQ((*got[f].second)[e][lane], (*expected[f].second)[e]) << got[f].first << "[" << e << "], lane " << lane;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Robots, Kernels, testing::ValuesIn(robot_cases()), case_name);

}  // namespace
}  // namespace tandem
