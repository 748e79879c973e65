// When the next step of the live loop is due, and how well that is kept. Used under the loop's mutex.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <mutex>

namespace tandem::python {

class LiveClock {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit LiveClock(double dt) : dt_(dt) {}

  // Waits, with the lock open, until a step is due. Returns false when the thread shall end. Steps that the machine was too busy for are made up for, as
  // far as they are not more than kLag behind; beyond that the clock starts again from now.
  bool wait(std::unique_lock<std::mutex>& lock) {
    // others have a turn between two steps even if the machine is too slow for them
    changed_.wait_until(lock, now() + kTurn);
    for (;;) {
      if (stopped_) return false;
      if (single_ > 0) return --single_, true;
      if (paused_) {
        changed_.wait(lock);
        due_ = now(), taken_ = 0;
        continue;
      }
      if (now() >= due_) break;
      changed_.wait_until(lock, due_);
    }
    const Time start = now();
    if (start > due_ + kLag) late_ += seconds(start - due_), due_ = start;
    due_ += std::chrono::duration_cast<Time::duration>(std::chrono::duration<double>(dt_ / speed_));
    starts_[taken_++ % kWindow] = start;
    return true;
  }

  void pause(bool paused) { paused_ = paused, single_ = 0, changed_.notify_all(); }
  void speed(double speed) { speed_ = speed, due_ = now(), taken_ = 0, changed_.notify_all(); }
  void single_step() { ++single_, changed_.notify_all(); }
  void stop() { stopped_ = true, changed_.notify_all(); }

  bool paused() const { return paused_; }
  double speed() const { return speed_; }
  // Simulated over wall time of the last kWindow steps since a pause; NaN before there are ten.
  double factor() const {
    const long steps = std::min(taken_, kWindow) - 1;
    if (steps < 10) return std::numeric_limits<double>::quiet_NaN();
    return static_cast<double>(steps) * dt_ / seconds(starts_[(taken_ - 1) % kWindow] - starts_[(taken_ - 1 - steps) % kWindow]);
  }
  double late() const { return late_; }  // [s]

 private:
  static constexpr long kWindow = 200;
  static constexpr std::chrono::milliseconds kLag{100};
  static constexpr std::chrono::microseconds kTurn{50};

  static Time now() { return std::chrono::steady_clock::now(); }
  static double seconds(Time::duration d) { return std::chrono::duration<double>(d).count(); }

  double dt_, speed_ = 1, late_ = 0;
  bool paused_ = true, stopped_ = false;
  int single_ = 0;
  Time due_ = now();
  std::array<Time, kWindow> starts_{};
  long taken_ = 0;  // steps since the last pause
  std::condition_variable changed_;
};

}  // namespace tandem::python
