// Settings by name: every one is reachable, mistakes are answered with the cure.
#include "cli/settings.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "base/check.hpp"
#include "cli/report.hpp"

namespace tandem {
namespace {

std::string message_of(RunSettings& settings, const std::string& assignment) {
  try {
    apply_override(settings, assignment);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

class Overrides : public testing::Test {
 protected:
  RunSettings settings = load_settings("mit_humanoid");
};

TEST_F(Overrides, SetEveryKindOfField) {
  for (const char* assignment : {"solver.iterations=7", "mpc.friction=0.5", "solver.relaxation=1.5", "solver.warm_start=false", "solver.mode=osqp",
                                 "weights.force=1,2,3", "robot.kp=11", "mpc.dt=0.03,0.05", "mpc.control_dt=0.02"})
    apply_override(settings, assignment);
  EXPECT_EQ(settings.mpc.solver.iterations, 7);
  EXPECT_EQ(settings.mpc.friction, 0.5);
  EXPECT_EQ(settings.mpc.solver.relaxation, 1.5f);
  EXPECT_FALSE(settings.mpc.solver.warm_start);
  EXPECT_EQ(settings.mpc.solver.mode, SolverMode::kOsqp);
  EXPECT_EQ(settings.mpc.weights.force[2], 3);
  EXPECT_EQ(settings.robot.kp, std::vector<double>(settings.robot.model.njnt, 11));
  EXPECT_EQ(settings.mpc.dt, (std::vector<double>{0.03, 0.05}));
  EXPECT_EQ(settings.sim.control_dt, 0.02);
}

TEST_F(Overrides, AnUnknownNameGetsTheNearest) {
  EXPECT_NE(message_of(settings, "solver.iteratons=3").find("nearest: \"solver.iterations\""), std::string::npos);
}

TEST_F(Overrides, RefuseValuesOfTheWrongKindOrNumber) {
  for (const char* wrong :
       {"solver.iterations=ten", "solver.iterations=2.5", "solver.iterations=0", "solver.iterations=", "mpc.friction=nan", "weights.force=1,2",
        "robot.kp=1,2", "solver.warm_start=maybe", "solver.mode=fast", "gait.period=0", "solver.relaxation=2", "mpc.friction", "=3"})
    EXPECT_NE(message_of(settings, wrong), "") << wrong;
}

// A field that is added to the settings must be added to fields() too: these lines stop compiling until they are told of it.
TEST_F(Overrides, ReachEveryFieldOfTheSolver) {
  auto& [mode, iterations, relaxation, rho_scale, warm_start, tolerance, osqp_rho, osqp_sigma, osqp_scaling] = settings.mpc.solver;
  const void* members[] = {&mode, &iterations, &relaxation, &rho_scale, &warm_start, &tolerance, &osqp_rho, &osqp_sigma, &osqp_scaling};
  for (const void* member : members) {
    bool named = false;
    for (const Field& field : fields(settings))
      std::visit(
          [&](auto target) {
            if constexpr (requires { target == member; }) named |= target == member;
          },
          field.target);
    EXPECT_TRUE(named) << "member " << (static_cast<const char*>(member) - reinterpret_cast<const char*>(&settings.mpc.solver))
                       << " bytes into SolverSettings";
  }
}

TEST_F(Overrides, AreInTheReport) {
  apply_override(settings, "solver.osqp_rho=0.1");
  const auto json = to_json(settings);
  EXPECT_EQ(json["robot"], "mit_humanoid");
  EXPECT_EQ(json["solver.osqp_rho"], 0.1);
  EXPECT_EQ(json.size(), fields(settings).size() + 1);
}

TEST(ParseNumbers, WantsAsManyAsAskedFor) {
  EXPECT_EQ(parse_numbers("1,-2.5,3e-1", 3, "x"), (std::vector<double>{1, -2.5, 0.3}));
  for (const char* wrong : {"1,2", "1,2,", "a,b,c", "", "1 2 3", "1,2,inf"}) EXPECT_THROW(parse_numbers(wrong, 3, "x"), Error) << wrong;
}

TEST(Report, IsWholeOrAbsent) {
  const std::string folder = testing::TempDir(), path = folder + "tandem-report.json";
  write_report(path, {"tandem"}, {{"a", 1}}, {{"b", number(NAN)}});
  std::ifstream file(path);
  const Json json = Json::parse(file);
  EXPECT_EQ(json["settings"]["a"], 1);
  EXPECT_TRUE(json["results"]["b"].is_null());
  EXPECT_GE(json["machine"]["cores"], 1);
  std::remove(path.c_str());
  EXPECT_THROW(write_report(folder + "no-such-folder/x.json", {}, {}, {}), Error);
  EXPECT_THROW(write_report("/dev/full", {}, {}, {}), Error);
}

}  // namespace
}  // namespace tandem
