#include "worker/handlers/instance_state.hpp"

namespace hookfleet::handlers {

Handled InstanceStateHandler::handle(const Notification& notification, const std::stop_token&) {
  const bool state = notification.type == notification::TypeWebhook::kStateInstanceChanged;
  const auto json = notification.json();
  const auto found = json.find(state ? "stateInstance" : "statusInstance");
  if (found == json.end() || !found->is_string() || !notification.timestamp || *notification.timestamp < 0) {
    return Handled::done({count(notification)});
  }
  stream::Effect latest;
  latest.op = stream::Effect::Op::kAdvance;
  latest.on = stream::Effect::On::kInstances;
  latest.field = std::to_string(notification.id_instance) + (state ? " state" : " status");
  latest.value = std::to_string(event_time(notification)) + " " + found->get<std::string>();
  return Handled::done({count(notification), std::move(latest)});
}

}  // namespace hookfleet::handlers
