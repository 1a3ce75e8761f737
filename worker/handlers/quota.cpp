#include "worker/handlers/quota.hpp"

#include <utility>

#include "common/notification/redact.hpp"

namespace hookfleet::handlers {

Handled QuotaHandler::handle(const Notification& notification, const std::stop_token&) {
  const auto json = notification.json();
  const std::string method = text_at(json, {"quotaData", "method"});
  const std::string status = text_at(json, {"quotaData", "status"});
  const std::string description = text_at(json, {"quotaData", "description"}, kDescriptionMax);
  std::string text = "instance " + std::to_string(notification.id_instance) + " has used up its quota";
  if (!method.empty()) text += " of " + notification::redact_field("method", method);
  if (!status.empty()) text += " (" + notification::redact_field("status", status) + ")";
  text += ": raise its plan, or wait for the next period";
  alert::Alert alert = about(alert::Kind::kQuota, notification, text);
  if (!description.empty()) {
    alert.text += ". GREEN-API says: " + notification::redact_numbers(description);  // it names the chats that are left
    alert.redacted = std::move(text);
  }
  operators_.tell(std::move(alert));
  return Handled::done({count(notification), latest_of_instance(notification, "quota", method + " " + status)});
}

}  // namespace hookfleet::handlers
