#include "worker/forward/headers.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/base/ascii.hpp"
#include "common/digest/digest.hpp"
#include "common/notification/trace.hpp"
#include "worker/forward/signature.hpp"

namespace hookfleet::forward {
namespace {

constexpr std::size_t kValueMax = 256;

bool is_token(char c) {  // RFC 9110
  return base::is_letter_or_digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr std::string_view kOurNames[] = {"connection", "content-length",  "content-type",      "expect",
                                          "host",       "idempotency-key", "keep-alive",        "te",
                                          "trailer",    "traceparent",     "transfer-encoding", "upgrade"};
constexpr std::string_view kOurPrefixes[] = {"x-hookfleet-", "webhook-"};

}  // namespace

std::optional<std::string> check_header(const std::string& header) {
  const std::size_t colon = header.find(':');
  if (colon == std::string::npos || colon == 0) return "is not `Name: value`";
  std::string name = header.substr(0, colon);
  if (!std::all_of(name.begin(), name.end(), is_token)) return "has a name that is none (letters, digits, -)";
  name = base::lower(name);
  const bool ours = std::find(std::begin(kOurNames), std::end(kOurNames), name) != std::end(kOurNames) ||
                    std::any_of(std::begin(kOurPrefixes), std::end(kOurPrefixes), [&](auto prefix) { return name.starts_with(prefix); });
  if (ours) return "has a name (" + name + ") that requests have from us";
  const bool control = std::any_of(header.begin(), header.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (control) return "has a control character";
  return std::nullopt;
}

std::string header_value(std::string_view text) {
  std::string value(text.substr(0, kValueMax));
  std::replace_if(
      value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e; }, '?');
  if (value.starts_with(' ')) value.front() = '?';
  if (value.ends_with(' ')) value.back() = '?';
  return value;
}

std::optional<std::string> child_traceparent(std::string_view trace, std::uint64_t span) {
  if (!notification::is_traceparent(trace)) return std::nullopt;
  constexpr std::size_t kParentAt = 36, kParentSize = 16;
  std::array<char, kParentSize + 1> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx", static_cast<unsigned long long>(span == 0 ? 1 : span));
  return std::string(trace.substr(0, kParentAt)).append(hex.data()).append(trace.substr(kParentAt + kParentSize));
}

web::Headers headers_of(const notification::Notification& notification, std::uint64_t span) {
  web::Headers headers{
      {"Content-Type", "application/json"},
      {"Idempotency-Key", notification.idempotency_key()},
      {"X-Hookfleet-Id", header_value(notification.id)},
      {"X-Hookfleet-Identity", digest::to_hex(digest::as_bytes(notification.identity))},
      {"X-Hookfleet-Type", header_value(notification.type_webhook)},
      {"X-Hookfleet-Instance", std::to_string(notification.id_instance)},
      {"X-Hookfleet-Attempt", std::to_string(notification.attempt)},
  };
  if (!notification.invalid_at.empty()) headers.emplace_back("X-Hookfleet-Invalid", header_value(notification.invalid_at));
  if (auto traceparent = child_traceparent(notification.trace, span)) headers.emplace_back("traceparent", *std::move(traceparent));
  return headers;
}

void sign(web::Headers& headers, const notification::Notification& notification, std::span<const std::string> keys,
          std::int64_t unix_seconds) {
  std::string id = notification.idempotency_key();
  headers.emplace_back("webhook-timestamp", std::to_string(unix_seconds));
  headers.emplace_back("webhook-signature", signature(keys, id, unix_seconds, *notification.body));
  headers.emplace_back("webhook-id", std::move(id));
}

}  // namespace hookfleet::forward
