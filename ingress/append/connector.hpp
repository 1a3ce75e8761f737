#pragma once

#include <optional>
#include <thread>

#include <tl/expected.hpp>

#include "common/base/mutex.hpp"
#include "common/base/wakeup.hpp"
#include "common/redis/connection.hpp"

namespace hookfleet::append {

/// Opens connections on a thread of its own: resolving a name, connecting and AUTH block for seconds, and meanwhile the writer has
/// deadlines to keep. start() and take() from one thread.
class Connector {
 public:
  using Result = tl::expected<redis::Connection, redis::Error>;

  /// `done` is signalled when a result can be taken.
  Connector(redis::Endpoint endpoint, redis::Timeouts timeouts, base::Wakeup& done);
  /// Waits for an attempt under way (connect and AUTH are bounded by the timeouts, resolving a name by resolv.conf).
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  /// Asks for a connection; one at a time.
  void start() HOOKFLEET_EXCLUDES(mutex_);
  /// The result of start(), once.
  std::optional<Result> take() HOOKFLEET_EXCLUDES(mutex_);

 private:
  void run() HOOKFLEET_EXCLUDES(mutex_);

  const redis::Endpoint endpoint_;
  const redis::Timeouts timeouts_;
  base::Wakeup& done_;
  base::Mutex mutex_;
  base::CondVar asked_;
  bool wanted_ HOOKFLEET_GUARDED_BY(mutex_) = false;
  bool stopping_ HOOKFLEET_GUARDED_BY(mutex_) = false;
  std::optional<Result> result_ HOOKFLEET_GUARDED_BY(mutex_);
  std::jthread thread_;  ///< last: it uses all of the above
};

}  // namespace hookfleet::append
