#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "common/base/clock.hpp"
#include "common/base/mutex.hpp"
#include "common/metrics/listener.hpp"

namespace hookfleet::lifecycle {

/// What /livez and /readyz answer. Parts report by name; unready while any part is, with hysteresis for parts that may flap
/// (Redis: unready only after 30 s without it). A part that was never ready has no grace: a process starts unready.
/// Threads: any.
class Health {
 public:
  explicit Health(const base::Clock& clock);

  /// Names a part that must be ready. `grace`: how long a part that was ready may be unready before /readyz says so.
  void require(const std::string& part, std::chrono::milliseconds grace = {}) HOOKFLEET_EXCLUDES(mutex_);
  void ready(const std::string& part) HOOKFLEET_EXCLUDES(mutex_);
  /// `reason`: what is missing, for people.
  void unready(const std::string& part, std::string reason) HOOKFLEET_EXCLUDES(mutex_);
  /// Unready at once and for good: the process is stopping.
  void stopping() HOOKFLEET_EXCLUDES(mutex_);

  /// A loop that must keep turning: /livez fails when `beat` wasn't called for `max_silence`. The first beat arms it.
  void watch(const std::string& loop, std::chrono::milliseconds max_silence) HOOKFLEET_EXCLUDES(mutex_);
  void beat(const std::string& loop) HOOKFLEET_EXCLUDES(mutex_);

  /// Asked each second or so by one thread: the loops that haven't beaten for `limit`, "http, appender"; empty: none. Time counts from look
  /// to look, at most kLookMax for one: a process that was stopped or asleep as a whole has not hung.
  std::string hung(std::chrono::milliseconds limit) HOOKFLEET_EXCLUDES(mutex_);
  static constexpr std::chrono::seconds kLookMax{2};

  metrics::Health livez() const HOOKFLEET_EXCLUDES(mutex_);
  metrics::Health readyz() const HOOKFLEET_EXCLUDES(mutex_);

 private:
  struct Part {
    std::chrono::milliseconds grace{};
    bool was_ready = false;
    bool is_ready = false;
    base::BootTime since{};  ///< when it became unready
    std::string reason;
  };
  struct Loop {
    std::chrono::milliseconds max_silence{};
    bool armed = false;
    base::BootTime last{};
    std::uint64_t beats = 0;
    std::uint64_t seen = 0;             ///< of them at the look before
    std::chrono::nanoseconds silent{};  ///< summed up over looks
  };

  const base::Clock& clock_;
  mutable base::Mutex mutex_;
  std::map<std::string, Part> parts_ HOOKFLEET_GUARDED_BY(mutex_);
  std::map<std::string, Loop> loops_ HOOKFLEET_GUARDED_BY(mutex_);
  bool stopping_ HOOKFLEET_GUARDED_BY(mutex_) = false;
  base::BootTime look_before_ HOOKFLEET_GUARDED_BY(mutex_){};
};

}  // namespace hookfleet::lifecycle
