#pragma once

#include "worker/handlers/handler.hpp"

namespace hookfleet::handlers {

/// quotaExceeded: counts them.
class QuotaHandler final : public Handler {
 public:
  Handled handle(const Notification& notification) override;
};

}  // namespace hookfleet::handlers
