#pragma once

#include <array>
#include <chrono>
#include <string>

#include "common/alert/alert.hpp"
#include "common/alert/repeats.hpp"
#include "common/base/clock.hpp"

namespace hookfleet::alert {

/// Tells the operator what goes on with Redis for longer than a restart takes, and again each window until it has ended.
/// Threads: one.
class RedisWatch {
 public:
  /// Shorter than the append deadline: the operator knows when the first sender is refused.
  static constexpr std::chrono::seconds kPatience{15};

  /// `operators` outlives the object.
  RedisWatch(Operator& operators, std::chrono::milliseconds window);

  /// `kind`, one of those about_redis(), goes on (`text` says it for people) or has ended. kRedisFull is told at once.
  void say(Kind kind, bool goes_on, std::string text, base::BootTime now);
  /// At least every few seconds.
  void tick(base::BootTime now);

 private:
  struct Watched {
    Kind kind;
    Lasting lasting;
    bool goes_on = false;
    std::string text = {};
  };
  Operator& operators_;
  std::array<Watched, 3> watched_;
};

}  // namespace hookfleet::alert
