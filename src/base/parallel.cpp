#include "base/parallel.hpp"

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/check.hpp"
#include "base/processors.hpp"

namespace tandem {

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable start, done;
  std::vector<std::thread> threads;
  Function function = nullptr;
  void* context = nullptr;
  int tasks = 0, size = 1;
  unsigned long round = 0;
  int running = 0;
  bool quit = false;

  ~State() {
    {
      std::lock_guard lock(mutex);
      quit = true;
    }
    start.notify_all();
    for (std::thread& thread : threads) thread.join();
  }
  void work(int thread) const {
    const long n = tasks;
    for (long task = n * thread / size; task < n * (thread + 1) / size; ++task) function(context, static_cast<int>(task), thread);
  }
  void loop(int thread) {
    for (unsigned long seen = 0;;) {
      std::unique_lock lock(mutex);
      start.wait(lock, [&] { return quit || round != seen; });
      if (quit) return;
      seen = round;
      lock.unlock();
      work(thread);
      lock.lock();
      if (--running == 0) done.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads) {
  check(threads >= 0, "threads = ", threads, ", expected 0 (one per processor) or more");
  size_ = threads > 0 ? threads : processors();
  state_ = std::make_unique<State>();
  state_->size = size_;
  state_->threads.reserve(size_);
  try {
    for (int t = 1; t < size_; ++t) state_->threads.emplace_back([state = state_.get(), t] { state->loop(t); });
  } catch (const std::system_error& error) {
    throw Error(cat("threads = ", size_, ": only ", state_->threads.size() + 1, " could be started (", error.what(), "); take fewer"));
  }
}

ThreadPool::~ThreadPool() = default;
ThreadPool::ThreadPool(ThreadPool&&) noexcept = default;

void ThreadPool::run_raw(int n, Function function, void* context) {
  State& s = *state_;
  {
    std::lock_guard lock(s.mutex);
    s.function = function, s.context = context, s.tasks = n;
    s.running = size_ - 1;
    ++s.round;
  }
  if (size_ > 1) s.start.notify_all();
  s.work(0);
  std::unique_lock lock(s.mutex);
  s.done.wait(lock, [&] { return s.running == 0; });
}

}  // namespace tandem
