#include "common/log/rate_limit.hpp"

#include <utility>

namespace hookfleet::log {

std::optional<std::uint64_t> RateLimit::pass(base::BootTime now) {
  base::MutexLock lock(mutex_);
  if (last_ && now - *last_ < window_) {
    ++held_back_;
    return std::nullopt;
  }
  last_ = now;
  return std::exchange(held_back_, 0);
}

}  // namespace hookfleet::log
