#pragma once

#include <initializer_list>
#include <memory>
#include <string_view>

#include <tl/expected.hpp>

#include "common/redis/command.hpp"
#include "common/redis/endpoint.hpp"
#include "common/redis/error.hpp"
#include "common/redis/reply.hpp"

namespace hookfleet::redis {

class Link;  ///< internal to this folder: socket, output buffer, parser

/// A connection for one command at a time. Only user of hiredis, with Pipeline.
/// Threads: one at a time. After any Error the connection is done for: open a new one.
class Connection {
 public:
  /// Connects, AUTHs and SELECTs, blocking for at most timeouts.connect + 2 × timeouts.io, and as long as the system's resolver takes
  /// for a host name.
  static tl::expected<Connection, Error> open(const Endpoint& endpoint, const Timeouts& timeouts = {});

  /// Sends one command and waits for its reply (timeouts.io). An error *reply* is a Reply, not an Error.
  tl::expected<Reply, Error> call(Argv argv);
  tl::expected<Reply, Error> call(std::initializer_list<std::string_view> argv) { return call(Argv(argv.begin(), argv.size())); }

 private:
  friend class Pipeline;
  struct Free {
    void operator()(Link* link) const noexcept;
  };
  Connection(std::unique_ptr<Link, Free> link, Timeouts timeouts) : link_(std::move(link)), timeouts_(timeouts) {}

  std::unique_ptr<Link, Free> link_;
  Timeouts timeouts_;
};

}  // namespace hookfleet::redis
