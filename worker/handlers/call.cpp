#include "worker/handlers/call.hpp"

namespace hookfleet::handlers {

Handled CallHandler::handle(const Notification& notification, const std::stop_token&) {
  const std::string_view status = notification::call_status_label(notification.status);
  std::vector<stream::Effect> effects{count(notification), count(notification, status)};
  if (auto latest = latest_of_chat(notification, "call", notification.type_webhook + " " + std::string(status))) {
    // Offer and end have the same second. A chat's notifications come in order, so the later one may simply replace the other.
    if (status != "offer") latest->op = stream::Effect::Op::kSet;
    effects.push_back(*std::move(latest));
  }
  return Handled::done(std::move(effects));
}

}  // namespace hookfleet::handlers
