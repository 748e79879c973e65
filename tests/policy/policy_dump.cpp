// policy_dump FOLDER: writes policies with random weights and what the inference makes of random observations, for test_onnx_export.py.
//   <controller>.safetensors   the policy
//   <controller>.obs.f32       observations  (kSamples, nobs)
//   <controller>.action.f32    actions  (kSamples, naction)
#include <cstdio>
#include <fstream>
#include <string>

#include "tests/policy/policies.hpp"

namespace {

using namespace tandem;
constexpr int kSamples = 64;

void write(const std::string& path, const std::vector<float>& numbers) {
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(numbers.data()), static_cast<std::streamsize>(4 * numbers.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: policy_dump FOLDER\n", stderr);
    return 2;
  }
  const Robot robot = load_robot("mit_humanoid");
  for (const Controller controller : {Controller::kResidual, Controller::kRl}) {
    const Policy policy = random_policy(robot, controller, {256, 256, 256}, 7);
    const size_t nobs = policy.mean.size(), naction = policy.action_joint.size();
    std::mt19937 rng(8);
    std::normal_distribution<float> normal(0, 3);
    std::vector<float> obs(kSamples * nobs), action(kSamples * naction), scratch(scratch_size(policy));
    for (float& x : obs) x = normal(rng);
    for (int i = 0; i < kSamples; ++i) act(policy, &obs[i * nobs], &action[i * naction], scratch.data());
    const std::string path = std::string(argv[1]) + "/" + name(controller);
    save_policy(policy, path + ".safetensors");
    write(path + ".obs.f32", obs);
    write(path + ".action.f32", action);
  }
}
