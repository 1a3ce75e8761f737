#include "worker/handlers/quota.hpp"

#include "common/notification/redact.hpp"

namespace hookfleet::handlers {

Handled QuotaHandler::handle(const Notification& notification, const std::stop_token&) {
  const auto json = notification.json();
  const std::string method = text_at(json, {"quotaData", "method"});
  const std::string status = text_at(json, {"quotaData", "status"});
  std::string text = "instance " + std::to_string(notification.id_instance) + " has used up its quota";
  if (!method.empty()) text += " of " + method;
  if (!status.empty()) text += " (" + status + ")";
  text += ": raise its plan, or wait for the next period";
  operators_.tell(about(alert::Kind::kQuota, notification, std::move(text)));
  return Handled::done({count(notification), latest_of_instance(notification, "quota", method + " " + status)});
}

}  // namespace hookfleet::handlers
