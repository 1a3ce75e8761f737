#include "worker/handlers/device.hpp"

namespace hookfleet::handlers {

Handled DeviceHandler::handle(const Notification& notification) { return Handled::done({count(notification)}); }

}  // namespace hookfleet::handlers
