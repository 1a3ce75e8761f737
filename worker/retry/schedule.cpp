#include "worker/retry/schedule.hpp"

#include <algorithm>

namespace hookfleet::retry {
namespace {

using std::chrono::milliseconds;

milliseconds spread(milliseconds pause, double random) {
  return milliseconds(static_cast<std::int64_t>(static_cast<double>(pause.count()) * (0.8 + 0.4 * std::clamp(random, 0.0, 1.0))));
}

}  // namespace

Decision after_failure(const Options& options, const stream::Attempts& attempts, unsigned attempts_max, double random) {
  if (attempts.failed >= attempts_max) return {{}, stream::DeadClass::kFailed};
  milliseconds pause = options.first;
  for (unsigned i = 1; i < attempts.failed && pause < options.max; ++i) pause *= 2;
  return {spread(std::min(pause, options.max), random), std::nullopt};
}

Decision after_unavailable(const Options& options, const stream::Attempts& attempts, std::int64_t born_ms, std::int64_t now_ms,
                           milliseconds at_least, double random) {
  const milliseconds blocked(now_ms - attempts.blocked_since_ms);
  if (milliseconds(now_ms - born_ms) >= options.give_up && blocked >= options.blocked) return {{}, stream::DeadClass::kExpired};
  // As long as it has been away: doubles from try to try without being counted.
  const milliseconds pause = spread(std::clamp(blocked, options.first, std::max(options.first, options.max)), random);
  return {std::max(pause, std::min(at_least, options.max)), std::nullopt};
}

milliseconds remaining(const Options& options, const stream::Attempts& attempts, std::int64_t now_ms) {
  return std::clamp(milliseconds(attempts.due_ms - now_ms), milliseconds(0), options.max + options.max / 5);
}

}  // namespace hookfleet::retry
