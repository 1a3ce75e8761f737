#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/notification/notification.hpp"
#include "worker/handlers/handler.hpp"
#include "worker/routes/table.hpp"

namespace hookfleet::routes {

/// One thing that is done with a notification. Several of one notification run side by side; each is repeated until it is done, those that
/// are done already aren't.
struct Action {
  std::string name;                                          ///< as NamedAction's
  handlers::Handler* handler = nullptr;                      ///< what runs
  std::shared_ptr<const handlers::Handler> owned = nullptr;  ///< … when it is the action's own and not a compiled-in one
};

/// The routes of a process, ready to run: Table, and what its actions are. Immutable; any thread.
///
/// A reload makes other routes and swaps them as a whole; who runs actions keeps the Routes that they are of until they return. So:
/// - Each attempt takes the routes that hold when it starts, and ends by them.
/// - An entry that waits for its next attempt gets the new route then. Of that everything is run but the actions whose name is among those
///   that have finished before, under whichever route.
/// - What has finished stays done, also when the new route doesn't name it any more: its effects are written with the acknowledgement.
/// - Where nothing is left to do the entry has ended: done when anything of it was done before, otherwise ignored.
class Routes {
 public:
  /// A handler that `options` name must be there (declare() checks it); of a shipped route it may be missing, then the route is left out.
  /// `handlers` outlives the object and all actions that run.
  Routes(const Options& options, const handlers::Handlers& handlers);

  /// Empty: nobody takes it, or its route says so: it is acknowledged as ignored. Valid as long as this.
  std::span<const Action> find(const notification::Notification& notification) const;

 private:
  Table table_;
  std::vector<std::vector<Action>> actions_;  // by route of table_
};

}  // namespace hookfleet::routes
