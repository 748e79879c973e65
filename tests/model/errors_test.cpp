// Every mistake in a description is answered by an Error that names the file, the element, what was expected and the cure.
#include <filesystem>

#include "base/check.hpp"
#include "model/load.hpp"
#include "model/robot.hpp"
#include "tests/model/support.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;

// The smallest robot with every part that can be wrong.
const std::string kMjcf = R"(<mujoco model="tiny">
  <compiler angle="radian" autolimits="true"/>
  <worldbody>
    <body name="base">
      <freejoint/>
      <inertial pos="0 0 0" mass="2" diaginertia="0.01 0.01 0.01"/>
      <body name="shank" pos="0 0 -0.1">
        <joint name="left_knee" axis="0 1 0" range="-1 1"/>
        <inertial pos="0 0 -0.1" mass="1" diaginertia="0.01 0.01 0.01"/>
        <geom name="foot_tip" type="sphere" size="0.02" pos="0 0 -0.2"/>
        <body name="sole" pos="0.01 0 -0.2" euler="0 0.5 0"/>
      </body>
    </body>
  </worldbody>
  <actuator><general name="left_knee" joint="left_knee" biastype="affine" biasprm="0 -9 -1" forcerange="-5 5"/></actuator>
</mujoco>
)";
const std::string kToml = R"(model = "tiny.xml"
[nominal]
base_height = 0.3
[nominal.joints]
"*" = 0.5
[joints.kp]
"*" = 9.0
[joints.kd]
"*" = 1.0
[[foot]]
name = "foot"
body = "shank"
gait_offset = 0.0
points = [{ name = "foot_tip", position = [0.0, 0.0, -0.22] }]
[mpc.weights.joint_position]
"*" = 1.0
)";

struct Mistake {
  const char* name;
  bool in_toml;
  std::string from, to;               // first occurrence of `from` becomes `to`
  std::vector<std::string> mentions;  // what the message must name
};

