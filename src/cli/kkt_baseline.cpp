#include "cli/kkt_baseline.hpp"

#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "cli/osqp_reference.hpp"
#include "cli/python.hpp"

namespace tandem {
namespace {

std::string joined(const std::vector<int>& values) {
  std::string text;
  for (int value : values) text += (text.empty() ? "" : ",") + std::to_string(value);
  return text;
}

}  // namespace

Json run_kkt_baseline(const std::string& robot, const QpDims& dims, const std::vector<std::vector<float>>& problems, const std::string& device,
                      const std::vector<int>& robots, const std::vector<int>& iterations) {
  const ExportedProblems exported(dims, problems);
  const std::vector<std::string> arguments{exported.folder.path, "--device", device, "--robots", joined(robots), "--iterations", joined(iterations)};
  const ChildResult child = run_python("tandem.kkt_baseline", arguments, kCapture);
  Json out{{"robot", robot}};
  if (child.status == 0) {
    out.update(Json::parse(child.output));
  } else {
    out["problem"] = child.status == 127 ? std::string("there is no Python with the project's packages")
                                         : cat("python -m tandem.kkt_baseline ended with ", child.status);
  }
  return out;
}

}  // namespace tandem
