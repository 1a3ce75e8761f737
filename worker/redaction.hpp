#pragma once

#include <string>
#include <string_view>

#include "common/stream/news.hpp"
#include "worker/dispatch/arrival.hpp"

namespace hookfleet::worker {

/// Why an attempt ended as it did, for where the notification's own words must not go. Handlers word it, or the envelope, which may quote a
/// key of the body. `reason`: Record::reason.
std::string redacted_reason(const dispatch::Content& content, std::string_view reason);

/// The name of something that nobody has described: of its parts, those that look like a name.
std::string redacted_name(const stream::Kind& kind);

}  // namespace hookfleet::worker
