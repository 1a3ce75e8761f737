#include "worker/handlers/message_status.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "common/digest/digest.hpp"
#include "common/notification/redact.hpp"

namespace hookfleet::handlers {
namespace {

constexpr std::chrono::hours kKept{30 * 24};
constexpr std::array<std::string_view, 3> kProgress{"sent", "delivered", "read"};
constexpr std::array<std::string_view, 3> kToldOf{"failed", "noAccount", "yellowCard"};
constexpr std::size_t kStatusMax = 64;  // bytes kept of one that is not documented

std::string description_of(const Notification& notification) {
  std::string description = text_at(notification.json(), {"description"}, kDescriptionMax);
  return description.empty() ? description : ": " + description;
}

}  // namespace

Handled MessageStatusHandler::handle(const Notification& notification, const std::stop_token&) {
  std::vector<stream::Effect> effects{count(notification)};
  const std::string& status = notification.status;
  if (notification.id_message.empty() || status.empty()) return Handled::done(std::move(effects));

  const auto key = notification::message_key(notification.id_instance, notification.id_message);
  const auto keep = [&](stream::Effect::Op op, const char* field, std::string value) {
    effects.push_back({.op = op,
                       .on = stream::Effect::On::kMessage,
                       .part = std::string(digest::as_bytes(key)),
                       .field = field,
                       .value = std::move(value),
                       .expiry = kKept});
  };
  keep(stream::Effect::Op::kSet, "idMessage", notification.id_message);
  if (!notification.chat.empty()) keep(stream::Effect::Op::kSet, "chatId", notification.chat);
  const auto* progress = std::find(kProgress.begin(), kProgress.end(), status);
  if (progress != kProgress.end()) {
    keep(stream::Effect::Op::kAdvance, "progress", std::to_string(progress - kProgress.begin() + 1) + " " + status);
    return Handled::done(std::move(effects));
  }
  const std::string when = std::to_string(event_time(notification)) + " ";
  const auto documented = notification::message_statuses();
  if (std::find(documented.begin(), documented.end(), status) != documented.end()) {  // and no progress: something went wrong
    const std::string description = description_of(notification);
    keep(stream::Effect::Op::kAdvance, "problem", when + status + description);
    if (std::find(kToldOf.begin(), kToldOf.end(), status) != kToldOf.end()) {
      const std::string what = "a message was not delivered: " + status;
      alert::Alert alert = about(alert::Kind::kMessageFailed, notification, what + notification::redact_numbers(description));
      alert.redacted = what;
      operators_.tell(std::move(alert));
    }
  } else {
    keep(stream::Effect::Op::kAdvance, "other", when + status.substr(0, kStatusMax));
  }
  return Handled::done(std::move(effects));
}

}  // namespace hookfleet::handlers
