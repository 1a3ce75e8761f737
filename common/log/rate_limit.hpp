#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "common/base/clock.hpp"
#include "common/base/mutex.hpp"

namespace hookfleet::log {

/// Lets one record through per window and counts the rest, for errors that repeat. Any thread.
///   if (const auto suppressed = limit_.pass(clock_.now())) log_.error("redis.unavailable", "…", {{"suppressed", *suppressed}});
class RateLimit {
 public:
  explicit RateLimit(std::chrono::milliseconds window) : window_(window) {}
  /// How many were held back since the last one let through; nothing when this one is held back too.
  std::optional<std::uint64_t> pass(base::BootTime now) HOOKFLEET_EXCLUDES(mutex_);

 private:
  const std::chrono::milliseconds window_;
  base::Mutex mutex_;
  std::optional<base::BootTime> last_ HOOKFLEET_GUARDED_BY(mutex_);
  std::uint64_t held_back_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
};

}  // namespace hookfleet::log
