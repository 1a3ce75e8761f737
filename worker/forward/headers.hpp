#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/notification/notification.hpp"
#include "common/web/client.hpp"

namespace hookfleet::forward {

/// What is wrong with a header from the settings, `Name: value`: "has no colon". Never shows it. Names that requests have from us, or that
/// rule the connection, are refused.
std::optional<std::string> check_header(const std::string& header);

/// A text of the notification as the value of a header: printable ASCII without blanks around, at most 256 characters; every other byte
/// becomes `?`. Whatever a type contains, it is one line.
std::string header_value(std::string_view text);

/// The `traceparent` of a request on behalf of something with this trace (W3C Trace Context, level 1): the same trace and flags, and
/// `span` as the parent. Nothing when `trace` is no traceparent. Pure.
std::optional<std::string> child_traceparent(std::string_view trace, std::uint64_t span);

/// Headers of a request that hands a notification on: its body is the notification's, so all that isn't in there.
/// `Idempotency-Key` is the same at each attempt and after a redrive.
web::Headers headers_of(const notification::Notification& notification, std::uint64_t span);

/// Adds `webhook-id`, `-timestamp` and `-signature` of Standard Webhooks 1.0.0. Its id is the idempotency key.
void sign(web::Headers& headers, const notification::Notification& notification, std::span<const std::string> keys,
          std::int64_t unix_seconds);

}  // namespace hookfleet::forward
