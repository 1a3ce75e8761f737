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
  const notification::Envelope envelope = notification::read_envelope(entry->body);
  notification::Accepted accepted;
  accepted.identity = notification::identity_of(entry->id_instance, entry->type_webhook, entry->chat, envelope, entry->body);
  accepted.body_digest = notification::body_digest(entry->body, envelope);
  accepted.id = std::move(entry->id);
  accepted.id_instance = entry->id_instance;
  accepted.chat = std::move(entry->chat);
  accepted.type_webhook = std::move(entry->type_webhook);
  accepted.received = base::from_unix_ms(entry->received_ms);
  accepted.trace = std::move(entry->trace);
  accepted.body = std::make_shared<const std::string>(std::move(entry->body));
  notification = notification::make_notification(std::move(accepted), envelope);

  content->parsed = envelope.malformed == notification::Malformed::kNo;
  if (!content->parsed) {
    content->unfit = stream::DeadClass::kMalformed;
    content->why = notification::to_text(envelope.malformed);
    if (!envelope.malformed_at.empty()) content->why += ": " + envelope.malformed_at;
  } else if (notification.type_webhook.empty()) {
    content->unfit = stream::DeadClass::kInvalid;
    content->why = "/typeWebhook: expected a text that is not empty";
  }
  return {stream_id, entry->source, std::move(content)};
}

}  // namespace hookfleet::dispatch
