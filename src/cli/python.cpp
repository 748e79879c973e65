#include "cli/python.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/check.hpp"
#include "cli/progress.hpp"
#include "cli/report.hpp"

namespace tandem {
namespace {

constexpr int kNotStarted = 127;  // as shells say it

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

// In the child: its output to `pipe` (-1: where ours goes), then the program. Only calls that may follow a fork.
[[noreturn]] void become(char* const* argv, char* const* environment, int pipe, ChildOutput output, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // whatever ends us ends it
  if (::getppid() != parent) ::_exit(kNotStarted);
  if (pipe >= 0) ::dup2(pipe, STDOUT_FILENO);
  if (output == kCaptureQuiet) ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
  ::execvpe(argv[0], argv, environment);
  ::_exit(kNotStarted);
}

// Reads from `pipe` (-1: nothing) until its end, then waits for that of the child; passes an interruption on to it. Returns its status.
int wait_for(pid_t child, int pipe, std::string& output) {
  constexpr int kPatience = 100;  // [ms] an interruption that comes between two calls is seen this much later
  const int end = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  bool told = false;
  int status = 0;
  char buffer[4096];
  for (;;) {
    pollfd watched{pipe >= 0 ? pipe : end, POLLIN, 0};
    const bool ready = ::poll(&watched, 1, kPatience) > 0;
    if (interrupted() && !told) told = ::kill(child, SIGTERM) == 0;
    if (pipe >= 0 && ready) {
      const ssize_t n = ::read(pipe, buffer, sizeof(buffer));
      if (n > 0) output.append(buffer, static_cast<size_t>(n));
      if (n == 0 || (n < 0 && errno != EINTR)) pipe = -1;
    }
    if (pipe < 0 && ::waitpid(child, &status, WNOHANG) == child) break;
  }
  if (end >= 0) ::close(end);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string python_interpreter() {
  const char* chosen = std::getenv("TANDEM_PYTHON");
  return chosen && *chosen ? chosen : project_root() + "/.venv/bin/python";
}

std::string python_path() { return "PYTHONPATH=" + project_root() + "/python"; }

}  // namespace

ChildResult run_child(const std::vector<std::string>& argv, const std::vector<std::string>& environment, ChildOutput output) {
  int ends[2] = {-1, -1};
  if (output != kInherit) check(::pipe2(ends, O_CLOEXEC) == 0, "cannot make a pipe to ", argv[0]);
  const std::vector<std::string> merged = merged_environment(environment);
  const std::vector<char*> words = pointers(argv), variables = pointers(merged);
  const pid_t parent = ::getpid(), child = ::fork();
  if (child == 0) become(words.data(), variables.data(), ends[1], output, parent);
  if (ends[1] >= 0) ::close(ends[1]);
  ChildResult result{kNotStarted, ""};
  if (child > 0) result.status = wait_for(child, ends[0], result.output);
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
