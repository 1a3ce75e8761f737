#include "worker/redaction.hpp"

#include <algorithm>

#include "common/notification/envelope.hpp"
#include "common/notification/redact.hpp"

namespace hookfleet::worker {

std::string redacted_reason(const dispatch::Content& content, std::string_view reason) {
  if (content.unfit == stream::DeadClass::kInvalid) return content.notification.invalid_at;  // the rest may quote it
  if (content.unfit == stream::DeadClass::kMalformed) {
    const bool quotes = reason.starts_with(notification::to_text(notification::Malformed::kDuplicateKey));
    return std::string(quotes ? reason.substr(0, reason.find(':')) : reason);
  }
  return notification::redact_numbers(reason);
}

std::string redacted_name(const stream::Kind& kind) {
  const std::string_view name = kind.name;
  if (kind.what != stream::Kind::What::kField) return notification::redact_field(stream::to_text(kind.what), name);
  // Its types and the keys of its pointer, each by itself: what a body has for a key may be anything.
  std::string shown;
  for (std::size_t at = 0;;) {
    const std::size_t end = std::min(name.find_first_of("/:", at), name.size());
    const std::string_view part = name.substr(at, end - at);
    shown += part == "*" ? std::string(part) : notification::redact_field("typeMessage", part);
    if (end == name.size()) return shown;
    shown += name[end];
    at = end + 1;
  }
}

}  // namespace hookfleet::worker
