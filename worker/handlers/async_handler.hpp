#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>

#include "worker/handlers/handler.hpp"

namespace hookfleet::handlers {

/// As Handler, for what is done elsewhere: it holds no thread while it waits, so that hundreds may be under way.
/// Called again for the same notification after a crash or a lost partition, as a Handler is.
class AsyncHandler {
 public:
  using Done = std::function<void(Handled)>;

  virtual ~AsyncHandler() = default;
  /// So many may run at a time in a worker, at least 1; the same each time. Chats beyond wait for a place, and those of others don't. (An
  /// entry that may have ended the process before is started beyond it.)
  virtual std::size_t concurrency() const = 0;
  /// Begins, on the engine's thread: must not block or throw. `done` is called exactly once, from any thread, also from within start();
  /// the handler itself bounds the time until then. `cancel`: stop is requested when the partition was lost: what is still done is done
  /// again elsewhere, so `done` should follow soon.
  virtual void start(std::shared_ptr<const Notification> notification, const std::stop_token& cancel, Done done) = 0;
};

}  // namespace hookfleet::handlers
