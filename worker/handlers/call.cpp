#include "worker/handlers/call.hpp"

namespace hookfleet::handlers {

Handled CallHandler::handle(const Notification& notification, const std::stop_token&) { return Handled::done({count(notification)}); }

}  // namespace hookfleet::handlers
