#include "worker/routes/routes.hpp"

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
  for (std::size_t i = 0; i < notification::type_webhook_names().size(); ++i) {
    by_type_.push_back(handlers.find(shipped_handler(static_cast<TypeWebhook>(i))));
  }
}

handlers::Handler* Routes::find(const notification::Notification& notification) const {
  return notification.type ? by_type_[static_cast<std::size_t>(*notification.type)] : nullptr;
}

}  // namespace hookfleet::routes
