#include "worker/handlers/device.hpp"

namespace hookfleet::handlers {

Handled DeviceHandler::handle(const Notification& notification, const std::stop_token&) { return Handled::done({count(notification)}); }

}  // namespace hookfleet::handlers
