#include "worker/dispatch/arrival.hpp"

#include "common/notification/envelope.hpp"

namespace hookfleet::dispatch {

Arrival prepare(stream::StreamId stream_id, tl::expected<stream::Entry, std::string> entry) {
  auto content = std::make_shared<Content>();
  notification::Notification& notification = content->notification;
  if (!entry) {
    content->unfit = stream::DeadClass::kMalformed;
    content->why = "not an entry: " + entry.error();
    notification.received = base::from_unix_ms(static_cast<std::int64_t>(stream_id.ms));
    notification.body = std::make_shared<const std::string>();
    return {stream_id, stream::Source::kWebhook, std::move(content)};
  }
  notification.id = std::move(entry->id);
  notification.id_instance = entry->id_instance;
  notification.chat = std::move(entry->chat);
  notification.type_webhook = std::move(entry->type_webhook);
  notification.type = notification::find_type_webhook(notification.type_webhook);
  notification.received = base::from_unix_ms(entry->received_ms);
  notification.trace = std::move(entry->trace);

  notification::Envelope envelope = notification::read_envelope(entry->body);
  notification.identity =
      notification::identity_of(notification.id_instance, notification.type_webhook, notification.chat, envelope, entry->body);
  notification.body_digest = notification::body_digest(entry->body, envelope);
  notification.body = std::make_shared<const std::string>(std::move(entry->body));
  content->parsed = envelope.malformed == notification::Malformed::kNo;
  if (!content->parsed) {
    content->unfit = stream::DeadClass::kMalformed;
    content->why = notification::to_text(envelope.malformed);
    if (!envelope.malformed_at.empty()) content->why += ": " + envelope.malformed_at;
  } else if (notification.type_webhook.empty()) {
    content->unfit = stream::DeadClass::kInvalid;
    content->why = "/typeWebhook: expected a text that is not empty";
  }
  notification.type_message = std::move(envelope.type_message);
  notification.id_message = std::move(envelope.id_message);
  notification.timestamp = envelope.timestamp;
  return {stream_id, entry->source, std::move(content)};
}

}  // namespace hookfleet::dispatch
