// The policy file: what is saved is loaded again to the last bit, and every kind of bad file is answered by one line that says what to do.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/check.hpp"
#include "tests/policy/policies.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

class PolicyFile : public testing::Test {
 protected:
  PolicyFile() { fs::create_directories(folder); }
  ~PolicyFile() override { fs::remove_all(folder); }

  static std::string content(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  void write(const std::string& bytes) const { std::ofstream(path, std::ios::binary) << bytes; }

  // The file with its header changed.
  template <class Change>
  void change_header(Change change) const {
    save_policy(policy, path);
    const std::string bytes = content(path);
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    Json header = Json::parse(bytes.substr(8, length));
    change(header);
    const std::string text = header.dump();
    length = text.size();
    write(std::string(reinterpret_cast<const char*>(&length), 8) + text + bytes.substr(8 + bytes_of_header(bytes)));
  }
  static std::uint64_t bytes_of_header(const std::string& bytes) {
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    return length;
  }

  void expect_refused(const std::vector<std::string>& mentions) const {
    const std::string message = message_of([&] { load_policy(path); });
    EXPECT_NE(message.find(path), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const std::string& word : mentions) EXPECT_NE(message.find(word), std::string::npos) << "no " << word << " in: " << message;
  }

  const fs::path folder = fs::temp_directory_path() / cat("tandem_policy_", getpid());
  const std::string path = (folder / "policy.safetensors").string();
  const Robot robot = load_robot("mit_humanoid");
  const Policy policy = random_policy(robot, Controller::kResidual, {8, 5}, 3);
};

TEST_F(PolicyFile, IsLoadedAsItWasSaved) {
  for (const Controller controller : {Controller::kResidual, Controller::kRl}) {
    const Policy p = random_policy(robot, controller, {8, 5}, 4);
    save_policy(p, path);
    const Policy got = load_policy(path);
    EXPECT_EQ(got.controller, p.controller);
    EXPECT_EQ(got.robot, p.robot);
    EXPECT_EQ(got.layout.groups, p.layout.groups);
    EXPECT_EQ(got.layout.size, p.layout.size);
    EXPECT_EQ(got.layout.with_value, p.layout.with_value);
    EXPECT_EQ(got.layout.value_scale, p.layout.value_scale);
    EXPECT_EQ(got.layout.nominal, p.layout.nominal);
    EXPECT_EQ(got.layout.gait_offset, p.layout.gait_offset);
    EXPECT_EQ(got.action_joint, p.action_joint);
    EXPECT_EQ(got.control_dt, p.control_dt);
    EXPECT_EQ(got.clip, p.clip);
    EXPECT_EQ(got.provenance, p.provenance);
    const Blending &a = got.blending, &b = p.blending;
    EXPECT_EQ(std::tie(a.blend, a.lambda, a.scale, a.joint, a.kp_a, a.kd_a, a.nominal, a.kp, a.kd),
              std::tie(b.blend, b.lambda, b.scale, b.joint, b.kp_a, b.kd_a, b.nominal, b.kp, b.kd));
    EXPECT_EQ(got.mean, p.mean);
    EXPECT_EQ(got.std, p.std);
    ASSERT_EQ(got.layers.size(), p.layers.size());
    for (size_t l = 0; l < p.layers.size(); ++l) {
      EXPECT_EQ(got.layers[l].weight, p.layers[l].weight);
      EXPECT_EQ(got.layers[l].bias, p.layers[l].bias);
      EXPECT_EQ(got.layers[l].rows, p.layers[l].rows);
    }
    EXPECT_NO_THROW(check_policy(got, robot, path));
  }
}

// Cut anywhere: in the length, in the header, before the numbers, within a tensor, one byte short.
TEST_F(PolicyFile, CutOffAnywhereIsRefused) {
  save_policy(policy, path);
  const std::string bytes = content(path);
  const size_t header = bytes_of_header(bytes);
  for (const size_t length : {size_t(0), size_t(1), size_t(7), size_t(8), size_t(9), 8 + header / 2, 7 + header, 8 + header, 9 + header,
                              (8 + header + bytes.size()) / 2, bytes.size() - 4, bytes.size() - 1}) {
    write(bytes.substr(0, length));
    expect_refused({"cut off", "copy it again"});
  }
}

// Random bytes changed: loaded or refused in one line, never anything else.
TEST_F(PolicyFile, DamagedIsLoadedOrRefused) {
  save_policy(policy, path);
  const std::string bytes = content(path);
  std::mt19937 rng(17);
  int refused = 0;
  for (int copy = 0; copy < 300; ++copy) {
    std::string damaged = bytes;
    const size_t until = copy % 4 ? 8 + bytes_of_header(bytes) : damaged.size();
    for (int n = 0; n < 1 + copy % 3; ++n) damaged[rng() % until] = static_cast<char>(rng());
    write(damaged);
    const std::string message = message_of([&] { load_policy(path); });
    refused += !message.empty();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
  EXPECT_GT(refused, 90);
}

TEST_F(PolicyFile, ThatIsSomethingElseIsRefused) {
  write("this is a text, not a policy, and its first eight bytes are no length");
  expect_refused({"no policy"});
  write(std::string("\2\0\0\0\0\0\0\0{}", 10));
  expect_refused({"not that of a policy"});
  EXPECT_NE(message_of([&] { load_policy("/no/such/policy"); }).find("/no/such/policy"), std::string::npos);
  EXPECT_NE(message_of([&] { load_policy(folder.string()); }), "");
}

struct HeaderMistake {
  const char* name;
  void (*change)(Json& header);
  std::vector<std::string> mentions;
};
const HeaderMistake kHeaderMistakes[] = {
    {"NewerFormat", [](Json& h) { h["__metadata__"]["format_version"] = "2"; }, {"format 2", "up to 1", "update the program"}},
    {"OtherFormat", [](Json& h) { h["__metadata__"]["format"] = "pt"; }, {"\"pt\"", "tandem-policy"}},
    {"NoFormat", [](Json& h) { h["__metadata__"].erase("format"); }, {"lack \"format\""}},
    {"NoKey", [](Json& h) { h["__metadata__"].erase("blend.kp"); }, {"lack \"blend.kp\""}},
    {"UnknownBlend", [](Json& h) { h["__metadata__"]["blend.name"] = "joint_tork"; }, {"joint_tork", "\"joint_torque\""}},
    {"UnknownController", [](Json& h) { h["__metadata__"]["controller"] = "pid"; }, {"pid", "\"rl\""}},
    {"TextForNumber", [](Json& h) { h["__metadata__"]["control_dt"] = "\"fast\""; }, {"control_dt", "no sense"}},
    {"ShortGains", [](Json& h) { h["__metadata__"]["blend.kp_a"] = "[1.0]"; }, {"blend.kp_a", "1 values", "expected 10"}},
    {"JointOutOfRange", [](Json& h) { h["__metadata__"]["blend.joint"] = "[0,1,2,3,4,5,6,7,8,99]"; }, {"blend.joint"}},
    {"OtherGroups", [](Json& h) { h["__metadata__"]["observation.groups"] = "[[\"height\",1]]"; }, {"height 1, this program", "gravity 3"}},
    {"TwoLines", [](Json& h) { h["__metadata__"]["robot"] = "a\nb"; }, {"robot", "no line"}},
    {"NoTensor", [](Json& h) { h.erase("actor.1.bias"); }, {"lacks the tensor \"actor.1.bias\""}},
    {"NoLayers",
     [](Json& h) {
       for (const char* l : {"actor.0.", "actor.1.", "actor.2."}) h.erase(cat(l, "weight")), h.erase(cat(l, "bias"));
     },
     {"no layer"}},
    {"UnknownTensor", [](Json& h) { h["critic.0.bias"] = h["actor.0.bias"]; }, {"does not know", "update the program"}},
    {"HalfPrecision", [](Json& h) { h["actor.0.weight"]["dtype"] = "F16"; }, {"actor.0.weight", "F32"}},
    {"WrongShape", [](Json& h) { h["normaliser.std"]["shape"] = {53}; }, {"normaliser.std", "[53]", "[54]"}},
    {"HugeShape", [](Json& h) { h["actor.0.weight"]["shape"] = {1u << 30, 1u << 30}; }, {"actor.0.weight", "shape"}},
    {"Transposed",
     [](Json& h) {
       h["actor.0.weight"]["shape"] = {54, 8};
       h["actor.0.bias"]["shape"] = {54};
     },
     {"actor.0.bias"}},
    {"NegativeOffset", [](Json& h) { h["actor.0.weight"]["data_offsets"] = {-4, 100}; }, {"actor.0.weight"}},
};
class HeaderMistakes : public PolicyFile, public testing::WithParamInterface<HeaderMistake> {};
INSTANTIATE_TEST_SUITE_P(All, HeaderMistakes, testing::ValuesIn(kHeaderMistakes), [](const auto& info) { return info.param.name; });

TEST_P(HeaderMistakes, AreNamed) {
  change_header(GetParam().change);
  expect_refused(GetParam().mentions);
}

TEST_F(PolicyFile, ThatHoldsNanIsNeitherSavedNorLoaded) {
  save_policy(policy, path);
  std::string bytes = content(path);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(bytes.data() + bytes.size() - 4, &nan, 4);
  write(bytes);
  expect_refused({"actor.2.bias", "not finite", "earlier checkpoint"});

  Policy bad = policy;
  bad.layers[1].weight[3] = nan;
  save_policy(policy, path);
  const std::string before = content(path);
  EXPECT_NE(message_of([&] { save_policy(bad, path); }).find("actor.1.weight"), std::string::npos);
  EXPECT_EQ(content(path), before);
}

TEST_F(PolicyFile, StaysWholeWhenASaveFails) {
  save_policy(policy, path);
  const std::string before = content(path);
  rlimit old_limit{};
  getrlimit(RLIMIT_FSIZE, &old_limit);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{4096, old_limit.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  EXPECT_NE(message_of([&] { save_policy(random_policy(robot, Controller::kResidual, {64, 64}, 5), path); }), "");
  setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(content(path), before);
}

TEST_F(PolicyFile, OfAnotherRobotIsRefused) {
  const std::string message = message_of([&] { check_policy(policy, load_robot("unitree_go2"), path); });
  EXPECT_NE(message.find("\"mit_humanoid\", expected \"unitree_go2\""), std::string::npos) << message;
}

TEST_F(PolicyFile, WithAnotherObservationIsRefused) {
  Policy other = policy;
  std::swap(other.layout.groups[3], other.layout.groups[4]);
  save_policy(other, path);
  for (const std::string& message : {message_of([&] { load_policy(path); }), message_of([&] { check_policy(other, robot, path); })}) {
    EXPECT_NE(message.find("linear_velocity 3, angular_velocity 3"), std::string::npos) << message;
    EXPECT_NE(message.find("train a new one"), std::string::npos) << message;
  }
}

TEST_F(PolicyFile, ForOtherJointsIsRefused) {
  Robot arms = robot;
  arms.action_joint.push_back(arms.action_joint.back() + 1);
  EXPECT_NE(message_of([&] { check_policy(policy, arms, path); }).find("moves the joints"), std::string::npos);
}

// The same names, but arms before legs: action i would move another joint than it was trained on.
TEST_F(PolicyFile, ForJointsInAnotherOrderIsRefused) {
  Robot turned = robot;
  std::rotate(turned.model.joint_name.begin(), turned.model.joint_name.begin() + 10, turned.model.joint_name.end());
  for (int& j : turned.action_joint) j += 8;
  const std::string message = message_of([&] { check_policy(policy, turned, path); });
  EXPECT_NE(message.find("the numbers 0, 1,"), std::string::npos) << message;
  EXPECT_NE(message.find("are 8, 9,"), std::string::npos) << message;
}

}  // namespace
}  // namespace tandem
