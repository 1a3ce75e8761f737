#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <unordered_map>
#include <vector>

#include "common/base/clock.hpp"
#include "worker/dispatch/job.hpp"

namespace hookfleet::dispatch {

/// Starts asynchronous handlers and gathers what becomes of them; holds no thread.
/// Threads: all members one thread. `completed` is called on any thread, also from within start(), when take() has something after it had
/// nothing; not once the runner is gone.
/// Limits: none of its own; who starts jobs bounds them. The destructor cancels what runs and waits for nothing.
class AsyncRunner {
 public:
  /// `clock` outlives the handlers' calls of `done`.
  AsyncRunner(const base::Clock& clock, std::function<void()> completed);
  ~AsyncRunner();
  AsyncRunner(const AsyncRunner&) = delete;
  AsyncRunner& operator=(const AsyncRunner&) = delete;

  void start(Job job);
  std::vector<Completion> take();
  /// Asks what runs of a partition to end.
  void cancel(unsigned partition);

 private:
  struct Box;
  const base::Clock& clock_;
  const std::shared_ptr<Box> box_;                         // shared with the jobs under way
  std::unordered_map<unsigned, std::stop_source> cancel_;  // by partition
};

}  // namespace hookfleet::dispatch
