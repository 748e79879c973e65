// The loop of controller and simulator: what reaches the motors, when, and that nothing else can change it.
#include "env/control_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/env/support.hpp"

namespace tandem {
namespace {

constexpr int kWorlds = 3;

class ControlLoopTest : public testing::TestWithParam<Controller> {
 protected:
  TaskSettings settings = quick_settings(robot(), GetParam());

  static const Robot& robot() {
    static const Robot loaded = load_robot("mit_humanoid");
    return loaded;
  }
  ControlLoop make(int threads = 1) const { return {robot(), settings, kWorlds, threads}; }
  // Every world standing, its numbers its own.
  static void place(ControlLoop& loop, double delay = 0) {
    const std::vector<double> rest(robot().model.nv, 0.0);
    for (int w = 0; w < loop.nworld(); ++w)
      loop.reset(w, {.q = robot().stand, .v = rest, .phase = 0.1 * w, .delay = delay, .key = {3, static_cast<std::uint32_t>(w), 0}});
  }
  static void step(ControlLoop& loop, int k, double action = 0.3) {
    loop.prepare();
    loop.advance(random_actions(loop.nworld(), loop.naction(), k, action));
  }
};

std::string controller_name(const testing::TestParamInfo<Controller>& info) { return name(info.param); }
INSTANTIATE_TEST_SUITE_P(All, ControlLoopTest, testing::Values(Controller::kMpc, Controller::kResidual, Controller::kRl), controller_name);

TEST_P(ControlLoopTest, OnlyPoliciesEndToEndHaveNoMpcAndNoValue) {
  ControlLoop loop = make();
  EXPECT_EQ(loop.mpc() == nullptr, GetParam() == Controller::kRl);
  EXPECT_EQ(loop.layout().size, GetParam() == Controller::kRl ? 53 : 54);
  EXPECT_EQ(loop.naction(), 10);
}

// The gait's clock runs the same with an MPC and without, where the MPC does not quicken it.
TEST_P(ControlLoopTest, PhaseIsGaitTimeInPeriods) {
  settings.mpc.step_rate = 1;
  ControlLoop loop = make();
  place(loop);
  for (int k = 0; k < 120; ++k) {
    loop.prepare();
    for (int w = 0; w < kWorlds; ++w) {
      const double expected = 0.1 * w + k * 0.01 / robot().gait.period;
      ASSERT_NEAR(std::remainder(loop.phase[w] - expected, 1), 0, 1e-5);
      if (loop.mpc()) {
        ASSERT_EQ(loop.phase[w], loop.mpc()->output.phase[w]);
      }
    }
    loop.advance({});
  }
}

// The observation holds the measured state: height, then gravity, then joints from the nominal pose; and the command last.
TEST_P(ControlLoopTest, ObservesWhatIsMeasured) {
  ControlLoop loop = make();
  place(loop);
  loop.command[5] = 0.7;  // forward, of world 1
  loop.prepare();
  const float* obs = &loop.observation[loop.layout().size];
  const double* q = &loop.measured_q[robot().model.nq];
  EXPECT_FLOAT_EQ(obs[0], static_cast<float>(q[2]));
  EXPECT_FLOAT_EQ(obs[4], static_cast<float>(q[7] - robot().nominal[0]));
  EXPECT_FLOAT_EQ(obs[loop.layout().size - 3], 0.7f);
  EXPECT_NE(loop.measured_q[2], robot().stand[2]);
}

// The residual by the formulas of the blendings, (2) to (5) of docs/training.md; the MPC's part is what it says without a policy.
TEST_P(ControlLoopTest, TorquesSplitIntoTheMpcsAndThePolicys) {
  const size_t njnt = robot().model.njnt, w = 1;
  std::vector<double> mpc(njnt), residual(njnt);
  for (Blend blend : {Blend::kJointTorque, Blend::kJointJoint, Blend::kTorqueTorque}) {
    settings.blend = blend, settings.action_scale = 2;
    ControlLoop loop = make();
    place(loop);
    for (int k = 0; k < 3; ++k) step(loop, k);
    loop.prepare();
    const std::vector<float> actions = random_actions(kWorlds, loop.naction(), 3, 0.3);
    loop.advance(actions);
    split_torques(loop, w, mpc.data(), residual.data());
    const double *q = &loop.measured_q[w * robot().model.nq + 7], *v = &loop.measured_v[w * robot().model.nv + 6];
    const Blending& b = loop.blending();
    std::vector<double> expected(njnt, 0.0);
    for (size_t j = 0; GetParam() == Controller::kRl && j < njnt; ++j) expected[j] = b.kp[j] * (b.nominal[j] - q[j]) - b.kd[j] * v[j];
    for (size_t i = 0; GetParam() != Controller::kMpc && i < b.joint.size(); ++i) {
      const int j = b.joint[i];
      const double a = b.scale * actions[w * loop.naction() + i], pd = b.kp_a[i] * (b.nominal[j] + a - q[j]) - b.kd_a[i] * v[j];
      if (GetParam() == Controller::kRl)
        expected[j] = pd;
      else
        expected[j] = b.lambda * (blend == Blend::kJointTorque ? pd : blend == Blend::kJointJoint ? b.kp[j] * a : a);
    }
    for (size_t j = 0; j < njnt; ++j) {
      EXPECT_NEAR(residual[j], expected[j], 1e-5 * (1 + std::abs(mpc[j]))) << name(blend) << ", joint " << j;
      EXPECT_EQ(mpc[j] == 0, GetParam() == Controller::kRl);
    }
  }
}

TEST_P(ControlLoopTest, WithoutNoiseTheStateIsMeasuredExactly) {
  settings.noise.scale = 0;
  ControlLoop loop = make();
  place(loop);
  for (int k = 0; k < 5; ++k) step(loop, k);
  loop.prepare();
  EXPECT_EQ(loop.measured_q, loop.simulator().output.q);
  EXPECT_EQ(loop.measured_v, loop.simulator().output.v);
}

// The MPC knows no more than the robot: its plan is that of an MPC that is given the measured state.
TEST_P(ControlLoopTest, TheMpcPlansFromWhatIsMeasured) {
  ControlLoop loop = make();
  if (!loop.mpc()) return;
  Mpc own(robot().model, settings.mpc, kWorlds);
  place(loop);
  for (int w = 0; w < kWorlds; ++w) own.reset(w, 0.1 * w);
  for (int k = 0; k < 3; ++k) {
    step(loop, k);
    own.step(loop.measured_q, loop.measured_v, loop.command);
    EXPECT_EQ(own.output.tau_ff, loop.mpc()->output.tau_ff);
  }
}

// All controllers see the same noise: that of a loop of another controller at the same state.
TEST_P(ControlLoopTest, NoiseDoesNotDependOnTheController) {
  ControlLoop loop = make();
  TaskSettings other = settings;
  other.controller = GetParam() == Controller::kRl ? Controller::kMpc : Controller::kRl;
  ControlLoop second(robot(), other, kWorlds, 1);
  place(loop), place(second);
  loop.prepare(), second.prepare();
  EXPECT_EQ(loop.measured_q, second.measured_q);
  EXPECT_EQ(loop.measured_v, second.measured_v);
}

// Set points reach the motors `delay` late, the first ones until then.
TEST_P(ControlLoopTest, DelayHoldsBackSetPointsAndGains) {
  settings.noise.scale = 0;
  settings.randomise.delay[1] = 0.03;
  ControlLoop late = make(), prompt = make();
  place(late, 0.03);
  std::vector<std::vector<double>> asked;  // torque, position, gain of one joint
  for (int k = 0; k < 10; ++k) {
    // the prompt loop computes what is asked for now from the state of the late one
    const std::vector<int> worlds = {0, 1, 2};
    prompt.simulator().set_state(worlds, late.simulator().output.q, late.simulator().output.v);
    if (k == 0) place(prompt);
    late.prepare(), prompt.prepare();
    const std::vector<float> actions = random_actions(kWorlds, late.naction(), k, 0.3);
    late.advance(actions), prompt.advance(actions);
    const size_t i = robot().model.njnt + robot().action_joint[3];
    const SimInput &applied = late.simulator().input, &now = prompt.simulator().input;
    asked.push_back({now.tau_ff[i], now.q_des[i], now.v_des[i], now.kp[i], now.kd[i]});
    const std::vector<double> got = {applied.tau_ff[i], applied.q_des[i], applied.v_des[i], applied.kp[i], applied.kd[i]};
    ASSERT_EQ(got, asked[std::max(0, k - 3)]) << "control step " << k;
  }
}

TEST_P(ControlLoopTest, GainScalesMultiplyTheGainsAlone) {
  ControlLoop plain = make(), scaled = make();
  const size_t njnt = robot().model.njnt;
  std::vector<double> kp_scale(njnt, 1), kd_scale(njnt, 1);
  kp_scale[2] = 1.3, kd_scale[4] = 0.8;
  place(plain), place(scaled);
  scaled.reset(0,
               {.q = robot().stand, .v = std::vector<double>(robot().model.nv, 0.0), .kp_scale = kp_scale, .kd_scale = kd_scale, .key = {3, 0, 0}});
  step(plain, 0), step(scaled, 0);
  const SimInput &a = plain.simulator().input, &b = scaled.simulator().input;
  EXPECT_DOUBLE_EQ(b.kp[2], 1.3 * a.kp[2]);
  EXPECT_DOUBLE_EQ(b.kd[4], 0.8 * a.kd[4]);
  EXPECT_EQ(b.kp[3], a.kp[3]);
  EXPECT_EQ(b.tau_ff, a.tau_ff);
  EXPECT_EQ(b.q_des, a.q_des);
}

TEST_P(ControlLoopTest, OnlyTheMpcAloneIgnoresActions) {
  ControlLoop acting = make(), idle = make();
  place(acting), place(idle);
  acting.prepare(), idle.prepare();
  acting.advance(random_actions(kWorlds, acting.naction(), 0, 0.3));
  idle.advance({});
  EXPECT_EQ(acting.simulator().output.v == idle.simulator().output.v, GetParam() == Controller::kMpc);
}

TEST_P(ControlLoopTest, ThreadsChangeNothing) {
  ControlLoop one = make(1), two = make(2);
  place(one), place(two);
  for (int k = 0; k < 30; ++k) step(one, k), step(two, k);
  EXPECT_EQ(one.simulator().output.q, two.simulator().output.q);
  EXPECT_EQ(one.observation, two.observation);
}

// A world left out stands still; the others do not notice.
TEST_P(ControlLoopTest, AWorldLeftOutStandsStill) {
  ControlLoop all = make(), some = make();
  place(all), place(some);
  const std::vector<unsigned char> active = {1, 0, 1};
  for (int k = 0; k < 10; ++k) {
    step(all, k);
    some.prepare(active);
    some.advance(random_actions(kWorlds, some.naction(), k, 0.3), active);
  }
  const int nq = robot().model.nq;
  EXPECT_EQ(row_of(some.simulator().output.q, 1, nq), robot().stand);
  for (const int w : {0, 2}) EXPECT_EQ(row_of(some.simulator().output.q, w, nq), row_of(all.simulator().output.q, w, nq));
}

TEST_P(ControlLoopTest, GoesOnFromSavedBytesBitForBit) {
  settings.randomise.delay[1] = 0.02;
  ControlLoop whole = make(), resumed = make(2);
  place(whole, 0.02);
  for (int k = 0; k < 15; ++k) step(whole, k);
  resumed.load(whole.save());
  for (int k = 15; k < 30; ++k) step(whole, k), step(resumed, k);
  EXPECT_EQ(whole.simulator().output.q, resumed.simulator().output.q);
  EXPECT_EQ(whole.observation, resumed.observation);
}

TEST_P(ControlLoopTest, RefusesBytesOfAnother) {
  ControlLoop loop = make();
  const ControlLoop other(robot(), settings, kWorlds + 1, 1);
  EXPECT_THROW(loop.load(other.save()), Error);
}

// On a slope of the ground the base is measured above the feet that stand, wherever that is.
TEST_P(ControlLoopTest, HeightIsMeasuredAboveTheGround) {
  settings.noise.scale = 0;
  settings.terrain = {.kind = TerrainKind::kSteps, .amplitude = 0.1, .cell = 0.5, .extent = 40, .seed = 4};
  ControlLoop loop = make();
  std::vector<double> q = robot().stand;
  const std::vector<double> rest(robot().model.nv, 0.0);
  bool uneven = false;
  for (int i = 0; i < 12; ++i) {
    q[0] = 1.0 * i - 6, q[1] = 0.7 * i - 3;
    loop.reset(0, {.q = q, .v = rest});
    loop.prepare();
    const double height = terrain_height(loop.terrain(), q[0], q[1]);
    uneven |= std::abs(height) > 0.05;
    EXPECT_NEAR(loop.measured_q[2], robot().stand[2], 0.21);  // feet on different treads stand up to two steps apart
    EXPECT_NEAR(loop.simulator().output.q[2] - loop.ground[0], loop.measured_q[2], 1e-12);
  }
  EXPECT_TRUE(uneven);
}

TEST_P(ControlLoopTest, RefusesWhatCannotBe) {
  EXPECT_THROW(ControlLoop(robot(), settings, 0, 1), Error);
  ControlLoop loop = make();
  const std::vector<double> rest(robot().model.nv, 0.0);
  EXPECT_THROW(loop.reset(kWorlds, {.q = robot().stand, .v = rest}), Error);
  EXPECT_THROW(loop.reset(0, {.q = rest, .v = rest}), Error);
  EXPECT_THROW(loop.reset(0, {.q = robot().stand, .v = rest, .delay = 0.05}), Error);
  EXPECT_THROW(loop.reset(0, {.q = robot().stand, .v = rest, .phase = std::numeric_limits<double>::quiet_NaN()}), Error);
  EXPECT_THROW(loop.advance(std::vector<float>(3)), Error);
  EXPECT_THROW(loop.prepare(std::vector<unsigned char>(kWorlds + 1)), Error);
}

// How many of three humanoids that are asked for 0.4 m/s stand 5 s later, where set points act `delay` late and noise is `noise` times the usual.
int standing(TaskSettings settings, double delay, double noise) {
  settings.randomise.delay[1] = delay;
  const Robot robot = load_robot("mit_humanoid");
  ControlLoop loop(robot, settings, kWorlds, 1);
  const std::vector<double> rest(robot.model.nv, 0.0);
  for (int w = 0; w < kWorlds; ++w) {
    loop.reset(w, {.q = robot.stand, .v = rest, .phase = 0.1 * w, .delay = delay, .noise_scale = noise});
    loop.command[4 * w + 1] = 0.4;
  }
  std::vector<bool> up(kWorlds, true);
  for (int k = 0; k < 500; ++k) {
    loop.prepare();
    loop.advance({});
    for (int w = 0; w < kWorlds; ++w)
      if (loop.simulator().output.q[w * robot.model.nq + 2] < robot.limits.min_base_height) up[w] = false;
  }
  return static_cast<int>(std::count(up.begin(), up.end(), true));
}

TEST(LateSetPoints, AreNoTroubleForAnMpcThatCountsOnThem) {
  TaskSettings settings = make_task_settings(load_robot("mit_humanoid"), Controller::kMpc);
  EXPECT_EQ(standing(settings, 0.04, 0), 0);
  settings.mpc.delay = 0.04;
  EXPECT_EQ(standing(settings, 0.04, 0), kWorlds);
}

TEST(NoisyPoses, AreNoTroubleForAnMpcThatTrustsThemLittle) {
  TaskSettings settings = make_task_settings(load_robot("mit_humanoid"), Controller::kMpc);
  settings.mpc.pose_trust = 1;
  EXPECT_EQ(standing(settings, 0, 5), 0);
  settings.mpc.pose_trust = 0.1;
  EXPECT_EQ(standing(settings, 0, 5), kWorlds);
}

}  // namespace
}  // namespace tandem
