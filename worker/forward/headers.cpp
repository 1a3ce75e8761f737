#include "worker/forward/headers.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

#include "common/digest/digest.hpp"
#include "worker/forward/signature.hpp"

namespace hookfleet::forward {
namespace {

constexpr std::size_t kValueMax = 256;

bool is_token(char c) {  // RFC 9110
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr std::string_view kOurNames[] = {"connection",      "content-length",    "expect", "host",
                                          "idempotency-key", "keep-alive",        "te",     "trailer",
                                          "traceparent",     "transfer-encoding", "upgrade"};
constexpr std::string_view kOurPrefixes[] = {"x-hookfleet-", "webhook-"};

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

}  // namespace

std::optional<std::string> check_header(const std::string& header) {
  const std::size_t colon = header.find(':');
  if (colon == std::string::npos || colon == 0) return "is not `Name: value`";
  std::string name = header.substr(0, colon);
  if (!std::all_of(name.begin(), name.end(), is_token)) return "has a name that is none (letters, digits, -)";
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
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
  // version-traceid-parent-flags; a later version may have more behind.
  constexpr std::size_t kSize = 55;
  if (trace.size() < kSize || trace[2] != '-' || trace[35] != '-' || trace[52] != '-') return std::nullopt;
  const std::string_view version = trace.substr(0, 2), id = trace.substr(3, 32), parent = trace.substr(36, 16), flags = trace.substr(53, 2);
  if (!is_hex(version) || !is_hex(id) || !is_hex(parent) || !is_hex(flags)) return std::nullopt;
  if (version == "ff" || is_zero(id) || is_zero(parent)) return std::nullopt;
  if (trace.size() > kSize && (version == "00" || trace[kSize] != '-')) return std::nullopt;
  std::array<char, 17> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx", static_cast<unsigned long long>(span == 0 ? 1 : span));
  return std::string("00-").append(id).append("-").append(hex.data()).append("-").append(flags);
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