const Mistake kMistakes[] = {
    {"UnknownKey", true, "base_height = 0.3", "base_height = 0.3\nbase_hight = 0.3", {"robot.toml:4", "base_hight", "\"base_height\""}},
    {"UnknownTable", true, "[nominal]", "[gate]\n[nominal]", {"robot.toml:2", "gate", "\"gait\""}},
    {"MissingTable", true, "[joints.kp]\n\"*\" = 9.0", "", {"robot.toml", "[joints.kp]", "add it"}},
    {"MissingKey", true, "base_height = 0.3", "", {"robot.toml:2", "[nominal]", "base_height"}},
    {"MissingModel", true, "model = \"tiny.xml\"", "", {"robot.toml", "\"model\""}},
    {"NoSuchModelFile", true, "tiny.xml", "tinny.xml", {"robot.toml:1", "tinny.xml", "no such file"}},
    {"ImpossibleFileName", true, "tiny.xml", std::string(5000, 'x'), {"robot.toml:1", "no such file"}},
    {"TextForANumber", true, "base_height = 0.3", "base_height = \"tall\"", {"robot.toml:3", "base_height", "not a number"}},
    {"NotANumber", true, "base_height = 0.3", "base_height = nan", {"robot.toml:3", "base_height", "finite"}},
    {"Infinite", true, "\"*\" = 9.0", "\"*\" = inf", {"robot.toml:7", "finite"}},
    {"NegativeGain", true, "\"*\" = 9.0", "\"*\" = -9.0", {"robot.toml:7", "-9", "at least 0"}},
    {"XmlForToml", true, "model = \"tiny.xml\"", "<robot/>", {"robot.toml: is XML, expected TOML", "new_robot"}},
    {"EmptyModel", false, kMjcf, "", {"tiny.xml: has no XML element"}},
    {"TomlSyntax", true, "base_height = 0.3", "base_height = = 0.3", {"robot.toml:3"}},
    {"PatternWithoutJoint", true, "\"*\" = 9.0", "\"*\" = 9.0\n\"left_kne\" = 3.0", {"robot.toml:8", "left_kne", "\"left_knee\""}},
    {"JointWithoutPattern", true, "[joints.kp]\n\"*\" = 9.0", "[joints.kp]", {"robot.toml:6", "[joints.kp]", "left_knee", "add a line"}},
    {"NominalOutsideRange", true, "\"*\" = 0.5", "\"*\" = 1.5", {"robot.toml:4", "1.5", "left_knee", "-1 .. 1"}},
    {"FootWithoutPoint", true, "points = [{ name = \"foot_tip\", position = [0.0, 0.0, -0.22] }]", "", {"robot.toml:10", "foot", "no contact point"}},
    {"ContactOfTwoNumbers", true, "[0.0, 0.0, -0.22]", "[0.0, -0.22]", {"robot.toml:14", "position", "2 values", "expected 3"}},
    {"FootOnUnknownBody", true, "body = \"shank\"", "body = \"shanck\"", {"robot.toml:10", "shanck", "tiny.xml", "\"shank\""}},
    {"FootWithoutShape", true, "name = \"foot\"", "name = \"paw\"", {"robot.toml:10", "paw_*", "tiny.xml", "\"foot_tip\""}},
    {"MisspelledFoot", true, "[[foot]]", "[[foots]]", {"robot.toml", "foots", "\"foot\""}},
    {"PolicyWithUnknownJoint",
     true,
     "[nominal]",
     "[policy]\njoints = [\"left_kne\"]\n[nominal]",
     {"robot.toml:2", "[policy]", "left_kne", "\"left_knee\""}},
    {"PolicyWithoutJoint", true, "[nominal]", "[policy]\njoints = []\n[nominal]", {"robot.toml:2", "[policy]", "empty"}},
    {"PolicyGainWithoutJoint", true, "[nominal]", "[policy.kp]\n\"hip\" = 3.0\n[nominal]", {"robot.toml:3", "[policy.kp]", "hip", "\"left_knee\""}},
    {"PolicyNegativeGain", true, "[nominal]", "[policy.kd]\n\"*\" = -3.0\n[nominal]", {"robot.toml:3", "-3", "at least 0"}},
    {"PolicyUnknownKey", true, "[nominal]", "[policy]\njoint = [\"*\"]\n[nominal]", {"robot.toml:3", "joint", "\"joints\""}},
    {"TooFewNodes", true, "[mpc.weights.joint_position]", "[mpc]\nnodes = 1\n[mpc.weights.joint_position]", {"robot.toml:16", "nodes", "at least 2"}},
    {"HalfANode",
     true,
     "[mpc.weights.joint_position]",
     "[mpc]\nnodes = 12.5\n[mpc.weights.joint_position]",
     {"robot.toml:16", "nodes", "whole number"}},
    {"TaskThatIsNoTable", true, "[nominal]", "task = 3\n[nominal]", {"robot.toml:2", "\"task\" is not a table"}},
    {"SwappedRange", true, "[nominal]", "[commands]\nvx = [1.0, -1.0]\n[nominal]", {"robot.toml:2", "vx", "lower"}},

    {"BallJoint",
     false,
     "<joint name=\"left_knee\" axis=\"0 1 0\" range=\"-1 1\"/>",
     "<joint name=\"left_knee\" type=\"ball\"/>",
     {"tiny.xml", "left_knee"}},
    {"NoInertial", false, "<inertial pos=\"0 0 -0.1\" mass=\"1\" diaginertia=\"0.01 0.01 0.01\"/>", "", {"tiny.xml", "shank", "<inertial>"}},
    {"NothingToMove",
     false,
     "<inertial pos=\"0 0 -0.1\" mass=\"1\" diaginertia=\"0.01 0.01 0.01\"/>\n        <geom name=\"foot_tip\" type=\"sphere\" size=\"0.02\" pos=\"0 "
     "0 -0.2\"/>",
     "",
     {"tiny.xml", "shank", "<inertial>"}},
    {"NegativeMass", false, "mass=\"1\"", "mass=\"-1\"", {"tiny.xml", "mass"}},
    {"NegativeInertia",
     false,
     "diaginertia=\"0.01 0.01 0.01\"/>\n        <geom",
     "diaginertia=\"0.01 -0.01 0.01\"/>\n        <geom",
     {"tiny.xml", "shank"}},
    {"ImpossibleInertia",
     false,
     "diaginertia=\"0.01 0.01 0.01\"/>\n        <geom",
     "diaginertia=\"0.01 0.01 0.09\"/>\n        <geom",
     {"tiny.xml", "shank", "moments"}},
    {"NanMass", false, "mass=\"1\"", "mass=\"nan\"", {"tiny.xml"}},
    {"NanWhereMujocoTakesIt", false, "size=\"0.02\"", "size=\"0.02\" friction=\"nan 0 0\"", {"tiny.xml", "geom_friction", "nan"}},
    {"HugeMass", false, "mass=\"1\"", "mass=\"1e400\"", {"tiny.xml"}},
    {"WrongSize", false, "pos=\"0 0 -0.1\">", "pos=\"0 0\">", {"tiny.xml", "pos"}},
    {"UnknownAttribute", false, "axis=", "axes=", {"tiny.xml", "axes"}},
    {"NotXml", false, "</worldbody>", "</worldbod>", {"tiny.xml"}},
    {"NotMjcf", false, "<mujoco", "<robots", {"tiny.xml", "<mujoco>"}},
    {"Spring", false, "axis=\"0 1 0\"", "axis=\"0 1 0\" stiffness=\"5\"", {"tiny.xml", "left_knee", "stiffness"}},
    {"NoActuator",
     false,
     "<general name=\"left_knee\" joint=\"left_knee\" biastype=\"affine\" biasprm=\"0 -9 -1\" forcerange=\"-5 5\"/>",
     "",
     {"tiny.xml", "0 actuators", "1 joints"}},
    {"NoTorqueLimit", false, "forcerange=\"-5 5\"", "", {"tiny.xml", "left_knee", "forcerange"}},
    {"Gear", false, "biastype", "gear=\"9\" biastype", {"tiny.xml", "left_knee", "gear"}},
    {"SecondFreeBody",
     false,
     "</worldbody>",
     "<body><freejoint name=\"b\"/><inertial pos=\"0 0 0\" mass=\"1\" diaginertia=\"1 1 1\"/></body></worldbody>",
     {"tiny.xml", "\"b\"", "second"}},
    {"ReversedRange", false, "range=\"-1 1\"", "range=\"1 -1\"", {"tiny.xml", "left_knee", "1 .. -1", "lower end first"}},
    {"ReversedForceRange", false, "\"-5 5\"", "\"5 -5\"", {"tiny.xml", "left_knee", "5 .. -5", "lower end first"}},
    {"CurvedSpring", false, "axis=\"0 1 0\"", "axis=\"0 1 0\" stiffness=\"0 5\"", {"tiny.xml", "left_knee", "spring"}},
    {"GravityCompensation", false, "<body name=\"shank\"", "<body name=\"shank\" gravcomp=\"1\"", {"tiny.xml", "shank", "gravcomp"}},
    {"NoGravity", false, "<worldbody>", "<option><flag gravity=\"disable\"/></option><worldbody>", {"tiny.xml", "gravity", "remove"}},
    {"Drag", false, "<worldbody>", "<option density=\"1.2\"/><worldbody>", {"tiny.xml", "density", "drag"}},
    {"CurvedDamping", false, "forcerange=", "damping=\"1 2\" forcerange=", {"tiny.xml", "left_knee", "not linear"}},
    {"Pair", false, "<actuator>", "<contact><pair geom1=\"foot_tip\" geom2=\"foot_tip\"/></contact><actuator>", {"tiny.xml", "<pair>", "contype"}},
    {"NamelessBody", false, "<body name=\"shank\"", "<body", {"tiny.xml", "body 2", "name"}},
    {"StandOutsideRange",
     false,
     "<actuator>",
     "<keyframe><key name=\"stand\" qpos=\"0 0 0.3 1 0 0 0 1.5\"/></keyframe><actuator>",
     {"tiny.xml", "stand", "left_knee", "1.5", "-1 .. 1"}},
    {"TwoFeetOnABody",
     true,
     "[mpc.weights",
     "[[foot]]\nname = \"heel\"\nbody = \"shank\"\ngait_offset = 0.5\ngeoms = [\"foot_tip\"]\npoints = [{ name = \"heel\", position = [0.0, 0.0, "
     "-0.2] "
     "}]\n[mpc.weights",
     {"robot.toml", "heel", "foot \"foot\"", "one foot"}},
    {"Equality", false, "<actuator>", "<equality><joint joint1=\"left_knee\"/></equality><actuator>", {"tiny.xml", "equality"}},
};

