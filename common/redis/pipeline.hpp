#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include <tl/expected.hpp>

#include "common/base/clock.hpp"
#include "common/base/wakeup.hpp"
#include "common/redis/connection.hpp"

namespace hookfleet::redis {

/// Many commands in flight on one connection; replies come in the order of append(). Non-blocking underneath: the owner's loop is
///   append()… ; io(timeout, wakeup) ; while (auto reply = next()) …
/// Threads: one (but Wakeup::signal() from any). After any Error the pipeline is done for; commands without a reply may have happened.
class Pipeline {
 public:
  /// Takes over a connection that is idle (its preflight is done).
  explicit Pipeline(Connection connection);

  /// Queues one command in the output buffer. Nothing is sent before io().
  void append(Argv argv);
  void append(std::initializer_list<std::string_view> argv) { append(Argv(argv.begin(), argv.size())); }

  /// Writes what is queued as far as the socket takes it, then waits at most `timeout` until replies can be read, `wakeup` is signalled
  /// (may be null; it is cleared), or more can be written; reads what is there. Returns at once when a reply is already complete.
  tl::expected<void, Error> io(std::chrono::milliseconds timeout, base::Wakeup* wakeup);

  /// The next complete reply, if one has been read.
  tl::expected<std::optional<Reply>, Error> next();

  std::size_t unanswered() const { return unanswered_; }
  /// Bytes queued and not yet taken by the socket.
  std::size_t unsent_bytes() const;
  /// When bytes last came (or the pipeline was made): "8 s without a byte" is judged by this.
  base::BootTime last_received() const { return last_received_; }

 private:
  Connection connection_;
  std::size_t unanswered_ = 0;
  base::BootTime last_received_;
};

}  // namespace hookfleet::redis
