#include "worker/handlers/message.hpp"

namespace hookfleet::handlers {

Handled MessageHandler::handle(const Notification& notification, const std::stop_token&) {
  constexpr std::size_t kIdMax = 64;
  const std::string_view type_message = notification::type_message_label(notification.type_message);
  std::vector<stream::Effect> effects{count(notification), count(notification, type_message)};
  const bool incoming = notification.type == notification::TypeWebhook::kIncomingMessageReceived;
  const std::string text = std::string(type_message).append(" ").append(notification.id_message, 0, kIdMax);
  if (auto latest = latest_of_chat(notification, incoming ? "incoming" : "outgoing", text)) effects.push_back(*std::move(latest));
  return Handled::done(std::move(effects));
}

}  // namespace hookfleet::handlers