class Mistakes : public testing::TestWithParam<Mistake> {
 protected:
  void SetUp() override {
    folder = fs::temp_directory_path() / cat("tandem_errors_", GetParam().name, "_", getpid());
    fs::create_directories(folder);
  }
  void TearDown() override { fs::remove_all(folder); }
  fs::path folder;
};
INSTANTIATE_TEST_SUITE_P(All, Mistakes, testing::ValuesIn(kMistakes), [](const auto& info) { return info.param.name; });

TEST_P(Mistakes, AreNamed) {
  const Mistake& mistake = GetParam();
  std::string mjcf = kMjcf, toml = kToml;
  std::string& changed = mistake.in_toml ? toml : mjcf;
  const size_t at = changed.find(mistake.from);
  ASSERT_NE(at, std::string::npos) << mistake.from;
  changed.replace(at, mistake.from.size(), mistake.to);
  write_file(folder / "tiny.xml", mjcf);
  write_file(folder / "robot.toml", toml);
  const std::string message = message_of([&] { load_robot(folder); });
  EXPECT_NE(message, "");
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  for (const std::string& word : mistake.mentions) EXPECT_NE(message.find(word), std::string::npos) << "no " << word << " in: " << message;
  RecordProperty("message", message);
}

// The robot without a mistake, its robot.toml changed by replacing `from`.
Robot load_tiny(const std::string& from = "", const std::string& to = "") {
  const fs::path folder = fs::temp_directory_path() / cat("tandem_tiny_", getpid());
  fs::create_directories(folder);
  std::string toml = kToml;
  toml.replace(toml.find(from), from.size(), to);
  write_file(folder / "tiny.xml", kMjcf);
  write_file(folder / "robot.toml", toml);
  const Robot robot = load_robot(folder);
  fs::remove_all(folder);
  return robot;
}

