// Commands of the shell and what became of them.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <string>

namespace tandem {

struct Finished {
  int status;          // exit code, or 128 + signal
  std::string output;  // stdout and stderr
};

inline Finished run_command(const std::string& command) {
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  Finished finished{-1, ""};
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) finished.output.append(buffer, n);
  const int status = ::pclose(pipe);
  finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return finished;
}

}  // namespace tandem
