#include "common/notification/notification.hpp"

#include <utility>

#include "common/digest/digest.hpp"

namespace hookfleet::notification {

nlohmann::json Notification::json() const {
  constexpr bool kThrow = false;
  auto parsed = body ? nlohmann::json::parse(*body, nullptr, kThrow) : nlohmann::json();
  return parsed.is_discarded() ? nlohmann::json() : parsed;
}

std::string Notification::idempotency_key() const {
  return digest::to_hex(digest::as_bytes(identity)).append("-").append(digest::to_hex(digest::as_bytes(body_digest)));
}

Notification make_notification(Accepted accepted, const Envelope& envelope) {
  const auto chat_kind = notification::chat_kind(accepted.chat, envelope.chat_type);
  return {.id = std::move(accepted.id),
          .id_instance = accepted.id_instance,
          .chat = std::move(accepted.chat),
          .chat_kind = chat_kind,
          .type_webhook = accepted.type_webhook,
          .type = find_type_webhook(accepted.type_webhook),
          .type_message = envelope.type_message,
          .id_message = envelope.id_message,
          .status = envelope.status,
          .timestamp = envelope.timestamp,
          .received = accepted.received,
          .trace = std::move(accepted.trace),
          .identity = accepted.identity,
          .body_digest = accepted.body_digest,
          .invalid_at = {},
          .attempt = accepted.attempt,
          .body = std::move(accepted.body)};
}

}  // namespace hookfleet::notification
