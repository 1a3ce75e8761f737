#pragma once

#include "worker/handlers/handler.hpp"

namespace hookfleet::handlers {

/// stateInstanceChanged, statusInstanceChanged: counts them and keeps each instance's latest in hf:{t}:inst (latest_of_instance: field
/// `<idInstance> state` or `<idInstance> status`, text the state): `hookfleet instances` and the gauges of states read it. Any state but
/// authorized and starting (each change of settings passes through that) tells the operator.
class InstanceStateHandler final : public Handler {
 public:
  /// `operators` outlives the handler.
  explicit InstanceStateHandler(alert::Operator& operators) : operators_(operators) {}
  Handled handle(const Notification& notification, const std::stop_token& cancel) override;

 private:
  alert::Operator& operators_;
};

}  // namespace hookfleet::handlers
