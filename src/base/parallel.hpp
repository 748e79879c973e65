// ThreadPool: spreads independent tasks over threads that live as long as the pool. No allocation per call; which thread takes a task is fixed.
#pragma once

#include <memory>
#include <type_traits>

namespace tandem {

class ThreadPool {
 public:
  // threads: the caller's included; 0: one per processor (processors.hpp). Throws Error if negative, or if not so many can be started.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(ThreadPool&&) noexcept;

  int size() const { return size_; }

  // Calls body(task, thread) for every task in [0, n) and returns when all are done. Thread t takes the t-th of size() equal ranges of tasks.
  // `body` must not throw.
  template <class Body>
  void run(int n, Body&& body) {
    using Plain = std::remove_reference_t<Body>;
    run_raw(n, [](void* context, int task, int thread) { (*static_cast<Plain*>(context))(task, thread); }, &body);
  }

 private:
  using Function = void (*)(void*, int, int);
  void run_raw(int n, Function function, void* context);

  struct State;
  std::unique_ptr<State> state_;
  int size_;
};

}  // namespace tandem
