#include "worker/handlers/call.hpp"

namespace hookfleet::handlers {

Handled CallHandler::handle(const Notification& notification) { return Handled::done({count(notification)}); }

}  // namespace hookfleet::handlers
