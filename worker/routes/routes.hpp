#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/notification/notification.hpp"
#include "worker/handlers/async_handler.hpp"
#include "worker/handlers/handler.hpp"
#include "worker/routes/table.hpp"

namespace hookfleet::routes {

/// One thing that is done with a notification. Several of one notification run side by side; each is repeated until it is done, those that
/// are done already aren't.
struct Action {
  std::string name;                                  ///< as NamedAction's
  handlers::Handler* handler = nullptr;              ///< what runs in the pool …
  std::shared_ptr<handlers::AsyncHandler> async{};   ///< … or, in place of it, asynchronously; shared with the attempts under way
  std::shared_ptr<const handlers::Handler> owned{};  ///< `handler`, when it is the action's own and not a compiled-in one
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
  /// What hands notifications on, by the action's name and its settings; not null. The same one again while it is in use and nothing of it
  /// has changed, so that a reload neither opens a breaker nor doubles the requests under way.
  using MakeForward = std::function<std::shared_ptr<handlers::AsyncHandler>(const std::string& name, const forward::Options& options)>;

  /// A handler that `options` name must be there (declare() checks it); of a shipped route it may be missing, then the route is left out.
  /// `handlers` outlives the object and all actions that run. `make_forward` may be empty where no route forwards.
  Routes(const Options& options, const handlers::Handlers& handlers, const MakeForward& make_forward = {});

  /// Empty: nobody takes it, or its route says so: it is acknowledged as ignored. Valid as long as this.
  std::span<const Action> find(const notification::Notification& notification) const;

 private:
  Table table_;
  std::vector<std::vector<Action>> actions_;  // by route of table_
};

}  // namespace hookfleet::routes
