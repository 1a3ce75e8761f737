#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "common/base/clock.hpp"
#include "common/notification/envelope.hpp"
#include "common/notification/identity.hpp"
#include "common/notification/types.hpp"

namespace hookfleet::notification {

/// One notification as handlers see it. A value: copies share nothing that changes.
struct Notification {
  std::string id;  ///< ours, the same in every log record and dead letter
  std::uint64_t id_instance = 0;
  std::string chat;                   ///< chatId without a device; empty if none
  std::optional<ChatKind> chat_kind;  ///< nothing: no chat
  std::string type_webhook;
  std::optional<TypeWebhook> type;        ///< nothing: unknown type
  std::string type_message;               ///< empty if none
  std::string id_message;                 ///< empty if none
  std::string status;                     ///< of outgoingMessageStatus and calls; empty if none
  std::optional<std::int64_t> timestamp;  ///< event time, Unix seconds
  base::WallTime received{};              ///< when the first byte reached us
  std::string trace;                      ///< traceparent or request id
  Identity identity{};
  BodyDigest body_digest{};
  std::string invalid_at;  ///< JSON pointer of what is wrong with it first, printable ASCII; empty: it is valid, or unchecked
  unsigned attempt = 1;    ///< 1 for the first
  std::shared_ptr<const std::string> body;  ///< bytes as received; shared since fan-out actions run side by side

  /// The body as a DOM: parsed at each call, at most kDepthMax deep and kKeysMax keys (the envelope made sure); null if it is no JSON.
  nlohmann::json json() const;
  /// Names this notification towards handlers and targets: hex identity, '-', hex body digest. Stable over retries and redrives.
  std::string idempotency_key() const;
};

/// What is known of a notification beside its body's own words: the entry's fields and what dedup computed of them.
struct Accepted {
  std::string id;
  std::uint64_t id_instance = 0;
  std::string chat;
  std::string type_webhook;
  base::WallTime received{};
  std::string trace;
  Identity identity{};
  BodyDigest body_digest{};
  unsigned attempt = 1;
  std::shared_ptr<const std::string> body;
};

/// `envelope` is read_envelope(*accepted.body): it adds what only the body tells.
Notification make_notification(Accepted accepted, const Envelope& envelope);

}  // namespace hookfleet::notification
