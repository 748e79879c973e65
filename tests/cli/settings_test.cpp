// Settings by name: every one is reachable, mistakes are answered with the cure.
#include "cli/settings.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "cli/report.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

std::string message_of(RunSettings& settings, const std::string& assignment) {
  return tandem::message_of([&] { apply_override(settings, assignment); });
}

class Overrides : public testing::Test {
 protected:
  RunSettings settings = load_settings("mit_humanoid");
};

TEST_F(Overrides, SetEveryKindOfField) {
  for (const char* assignment : {"solver.iterations=7", "mpc.friction=0.5", "solver.relaxation=1.5", "solver.warm_start=false", "solver.mode=osqp",
                                 "weights.force=1,2,3", "robot.kp=11", "mpc.dt=0.03,0.05", "mpc.control_dt=0.02"})
    apply_override(settings, assignment);
  EXPECT_EQ(settings.task.mpc.solver.iterations, 7);
  EXPECT_EQ(settings.task.mpc.friction, 0.5);
  EXPECT_EQ(settings.task.mpc.solver.relaxation, 1.5f);
  EXPECT_FALSE(settings.task.mpc.solver.warm_start);
  EXPECT_EQ(settings.task.mpc.solver.mode, SolverMode::kOsqp);
  EXPECT_EQ(settings.task.mpc.weights.force[2], 3);
  EXPECT_EQ(settings.robot.kp, std::vector<double>(settings.robot.model.njnt, 11));
  EXPECT_EQ(settings.task.mpc.dt, (std::vector<double>{0.03, 0.05}));
  EXPECT_EQ(settings.task.mpc.control_dt, 0.02);
}

TEST_F(Overrides, AnUnknownNameGetsTheNearest) {
  EXPECT_NE(message_of(settings, "solver.iteratons=3").find("nearest: \"solver.iterations\""), std::string::npos);
}

TEST_F(Overrides, RefuseWhatOnlyEpisodesHave) {
  EXPECT_NE(message_of(settings, "env.start_scale=5").find("only the episodes of a training have it; here give --start-scale"), std::string::npos);
  EXPECT_NE(message_of(settings, "env.max_velocity=0.01").find("here give robot.min_base_height"), std::string::npos);
  EXPECT_EQ(message_of(settings, "env.slope_time=0"), "");
}

TEST_F(Overrides, RefuseValuesOfTheWrongKindOrNumber) {
  for (const char* wrong :
       {"solver.iterations=ten", "solver.iterations=2.5", "solver.iterations=0", "solver.iterations=", "mpc.friction=nan", "weights.force=1,2",
        "robot.kp=1,2", "solver.warm_start=maybe", "solver.mode=fast", "gait.period=0", "solver.relaxation=2", "mpc.friction", "=3"})
    EXPECT_NE(message_of(settings, wrong), "") << wrong;
}

// Whether a field of this address has a name.
bool has_name(RunSettings& settings, const void* member) {
  for (const Field& field : fields(settings))
    if (address(field) == member) return true;
  return false;
}

// A member that is added to the settings must get a name in fields(): these two tests stop compiling until they count it too.
TEST_F(Overrides, ReachEveryMemberOfTheSolver) {
  auto& [mode, iterations, relaxation, rho_scale, warm_start, tolerance, osqp_rho, osqp_sigma, osqp_scaling] = settings.task.mpc.solver;
  const void* members[] = {&mode, &iterations, &relaxation, &rho_scale, &warm_start, &tolerance, &osqp_rho, &osqp_sigma, &osqp_scaling};
  for (size_t i = 0; i < std::size(members); ++i) EXPECT_TRUE(has_name(settings, members[i])) << "member " << i << " of SolverSettings";
}

TEST_F(Overrides, ReachEveryMemberOfTheMpc) {
  auto& [nodes, dt, control_dt, gait, weights, nominal, friction, sides, feet, delay, trust, gain, limit, s1, s2, s3, s4, r1, r2, r3, r4, r5, r6,
         solver] = settings.task.mpc;
  const void* members[] = {&nodes, &dt, &control_dt, &nominal, &friction, &sides, &feet, &delay, &trust, &gain, &limit,
                           &s1,    &s2, &s3,         &s4,      &r1,       &r2,    &r3,   &r4,    &r5,    &r6};
  for (size_t i = 0; i < std::size(members); ++i) EXPECT_TRUE(has_name(settings, members[i])) << "member " << i << " of MpcSettings";
  auto& [period, stance, offset, height, takeoff, touchdown] = gait;
  for (const void* member : {(void*)&period, (void*)&stance, (void*)&offset, (void*)&height, (void*)&takeoff, (void*)&touchdown})
    EXPECT_TRUE(has_name(settings, member)) << "a member of GaitSettings";
  auto& [position, orientation, linear, angular, force, joint, rate] = weights;
  for (const void* member : {(void*)&position, (void*)&orientation, (void*)&linear, (void*)&angular, (void*)&force, (void*)&joint, (void*)&rate})
    EXPECT_TRUE(has_name(settings, member)) << "a member of MpcWeights";
}

TEST_F(Overrides, AreInTheReport) {
  apply_override(settings, "solver.osqp_rho=0.1");
  const auto json = to_json(settings);
  EXPECT_EQ(json["robot"], "mit_humanoid");
  EXPECT_EQ(json["solver.osqp_rho"], 0.1);
  EXPECT_EQ(json.size(), fields(settings).size() + 1);
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
