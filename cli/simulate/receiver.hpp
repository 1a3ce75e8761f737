#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "cli/simulate/http_server.hpp"
#include "cli/simulate/token.hpp"
#include "common/base/mutex.hpp"

namespace hookfleet::simulate {

/// The service that a fleet forwards to: answers every POST with 200 and remembers the tokens in the order in which they came.
/// Threads: take() and port() from any.
/// Errors:  the constructor throws std::system_error when the port can't be had.
class Receiver {
 public:
  /// On 127.0.0.1; 0: a free port.
  explicit Receiver(int port);

  int port() const { return server_.port(); }
  /// What came since the last call; nothing in place of a token: a body without one.
  std::vector<std::optional<Token>> take();

 private:
  base::Mutex mutex_;
  std::vector<std::optional<Token>> came_ HOOKFLEET_GUARDED_BY(mutex_);
  HttpServer server_;  // last: its thread uses the above
};

}  // namespace hookfleet::simulate
