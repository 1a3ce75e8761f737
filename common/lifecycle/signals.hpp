#pragma once

#include <functional>

namespace hookfleet::lifecycle {

/// Takes SIGTERM, SIGINT and SIGHUP off the process. Construct in main() before any thread starts: the mask is inherited.
/// SIGPIPE is ignored.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Waits for SIGTERM or SIGINT (or request_stop()); calls `on_reload` for each SIGHUP, on the calling thread.
  void wait_for_stop(const std::function<void()>& on_reload);
  /// As if SIGTERM had come. Any thread.
  void request_stop() noexcept;

 private:
  int signal_fd_;
  int stop_fd_;
};

}  // namespace hookfleet::lifecycle
