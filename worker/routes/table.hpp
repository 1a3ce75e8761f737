#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/notification/notification.hpp"
#include "common/notification/types.hpp"
#include "worker/routes/settings.hpp"

namespace hookfleet::routes {

/// The shipped routes: the name of the handler that takes notifications of a type.
std::string_view shipped_handler(notification::TypeWebhook type);
/// The names of all of them, each once.
std::vector<std::string> shipped_handlers();

/// An action of a route and its name: the same in all workers and releases as long as the settings name the same thing, unique within its
/// route. `handler:message`, `stream:orders`, `log`, `forward:shop` (forward::display_name()); what a route names twice is
/// `handler:message` and `handler:message#2`. Attempts, dead letters and records hold these names.
struct NamedAction {
  std::string name;
  ActionOptions options;
};

struct Route {
  std::string name;  ///< for people: "routes[2]" as in the settings; of a shipped one "shipped:message"
  Criteria criteria;
  std::vector<NamedAction> actions;  ///< empty: ignored
};

/// Which route takes a notification: the first whose criteria it fits. Pure and immutable; any thread.
class Table {
 public:
  /// `handlers`: the names there are; a shipped route whose handler isn't among them is left out.
  Table(const Options& options, std::span<const std::string> handlers);

  std::span<const Route> routes() const { return routes_; }
  /// Its index among routes(), or nothing. Looks only at those that can take its type.
  std::optional<std::size_t> find(const notification::Notification& notification) const;

  /// Why a route doesn't take a notification: the first criterion, in the order of the settings, that it doesn't fit.
  struct Mismatch {
    std::string_view criterion;  ///< "typeWebhook"
    std::string found;           ///< of the notification; empty: it has none
    std::span<const std::string> wanted;
  };
  /// Nothing: it fits.
  std::optional<Mismatch> mismatch(std::size_t route, const notification::Notification& notification) const;

 private:
  /// What of a route's criteria is to be looked at besides a documented type.
  struct Predicate {
    std::vector<std::uint64_t> instances;
    unsigned chats = 0;  // bits by ChatKind; 0: all
  };
  bool fits(std::size_t route, const notification::Notification& notification) const;

  std::vector<Route> routes_;
  std::vector<Predicate> predicates_;                                                // of routes_
  std::array<std::vector<std::size_t>, notification::kTypeWebhookCount> by_type_{};  // routes in order
  std::vector<std::size_t> of_unknown_;                                              // those that may take a type that isn't documented
};

}  // namespace hookfleet::routes
