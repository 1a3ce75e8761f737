#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hookfleet::forward {

/// The key of a secret `whsec_<base64>`, 24 to 64 bytes (Standard Webhooks 1.0.0); nothing for anything else.
std::optional<std::string> signing_key(std::string_view secret);

/// The header `webhook-signature` of Standard Webhooks 1.0.0: for each key `v1,` and the base64 of the HMAC-SHA256 of
/// `<id>.<timestamp>.<body>`, blanks between. `timestamp`: Unix seconds. Pure.
std::string signature(std::span<const std::string> keys, std::string_view id, std::int64_t timestamp, std::string_view body);

}  // namespace hookfleet::forward
