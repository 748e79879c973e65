#include "learn/run_folder.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <utility>

#include "base/check.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;
const std::string kPrefix = "model_";

std::string timestamp() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%d_%H-%M-%S", &local);
  return text;
}

}  // namespace

RunFolder::RunFolder(const std::string& path) : path_(path), lock_(path, "another training; wait for it to end, or stop it") {}

RunFolder RunFolder::create(const std::string& logs, const std::string& experiment, const std::string& name) {
  check(name.find('/') == std::string::npos, "the name of a run is \"", name, "\", expected one without /");
  const fs::path parent = fs::path(logs) / experiment;
  std::error_code error;
  fs::create_directories(parent, error);
  check(!error, parent.string(), ": cannot be made: ", error.message(), "; choose another folder with --logs");
  const std::string base = timestamp() + (name.empty() ? "" : "_" + name);
  // two runs that start in the same second get folders of their own
  for (int copy = 1;; ++copy) {
    const fs::path path = parent / (copy == 1 ? base : cat(base, "_", copy));
    const bool made = fs::create_directory(path, error);
    check(!error, path.string(), ": cannot be made: ", error.message(), "; choose another folder with --logs");
    if (made) return RunFolder(path.string());
  }
}

RunFolder RunFolder::open(const std::string& path) {
  check(fs::is_directory(path), path, ": there is no such folder; --resume takes the folder of a run, logs/<experiment>/<time>_<name>");
  RunFolder folder(path.ends_with('/') ? path.substr(0, path.size() - 1) : path);
  for (const auto& entry : fs::directory_iterator(folder.path()))  // of a process that was killed while it wrote
    if (entry.path().extension().string().starts_with(".part")) fs::remove(entry.path());
  check(!folder.checkpoints().empty(), path, ": has no checkpoint ", kPrefix, "<iteration>; there is nothing to go on with");
  return folder;
}

std::string RunFolder::checkpoint(std::int64_t iteration) const { return file(cat(kPrefix, iteration)); }

std::vector<std::int64_t> RunFolder::checkpoints() const {
  std::vector<std::int64_t> found;
  for (const auto& entry : fs::directory_iterator(path_)) {
    const std::string name = entry.path().filename().string();
    std::int64_t iteration = 0;
    if (!name.starts_with(kPrefix)) continue;
    const char *first = name.data() + kPrefix.size(), *last = name.data() + name.size();
    if (std::from_chars(first, last, iteration).ptr == last && first != last) found.push_back(iteration);
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

}  // namespace tandem
