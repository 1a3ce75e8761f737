#pragma once

#include "worker/handlers/message.hpp"

/// Counts incoming messages by what people ask for: the fields `keyword price`, `keyword order` and `keyword stop` of hf:{t}:cnt. All else
/// is the shipped handler's: it keeps counts by type and each chat's last activity.
class Keywords final : public hookfleet::handlers::Handler {
 public:
  hookfleet::handlers::Handled handle(const hookfleet::handlers::Notification& notification, const std::stop_token& cancel) override;

 private:
  hookfleet::handlers::MessageHandler shipped_;
};