TEST(NoMistake, DefaultsFillWhatIsNotSaid) {
  const Robot robot = load_tiny();
  EXPECT_EQ(robot.gait.period, 0.8);
  EXPECT_EQ(robot.weights.joint_velocity, std::vector<double>{0.02});
  EXPECT_EQ(robot.limits.min_base_height, 0.15);
  EXPECT_EQ(robot.stand, (std::vector<double>{0, 0, 0.3, 1, 0, 0, 0, 0.5}));
  EXPECT_EQ(robot.nodes, 13);
  EXPECT_EQ(robot.action_joint, std::vector<int>{0});
  EXPECT_EQ(robot.action_kp, std::vector<double>{9});
  EXPECT_EQ(robot.action_kd, std::vector<double>{1});
}

TEST(NoMistake, PolicyHasItsOwnGains) {
  const Robot robot = load_tiny("[nominal]", "[policy]\njoints = [\"*\"]\n[policy.kp]\n\"left_*\" = 5\n[mpc]\nnodes = 7\n[nominal]");
  EXPECT_EQ(robot.action_kp, std::vector<double>{5});
  EXPECT_EQ(robot.action_kd, std::vector<double>{1});
  EXPECT_EQ(robot.kp, std::vector<double>{9});
  EXPECT_EQ(robot.nodes, 7);
}

TEST(NoMistake, LaterPatternsWin) {
  EXPECT_EQ(load_tiny("\"*\" = 9.0", "\"left_*\" = 3.0\n\"*\" = 9.0").kp, std::vector<double>{9});
  EXPECT_EQ(load_tiny("\"*\" = 9.0", "\"*\" = 9.0\n\"left_*\" = 3.0").kp, std::vector<double>{3});
}

TEST(NoMistake, ContactPointsOnFixedLinksMoveToTheBodyThatCarriesThem) {
  const ContactPoint contact = load_tiny("body = \"shank\"", "body = \"sole\"").model.contacts[0];
  EXPECT_EQ(contact.body, 1);
  EXPECT_NEAR(contact.p_BC[0], 0.01 - 0.22 * std::sin(0.5), 1e-14);
  EXPECT_NEAR(contact.p_BC[1], 0, 1e-14);
  EXPECT_NEAR(contact.p_BC[2], -0.2 - 0.22 * std::cos(0.5), 1e-14);
}

TEST(UnknownRobot, IsAnsweredWithTheNearest) {
  const std::string message = message_of([] { load_robot("mit_humanoyd"); });
  EXPECT_NE(message.find("\"mit_humanoid\""), std::string::npos) << message;
}

TEST(MissingFile, IsNamed) {
  const std::string message = message_of([] { load_model("/nowhere/robot.urdf"); });
  EXPECT_NE(message.find("/nowhere/robot.urdf"), std::string::npos) << message;
}

}  // namespace
}  // namespace tandem
