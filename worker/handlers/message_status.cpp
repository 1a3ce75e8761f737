#include "worker/handlers/message_status.hpp"

namespace hookfleet::handlers {

Handled MessageStatusHandler::handle(const Notification& notification, const std::stop_token&) {
  return Handled::done({count(notification)});
}

}  // namespace hookfleet::handlers
