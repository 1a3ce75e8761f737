#pragma once

#include "worker/handlers/handler.hpp"

namespace hookfleet::handlers {

/// quotaExceeded: counts them, keeps each instance's latest in hf:{t}:inst (latest_of_instance: field `<idInstance> quota`, text
/// `<method> <status>`), and tells the operator, with the description where the body's words may go.
class QuotaHandler final : public Handler {
 public:
  /// `operators` outlives the handler.
  explicit QuotaHandler(alert::Operator& operators) : operators_(operators) {}
  Handled handle(const Notification& notification, const std::stop_token& cancel) override;

 private:
  alert::Operator& operators_;
};

}  // namespace hookfleet::handlers
