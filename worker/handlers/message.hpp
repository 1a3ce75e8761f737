#pragma once

#include "worker/handlers/handler.hpp"

namespace hookfleet::handlers {

/// incomingMessageReceived, outgoingMessageReceived, outgoingAPIMessageReceived: counts them by type and by typeMessage (unknown ones as
/// "other") in hf:{t}:cnt, and keeps the chat's last activity in its record (latest_of_chat): field `incoming` or `outgoing`, text
/// `<typeMessage> <idMessage>`.
class MessageHandler final : public Handler {
 public:
  Handled handle(const Notification& notification, const std::stop_token& cancel) override;
};

}  // namespace hookfleet::handlers
