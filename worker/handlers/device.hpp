#pragma once

#include "worker/handlers/handler.hpp"

namespace hookfleet::handlers {

/// deviceInfo, incomingBlock: counts them.
class DeviceHandler final : public Handler {
 public:
  Handled handle(const Notification& notification, const std::stop_token& cancel) override;
};

}  // namespace hookfleet::handlers
