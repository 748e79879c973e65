#include "cli/report.hpp"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "base/isa.hpp"
#include "base/processors.hpp"
#include "cli/progress.hpp"
#include "cli/python.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

void choose_robots() {
  const char* named = std::getenv("TANDEM_ROBOTS");
  const std::string robots = project_root() + "/robots";
  if ((!named || !*named) && fs::is_directory(robots)) ::setenv("TANDEM_ROBOTS", robots.c_str(), 1);
}

void keep_standard_files() {
  int file = 0;
  while ((file = ::open("/dev/null", O_RDONLY)) >= 0 && file <= STDERR_FILENO) {}  // what is printed there fails
  if (file >= 0) ::close(file);
}

}  // namespace

std::string project_root() {
  const char* root = std::getenv("TANDEM_ROOT");
  return root && *root ? root : TANDEM_SOURCE_DIR;
}

std::string commit() {
  const ChildResult head = run_child({"git", "-C", project_root(), "rev-parse", "HEAD"}, {}, kCaptureQuiet);
  std::string hash = head.output.substr(0, head.output.find('\n'));
  if (head.status != 0 || hash.empty()) return "unknown";
  const ChildResult status = run_child({"git", "-C", project_root(), "status", "--porcelain", "--untracked-files=no"}, {}, kCaptureQuiet);
  return hash + (status.status == 0 && status.output.empty() ? "" : "+dirty");
}

Json machine() {
  utsname name{};
  uname(&name);
  const double memory = double(sysconf(_SC_PHYS_PAGES)) * double(sysconf(_SC_PAGE_SIZE)) / (1 << 30);
  return {{"cpu", processor()},
          {"cores", processors()},
          {"isa", isa_name(detect_isa())},
          {"memory_gib", std::round(10 * memory) / 10},
          {"system", cat(name.sysname, ' ', name.release, ' ', name.machine)}};
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string to_text(const Json& json, int indent) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

void check_report_path(const std::string& path) {
  if (path.empty()) return;
  const fs::path folder = fs::absolute(path).parent_path();
  check(fs::is_directory(folder), "--json ", path, ": there is no folder ", folder.string(), "; make it first");
  check(::access(folder.c_str(), W_OK) == 0, "--json ", path, ": the folder ", folder.string(), " cannot be written to; choose another one");
  check(!fs::is_directory(path), "--json ", path, ": is a folder; name a file in it");
}

void write_report(const std::string& path, const std::vector<std::string>& argv, const Json& settings, const Json& results) {
  if (path.empty()) return;
  Json report;
  report["argv"] = argv;
  report["commit"] = commit();
  report["machine"] = machine();
  report["settings"] = settings;
  report["results"] = results;
  // a pipe or a device is written to as it is; a file is written beside its place and then moved there
  const bool plain = !fs::exists(path) || fs::is_regular_file(path);
  const std::string part = plain ? cat(path, ".part", ::getpid()) : path;
  std::ofstream file(part);
  file << to_text(report) << '\n';
  file.close();
  std::error_code error;
  if (file && plain) fs::rename(part, path, error);
  if (file && !error) return;
  std::error_code ignored;
  if (plain) fs::remove(part, ignored);
  throw Error(cat("cannot write ", path, error ? ": " + error.message() : "", "; give --json a file in a folder that exists, on a disk with space"));
}

void start_program() {
  keep_standard_files();
  choose_robots();
  detect_isa();
  catch_interrupts();
}

void check_printed() {
  std::cout.flush();
  const bool written = std::fflush(stdout) == 0 && !std::ferror(stdout);
  check(written, "what was printed could not be written; is the disk full, or the output closed?");
}

void Table::print() const {
  std::vector<size_t> width;
  for (const auto& row : rows_) {
    width.resize(std::max(width.size(), row.size()));
    for (size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  }
  for (const auto& row : rows_) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string space(width[c] - row[c].size(), ' ');
      line += c == 0 ? row[c] + space : "  " + space + row[c];
    }
    std::printf("%s\n", line.substr(0, line.find_last_not_of(' ') + 1).c_str());
  }
  std::fflush(stdout);
}

std::string fixed(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

}  // namespace tandem
