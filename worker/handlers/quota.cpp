#include "worker/handlers/quota.hpp"

namespace hookfleet::handlers {

Handled QuotaHandler::handle(const Notification& notification, const std::stop_token&) { return Handled::done({count(notification)}); }

}  // namespace hookfleet::handlers
