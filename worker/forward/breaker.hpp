#pragma once

#include <chrono>

#include "common/base/clock.hpp"

namespace hookfleet::forward {

/// Whether a target is worth a request. Closed: all may go. After `failures` in a row that found it away: open, none may go until a pause
/// has passed. Then half-open: a single request is the probe; it closes the breaker or opens it for a pause twice as long.
/// Pure; one thread.
class Breaker {
 public:
  static constexpr std::chrono::milliseconds kFirstPause{1000};

  struct Options {
    unsigned failures = 10;
    std::chrono::milliseconds pause_max{30'000};  ///< pauses are spread by ± 20 %, and never longer
  };
  enum class State { kClosed, kOpen, kHalfOpen };
  enum class Permit { kSend, kProbe, kNone };
  enum class Change { kNone, kOpened, kClosed };

  explicit Breaker(const Options& options) : options_(options) {}

  State state() const { return state_; }
  /// Asked before a request. What is sent ends with succeeded(), failed() or abandoned(), which are told whether it was the probe.
  Permit ask(base::BootTime now);
  /// The target was there, whatever it said. Of requests that began before it was opened nothing is concluded.
  Change succeeded(bool probe);
  /// The target was away. `random`: 0 … 1.
  Change failed(bool probe, base::BootTime now, double random);
  /// It ended without telling anything: the next may be the probe.
  void abandoned(bool probe, base::BootTime now);

 private:
  void open(base::BootTime now, double random);

  const Options options_;
  State state_ = State::kClosed;
  unsigned failures_ = 0;  // in a row
  std::chrono::milliseconds pause_{};
  base::BootTime until_{};
};

}  // namespace hookfleet::forward
