// What a long run shows while it lasts, and how Ctrl-C ends it.
#pragma once

#include <chrono>
#include <string>

namespace tandem {

// Thrown after Ctrl-C, from where it is safe to stop.
struct Interrupted {};

// Makes Ctrl-C and a polite kill set a flag instead of ending the process; a second Ctrl-C ends it.
void catch_interrupts();
bool interrupted();
void forget_interrupt();  // for what is still to be done
void throw_if_interrupted();

// A bar on stderr: from the second second on; ten times a second on a terminal, a line every ten seconds elsewhere.
class Progress {
 public:
  explicit Progress(std::string title) : title_(std::move(title)) {}
  ~Progress();  // wipes the bar
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // fraction: of the work that is done, 0 .. 1.
  void update(double fraction);

 private:
  using Clock = std::chrono::steady_clock;
  std::string title_;
  Clock::time_point start_ = Clock::now(), shown_ = start_;
  bool drawn_ = false;
};

}  // namespace tandem
