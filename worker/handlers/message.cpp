#include "worker/handlers/message.hpp"

namespace hookfleet::handlers {

Handled MessageHandler::handle(const Notification& notification) { return Handled::done({count(notification)}); }

}  // namespace hookfleet::handlers
