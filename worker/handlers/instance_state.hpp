#pragma once

#include "worker/handlers/handler.hpp"

namespace hookfleet::handlers {

/// stateInstanceChanged, statusInstanceChanged: counts them and keeps each instance's latest state in hf:{t}:inst, field
/// `<idInstance> state` or `<idInstance> status`, value `<event time, Unix seconds> <state>`; an older one never replaces a newer.
class InstanceStateHandler final : public Handler {
 public:
  Handled handle(const Notification& notification, const std::stop_token& cancel) override;
};

}  // namespace hookfleet::handlers
