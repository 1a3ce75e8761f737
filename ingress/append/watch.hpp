#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "common/alert/redis_watch.hpp"
#include "common/base/clock.hpp"
#include "common/lifecycle/health.hpp"
#include "common/lifecycle/log_level.hpp"
#include "common/lifecycle/process.hpp"
#include "common/log/logger.hpp"
#include "ingress/append/appender.hpp"

namespace hookfleet::append {

/// What a door's program does about what its appender tells: readiness ("redis"), the loop's beat ("appender"), alerts about Redis, the
/// log level at run time, and the program's end when Redis belongs to a fleet with another layout.
/// Threads: events() are the writer's; exit_code() and other_fleet() any.
class Watch {
 public:
  /// For people: who tells, and what comes of it.
  struct Wording {
    std::string who;         ///< "an ingress"
    std::string not_stored;  ///< while nothing can be stored: "deliveries get 504"
    std::string full;        ///< while Redis' memory is full: "new notifications get 503"
  };
  /// All references outlive the watch. Names the part and the loop to `health`.
  Watch(Wording wording, std::chrono::milliseconds alert_window, alert::Operator& operators, lifecycle::Health& health,
        lifecycle::LogLevel& log_level, lifecycle::Process& process, const base::Clock& clock);

  /// For the appender; valid as long as this.
  Events events();
  /// Redis belongs to a fleet with another layout: says so and tells the process to stop. Any thread.
  void other_fleet(const std::string& why);
  /// Process::kBadSettings when Redis belongs to another fleet, and the process was told to stop; else 0.
  int exit_code() const { return exit_code_; }

 private:
  void state(const State& state);
  void memory(bool closed, std::uint64_t used, std::uint64_t maxmemory);

  const Wording wording_;
  alert::RedisWatch redis_;  // the writer's
  lifecycle::Health& health_;
  lifecycle::LogLevel& log_level_;
  lifecycle::Process& process_;
  const base::Clock& clock_;
  bool was_ready_ = false;
  std::atomic<int> exit_code_ = 0;
};

}  // namespace hookfleet::append
