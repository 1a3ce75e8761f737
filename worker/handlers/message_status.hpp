#pragma once

#include "worker/handlers/handler.hpp"

namespace hookfleet::handlers {

/// outgoingMessageStatus: counts them and keeps one record per message, hf:{t}:msg:<notification::message_key>, for 30 days after its last
/// status. Its fields:
///   idMessage, chatId
///   progress   `<n> <status>`: 1 sent, 2 delivered, 3 read. Never goes back, whatever order the statuses come in
///   problem    `<event time> <status>: <description>` of the latest of failed, noAccount, notInGroup, yellowCard, noActiveSession
///   other      `<event time> <status>` of the latest that is not documented
/// failed, noAccount and yellowCard tell the operator, with the description.
class MessageStatusHandler final : public Handler {
 public:
  /// `operators` outlives the handler.
  explicit MessageStatusHandler(alert::Operator& operators) : operators_(operators) {}
  Handled handle(const Notification& notification, const std::stop_token& cancel) override;

 private:
  alert::Operator& operators_;
};

}  // namespace hookfleet::handlers
