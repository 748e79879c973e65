#include "cli/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>

namespace tandem {
namespace {

constexpr double kOnce = 0.2;  // [s] timeout(1) sends its signal to the process and to its group: that is one, not two
volatile std::sig_atomic_t interrupts = 0;
volatile double last = -kOnce;

void on_signal(int) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const double seconds = double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
  if (seconds < last + kOnce) return;
  if (interrupts) ::_exit(130);
  last = seconds;
  interrupts = 1;
}

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

bool interrupted() { return interrupts != 0; }
void forget_interrupt() { interrupts = 0; }

void throw_if_interrupted() {
  if (interrupted()) throw Interrupted{};
}

void Progress::update(double fraction) {
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  const Clock::time_point now = Clock::now();
  const double elapsed = seconds_between(start_, now);
  if (elapsed < 2 || seconds_between(shown_, now) < (terminal ? 0.1 : 10)) return;
  shown_ = now;
  fraction = std::clamp(fraction, 0.0, 1.0);
  const double left = fraction > 0 ? elapsed * (1 - fraction) / fraction : 0;
  if (!terminal) {
    std::fprintf(stderr, "%s: %.0f %%, %.0f s left\n", title_.c_str(), 100 * fraction, left);
    return;
  }
  constexpr int kWidth = 30;
  char bar[kWidth + 1] = {};
  for (int i = 0; i < kWidth; ++i) bar[i] = i < fraction * kWidth ? '#' : '.';
  std::fprintf(stderr, "\r\033[K%s [%s] %3.0f %%, %.0f s left", title_.c_str(), bar, 100 * fraction, left);
  std::fflush(stderr);
  drawn_ = true;
}

Progress::~Progress() {
  if (drawn_) std::fprintf(stderr, "\r\033[K");
}

}  // namespace tandem
