// Drake, a program, behind the Simulator interface: physics that must hold in any simulator, the same bits however the worlds are shared, and clear refusals.
#include "sim/remote_simulator.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/check.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

std::vector<std::string> drake() { return {"env", "PYTHONPATH=" TANDEM_SOURCE_DIR "/python", TANDEM_PYTHON, "-m", "tandem.drake_simulator"}; }

class RemoteSimulator : public testing::Test {
 protected:
  const Robot robot = load_robot("unitree_go2");
  SimSettings settings;

  void SetUp() override {
    if (std::system(TANDEM_PYTHON " -c 'import pydrake' 2>/dev/null") != 0) GTEST_SKIP() << "the Python package drake is not installed";
  }
  std::unique_ptr<Simulator> make(int nworld, int threads) {
    settings.threads = threads, settings.program = drake();
    return make_remote_simulator(robot, nworld, settings);
  }
  // World w stands w mm above the ground, held by its gains.
  void stand(Simulator& sim) const {
    for (int w = 0; w < sim.nworld(); ++w) {
      std::vector<double> q = robot.stand, v(robot.model.nv, 0.0);
      q[2] += 1e-3 * w;
      sim.set_state(std::span(&w, 1), q, v);
      std::copy(q.end() - robot.model.njnt, q.end(), sim.input.q_des.begin() + static_cast<size_t>(w) * robot.model.njnt);
    }
  }
};

TEST_F(RemoteSimulator, FloorCarriesTheWeightOfAStandingRobot) {
  const auto sim = make(1, 1);
  stand(*sim);
  double impulse = 0;
  for (int step = 0; step < 60; ++step) {
    sim->step();
    if (step >= 40)
      for (size_t f = 0; f < robot.model.foot_name.size(); ++f) impulse += sim->output.foot_force[3 * f + 2] * settings.control_dt;
  }
  const double weight = 9.81 * std::accumulate(robot.model.mass.begin(), robot.model.mass.end(), 0.0);
  EXPECT_NEAR(impulse / 0.2, weight, 0.02 * weight);
}

TEST_F(RemoteSimulator, ResultsDoNotDependOnHowTheWorldsAreShared) {
  const auto one = make(3, 1), two = make(3, 2);
  stand(*one), stand(*two);
  for (Simulator* sim : {one.get(), two.get()}) {
    sim->set_push({2, 0, {30, 0, 0}, 3});
    for (int step = 0; step < 6; ++step) sim->step();
  }
  EXPECT_EQ(one->output.q, two->output.q);
}

TEST_F(RemoteSimulator, AWorldWithASetPointThatIsNotFiniteStandsStillAndDisturbsNoOther) {
  const auto sim = make(2, 1), alone = make(2, 1);
  stand(*sim), stand(*alone);
  sim->input.tau_ff[0] = NAN;
  const std::vector<double> before(sim->output.q.begin(), sim->output.q.begin() + robot.model.nq);
  sim->step(), alone->step();
  EXPECT_EQ(sim->output.fault[0], kFaultSetPoint);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), sim->output.q.begin()));
  EXPECT_TRUE(std::equal(sim->output.q.begin() + robot.model.nq, sim->output.q.end(), alone->output.q.begin() + robot.model.nq));
}

TEST(RemoteSimulatorErrors, AProgramThatCannotStartIsNamed) {
  const Robot robot = load_robot("unitree_go2");
  EXPECT_NE(message_of([&] { make_remote_simulator(robot, 1, {.program = {"/no/such/program"}}); }).find("/no/such/program"), std::string::npos);
}

TEST(RemoteSimulatorErrors, AProgramThatEndsAtOnceIsAnErrorAndNoHang) {
  const Robot robot = load_robot("unitree_go2");
  EXPECT_NE(message_of([&] { make_remote_simulator(robot, 1, {.program = {"true"}}); }).find("has ended"), std::string::npos);
}

// A program that says `greeting` and, unless that is all, answers a step with NaN. It ends by itself when the socket closes.
std::vector<std::string> impostor(const std::string& greeting, const Robot& robot) {
  const size_t njnt = robot.model.njnt, ncon = robot.model.contacts.size(), nfoot = robot.model.foot_name.size();
  const size_t asked = 8 * (1 + 5 * njnt), answered = 5 + robot.model.nq + robot.model.nv + njnt + 3 * ncon + 4 * nfoot;
  const std::string script =
      cat("import array, math, os, socket\ns = socket.socket(fileno=0)\nwhile s.recv(1) != b'\\n':\n    pass\ns.sendall(b'", greeting,
          "\\n')\nif not s.recv(", asked, ", socket.MSG_WAITALL):\n    raise SystemExit\ns.sendall(array.array('d', [math.nan] * ", answered,
          ").tobytes())\n", "s.recv(", asked, ", socket.MSG_WAITALL)\nos.kill(os.getpid(), 9)\n");
  return {TANDEM_PYTHON, "-c", script};
}

TEST(RemoteSimulatorErrors, AnAnswerThatIsNotFiniteIsAFaultAndASignalIsNamed) {
  const Robot robot = load_robot("unitree_go2");
  const auto sim = make_remote_simulator(robot, 1, {.program = impostor(R"({"simulator": "impostor"})", robot)});
  const std::vector<double> before = sim->output.q;
  sim->step();
  EXPECT_EQ(sim->output.fault[0], kFaultState);
  EXPECT_EQ(sim->output.q, before);
  EXPECT_NE(message_of([&] { sim->step(); }).find("was ended by signal 9, Killed"), std::string::npos);
}

TEST(RemoteSimulatorErrors, AGreetingOfAnotherKindIsOneLine) {
  const Robot robot = load_robot("unitree_go2");
  for (const char* greeting : {"3", "[]", R"({"simulator": 3})", R"({"error": 4})"}) {
    const std::string message = message_of([&] { make_remote_simulator(robot, 1, {.program = impostor(greeting, robot)}); });
    EXPECT_NE(message.find(cat("something unexpected: ", nlohmann::json::parse(greeting).dump())), std::string::npos) << message;
  }
}

TEST(RemoteSimulatorErrors, UnevenGroundIsRefused) {
  const Robot robot = load_robot("unitree_go2");
  SimSettings settings;
  settings.terrain = make_terrain({.kind = TerrainKind::kRough}), settings.program = drake();
  EXPECT_NE(message_of([&] { make_remote_simulator(robot, 1, settings); }).find("flat ground"), std::string::npos);
}

}  // namespace
}  // namespace tandem
