#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/clock.hpp"
#include "common/web/client.hpp"
#include "worker/handlers/handler.hpp"

namespace hookfleet::forward {

/// How a forward ended, as metrics count it.
enum class Outcome : std::uint8_t {
  kDone,
  kUnavailable,  ///< the target is away, or doesn't let us in: costs no attempt
  kFailed,       ///< it answered with what is tried again, as an attempt
  kRejected,     ///< it will never take this one
  kHeldBack,     ///< nothing was sent: the breaker is open
  kCancelled,    ///< the partition was lost, or the process ends
};
inline constexpr std::size_t kOutcomes = 6;
std::string_view to_text(Outcome outcome);

struct Verdict {
  Outcome outcome;
  handlers::Handled handled;
};

/// What became of a request: 2xx done · 400, 410, 413, 415, 422 rejected · 401, 403, 404, 408, 425, 429, 5xx and no answer unavailable
/// (with the pause that Retry-After asks for) · everything else, redirects too, failed. Pure. The answer's body is in no reason: it may
/// repeat what logs must not show.
Verdict judge(const web::Result& result, base::WallTime now);

/// Retry-After: a pause in seconds, or until an HTTP date; 0 when it has passed. Nothing for what is neither, or more than a day.
std::optional<std::chrono::milliseconds> retry_after(std::string_view value, base::WallTime now);

}  // namespace hookfleet::forward
