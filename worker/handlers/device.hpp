#pragma once

#include "worker/handlers/handler.hpp"

namespace hookfleet::handlers {

/// deviceInfo: counts them and keeps each instance's latest in hf:{t}:inst (latest_of_instance: field `<idInstance> device`, text
/// `platform=… manufacturer=… model=… os=… app=… battery=…`, what is known of it).
/// incomingBlock: counts them and keeps the chat's latest in its record (latest_of_chat: field `block`, text the chatState).
class DeviceHandler final : public Handler {
 public:
  Handled handle(const Notification& notification, const std::stop_token& cancel) override;
};

}  // namespace hookfleet::handlers
