#include "cli/python.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/check.hpp"
#include "cli/progress.hpp"
#include "cli/report.hpp"

namespace tandem {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// This process's environment with `extra` first; later entries of the same name lose.
std::vector<std::string> merged_environment(const std::vector<std::string>& extra) {
  std::vector<std::string> out = extra;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry, name = text.substr(0, text.find('=') + 1);
    bool replaced = false;
    for (const std::string& e : extra) replaced |= e.starts_with(name);
    if (!replaced) out.push_back(text);
  }
  return out;
}

std::string read_all(int pipe) {
  std::string out;
  char buffer[4096];
  for (;;) {
    const ssize_t n = ::read(pipe, buffer, sizeof(buffer));
    if (n > 0) out.append(buffer, static_cast<size_t>(n));
    if (n == 0 || (n < 0 && errno != EINTR)) return out;
  }
}

std::string python_interpreter() {
  const char* chosen = std::getenv("TANDEM_PYTHON");
  return chosen && *chosen ? chosen : project_root() + "/.venv/bin/python";
}

std::string python_path() { return "PYTHONPATH=" + project_root() + "/python"; }

}  // namespace

ChildResult run_child(const std::vector<std::string>& argv, const std::vector<std::string>& environment, ChildOutput output) {
  int ends[2] = {-1, -1};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (output != kInherit) {
    check(::pipe2(ends, O_CLOEXEC) == 0, "cannot make a pipe to ", argv[0]);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (output == kCaptureQuiet) posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  }
  const std::vector<std::string> merged = merged_environment(environment);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, argv[0].c_str(), &actions, nullptr, pointers(argv).data(), pointers(merged).data());
  posix_spawn_file_actions_destroy(&actions);
  if (ends[1] >= 0) ::close(ends[1]);
  ChildResult result{127, ""};
  if (error == 0) {
    if (output != kInherit) result.output = read_all(ends[0]);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  if (ends[0] >= 0) ::close(ends[0]);
  throw_if_interrupted();
  return result;
}

std::vector<std::string> python_command(const std::string& module) { return {"env", python_path(), python_interpreter(), "-m", module}; }

ChildResult run_python(const std::string& module, const std::vector<std::string>& arguments, ChildOutput output) {
  std::vector<std::string> argv{python_interpreter(), "-m", module};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  std::vector<std::string> environment{python_path()};
  if (!std::getenv("MUJOCO_GL")) environment.push_back("MUJOCO_GL=osmesa");  // pictures without a display
  return run_child(argv, environment, output);
}

void draw_report(const std::string& module, const std::string& report, const std::string& subcommand) {
  std::fflush(stdout);
  const int status = run_python(module, {report}, kInherit).status;
  if (status == 127) std::printf("no plot: there is no Python with the project's packages; ./tandem %s installs it\n", subcommand.c_str());
  if (status != 0 && status != 127) std::printf("no plot: the line above says why\n");
}

}  // namespace tandem
