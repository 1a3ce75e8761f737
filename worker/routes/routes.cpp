#include "worker/routes/routes.hpp"

#include <utility>

#include "common/base/check.hpp"

namespace hookfleet::routes {

using notification::TypeWebhook;

std::string_view shipped_handler(TypeWebhook type) {
  switch (type) {
    case TypeWebhook::kIncomingMessageReceived:
    case TypeWebhook::kOutgoingMessageReceived:
    case TypeWebhook::kOutgoingAPIMessageReceived: return "message";
    case TypeWebhook::kOutgoingMessageStatus: return "message_status";
    case TypeWebhook::kStateInstanceChanged:
    case TypeWebhook::kStatusInstanceChanged: return "instance_state";
    case TypeWebhook::kDeviceInfo:
    case TypeWebhook::kIncomingBlock: return "device";
    case TypeWebhook::kIncomingCall:
    case TypeWebhook::kOutgoingCall: return "call";
    case TypeWebhook::kQuotaExceeded: return "quota";
  }
  return {};
}

Routes::Routes(const handlers::Handlers& handlers) {
  for (std::size_t i = 0; i < by_type_.size(); ++i) {
    const std::string_view name = shipped_handler(static_cast<TypeWebhook>(i));
    if (handlers::Handler* handler = handlers.find(name)) by_type_[i].push_back({"handler:" + std::string(name), handler});
  }
}

Routes::Routes(Table table) : by_type_(std::move(table)) {
  for (const auto& actions : by_type_) HOOKFLEET_CHECK(actions.size() <= kActionsMax);
}

std::span<const Action> Routes::find(const notification::Notification& notification) const {
  if (!notification.type) return {};
  return by_type_[static_cast<std::size_t>(*notification.type)];
}

}  // namespace hookfleet::routes
