#include "worker/handlers/message.hpp"

namespace hookfleet::handlers {

Handled MessageHandler::handle(const Notification& notification, const std::stop_token&) { return Handled::done({count(notification)}); }

}  // namespace hookfleet::handlers
