#pragma once

#include "worker/handlers/handler.hpp"

namespace hookfleet::handlers {

/// incomingCall, outgoingCall: counts them by type and by status (missing "none", unknown "other") in hf:{t}:cnt, and keeps the chat's last
/// call in its record (latest_of_chat): field `call`, text `<typeWebhook> <status>`. A call's end counts as later than its offer, which has
/// the same time.
class CallHandler final : public Handler {
 public:
  Handled handle(const Notification& notification, const std::stop_token& cancel) override;
};

}  // namespace hookfleet::handlers
