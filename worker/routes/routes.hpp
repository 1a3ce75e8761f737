#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/notification/notification.hpp"
#include "common/notification/types.hpp"
#include "worker/handlers/handler.hpp"

namespace hookfleet::routes {

/// One thing that is done with a notification. Several of one notification run side by side; each is repeated until it is done, those that
/// are done already aren't.
struct Action {
  std::string name;  ///< in records, attempts and dead letters: the same in all workers and releases; unique within a route
  handlers::Handler* handler = nullptr;
};

inline constexpr std::size_t kActionsMax = 32;  ///< of one route

/// The shipped routes: the name of the handler that takes notifications of a type.
std::string_view shipped_handler(notification::TypeWebhook type);

/// What is done with a notification. Immutable; any thread.
class Routes {
 public:
  using Table = std::array<std::vector<Action>, notification::kTypeWebhookCount>;  ///< index: TypeWebhook

  /// The shipped routes over the handlers that are there. `handlers` outlives the object.
  explicit Routes(const handlers::Handlers& handlers);
  /// At most kActionsMax actions a type.
  explicit Routes(Table table);

  /// Empty: nobody takes it, it is acknowledged as ignored. Valid as long as this.
  std::span<const Action> find(const notification::Notification& notification) const;

 private:
  Table by_type_;
};

}  // namespace hookfleet::routes
