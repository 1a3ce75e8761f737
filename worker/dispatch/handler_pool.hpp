#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <stop_token>
#include <thread>
#include <vector>

#include "common/base/clock.hpp"
#include "common/base/mutex.hpp"
#include "worker/dispatch/job.hpp"

namespace hookfleet::dispatch {

/// Runs compiled-in handlers on threads of its own. An exception of a handler counts as retry.
/// Threads: start() and take() one thread; `completed` is called on the pool's threads when take() has something after it had nothing.
/// Limits: none of its own; who starts jobs bounds them. The destructor waits for the handlers that run; jobs not begun are dropped.
class HandlerPool {
 public:
  HandlerPool(std::size_t threads, const base::Clock& clock, std::function<void()> completed);
  ~HandlerPool();
  HandlerPool(const HandlerPool&) = delete;
  HandlerPool& operator=(const HandlerPool&) = delete;

  void start(std::vector<Job> jobs) HOOKFLEET_EXCLUDES(mutex_);
  std::vector<Completion> take() HOOKFLEET_EXCLUDES(mutex_);

  struct Overdue {
    Job job;
    std::chrono::nanoseconds running{};
  };
  /// Handlers that have been running for longer than `timeout`: each is told once, and asked to stop.
  std::vector<Overdue> overdue(std::chrono::nanoseconds timeout) HOOKFLEET_EXCLUDES(mutex_);
  /// How many have been running for longer than `timeout`.
  std::size_t running_longer_than(std::chrono::nanoseconds timeout) const HOOKFLEET_EXCLUDES(mutex_);
  /// Asks the handlers of a partition that run to stop.
  void cancel(unsigned partition) HOOKFLEET_EXCLUDES(mutex_);

 private:
  struct Running {
    const Job* job = nullptr;
    base::BootTime since{};
    bool told = false;
    std::stop_source cancel{};  // of the thread's; another one once it was used
  };
  void run(std::size_t thread) HOOKFLEET_EXCLUDES(mutex_);
  bool wake_another() HOOKFLEET_REQUIRES(mutex_);

  // Set at construction
  const base::Clock& clock_;
  const std::function<void()> completed_;

  mutable base::Mutex mutex_;
  base::CondVar work_;
  std::deque<Job> jobs_ HOOKFLEET_GUARDED_BY(mutex_);
  std::vector<Completion> completions_ HOOKFLEET_GUARDED_BY(mutex_);
  std::vector<Running> running_ HOOKFLEET_GUARDED_BY(mutex_);  // by thread
  std::size_t idle_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
  bool waking_ HOOKFLEET_GUARDED_BY(mutex_) = false;  // one thread has been told and hasn't taken a job yet
  bool stopping_ HOOKFLEET_GUARDED_BY(mutex_) = false;

  // Last on purpose: they must end before anything above is destroyed.
  std::vector<std::jthread> threads_;
};

}  // namespace hookfleet::dispatch
