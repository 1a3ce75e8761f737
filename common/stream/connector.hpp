#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "common/base/mutex.hpp"
#include "common/redis/connection.hpp"
#include "common/redis/script.hpp"
#include "common/stream/keys.hpp"

namespace hookfleet::stream {

/// Opens connections on a thread of its own, since resolving, connecting and AUTH block for seconds: tries until one is open, the layout in
/// Redis is ours and the scripts are loaded.
/// Threads: start() any one; `done` and `failed` run on the connector's thread.
class Connector {
 public:
  struct Callbacks {
    std::function<void(redis::Connection)> connected;
    std::function<void(const std::string& why)> failed;       ///< an attempt failed; the next one follows in 100–250 ms
    std::function<void(const std::string& why)> other_fleet;  ///< Redis belongs to a fleet with another layout: nothing follows
  };
  /// `scripts` are borrowed for the connector's life.
  Connector(redis::Endpoint endpoint, redis::Timeouts timeouts, stream::Layout layout, std::vector<const redis::Script*> scripts,
            Callbacks callbacks);
  /// Waits for an attempt under way, which the timeouts bound.
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  /// Asks for a connection; `connected` is called once.
  void start() HOOKFLEET_EXCLUDES(mutex_);

 private:
  void run() HOOKFLEET_EXCLUDES(mutex_);
  bool attempt();

  const redis::Endpoint endpoint_;
  const redis::Timeouts timeouts_;
  const stream::Layout layout_;
  const std::vector<const redis::Script*> scripts_;
  const Callbacks callbacks_;

  base::Mutex mutex_;
  base::CondVar changed_;
  bool wanted_ HOOKFLEET_GUARDED_BY(mutex_) = false;
  bool stopping_ HOOKFLEET_GUARDED_BY(mutex_) = false;

  // Last on purpose: it uses all of the above.
  std::jthread thread_;
};

}  // namespace hookfleet::stream
