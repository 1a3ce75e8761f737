#include "worker/dispatch/arrival.hpp"

#include "common/notification/envelope.hpp"

namespace hookfleet::dispatch {
namespace {

void find_unknown(Content& content, const schema::Schemas* schemas) {
  const notification::Notification& notification = content.notification;
  if (!notification.type && !notification.type_webhook.empty() && (schemas == nullptr || !schemas->knows(notification.type_webhook))) {
    content.unknown.push_back(stream::Kind::of(stream::Kind::What::kTypeWebhook, notification.type_webhook));
  }
  const std::string& message = notification.type_message;
  if (!message.empty() && !notification::is_known_type_message(message) && (schemas == nullptr || !schemas->knows_message(message))) {
    content.unknown.push_back(stream::Kind::of(stream::Kind::What::kTypeMessage, message));
  }
}

void find_unknown_fields(Content& content, const schema::Schemas& schemas, const nlohmann::json& body) {
  const notification::Notification& notification = content.notification;
  std::string types = notification.type_webhook;
  if (!notification.type_message.empty()) types += '/' + notification.type_message;
  types += ':';
  for (const std::string& pointer : schemas.undeclared(notification.type_webhook, notification.type_message, body)) {
    content.unknown.push_back(stream::Kind::of(stream::Kind::What::kField, types + pointer));
  }
}

/// Holds it against its schemas.
void check(Content& content, const Checks& checks) {
  notification::Notification& notification = content.notification;
  const bool known = checks.schemas && checks.schemas->knows(notification.type_webhook);
  if (!known && !notification.type_webhook.empty()) return;
  // Handlers that want a DOM make their own: keeping this one would take ten times the body's memory for as long as the entry waits.
  const nlohmann::json body = notification.json();
  const auto problems =
      known ? checks.schemas->check(notification.type_webhook, notification.type_message, body) : schema::Schemas::untyped(body);
  if (problems.empty()) {
    if (checks.fields) find_unknown_fields(content, *checks.schemas, body);
    return;
  }
  notification.invalid_at = problems.front().pointer;
  for (const schema::Problem& problem : problems) content.why += (content.why.empty() ? "" : "; ") + problem.text();
  if (checks.invalid == Invalid::kDeadLetter) content.unfit = stream::DeadClass::kInvalid;
}

}  // namespace

Arrival prepare(stream::StreamId stream_id, tl::expected<stream::Entry, std::string> entry, const Checks& checks) {
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
    return {stream_id, entry->source, std::move(content)};
  }
  find_unknown(*content, checks.schemas.get());
  check(*content, checks);
  return {stream_id, entry->source, std::move(content)};
}

}  // namespace hookfleet::dispatch
