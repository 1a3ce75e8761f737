#pragma once

#include <chrono>
#include <functional>

#include "common/base/wakeup.hpp"

namespace hookfleet::lifecycle {

/// Takes SIGTERM, SIGINT and SIGHUP off the process. Construct in main() before any thread starts: the mask is inherited.
/// SIGPIPE is ignored. All this stays so after the destructor, so that a second SIGTERM cannot cut the drain short.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Waits for SIGTERM or SIGINT (or request_stop()); calls `on_reload` for each SIGHUP, and `look` each `every` or, when something took
  /// longer, later; both on the calling thread.
  void wait_for_stop(const std::function<void()>& on_reload, std::chrono::milliseconds every = std::chrono::hours(1),
                     const std::function<void()>& look = {});
  /// As if SIGTERM had come. Any thread.
  void request_stop() noexcept;

 private:
  int signal_fd_;
  base::Wakeup stop_;
};

}  // namespace hookfleet::lifecycle
