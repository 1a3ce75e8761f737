#pragma once

#include <string_view>
#include <vector>

#include "common/notification/notification.hpp"
#include "worker/handlers/handler.hpp"

namespace hookfleet::routes {

/// The shipped routes: the name of the handler that takes notifications of a type.
std::string_view shipped_handler(notification::TypeWebhook type);

/// Which handler a notification gets. Immutable; any thread.
class Routes {
 public:
  /// The shipped routes over the handlers that are there. `handlers` outlives the object.
  explicit Routes(const handlers::Handlers& handlers);

  /// Null: nobody takes it, it is acknowledged as ignored.
  handlers::Handler* find(const notification::Notification& notification) const;

 private:
  std::vector<handlers::Handler*> by_type_;  // index: TypeWebhook
};

}  // namespace hookfleet::routes
