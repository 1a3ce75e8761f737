#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "common/base/wakeup.hpp"
#include "common/redis/command.hpp"
#include "common/redis/endpoint.hpp"
#include "common/redis/error.hpp"
#include "common/redis/parser.hpp"

namespace hookfleet::redis {

/// A connected, non-blocking socket with an output buffer and a parser: what Connection and Pipeline have in common. hiredis gives the
/// parser only: its sockets of 0.14 lack O_CLOEXEC and MSG_NOSIGNAL, and its buffers cost a copy and a memmove for each command.
class Link {
 public:
  static tl::expected<std::unique_ptr<Link>, Error> connect(const Endpoint& endpoint, std::chrono::milliseconds timeout);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void append(Argv argv);
  std::size_t unsent() const { return out_.size() - sent_; }

  enum class Progress { kNothing, kSome };
  /// One round: sends what is queued, waits at most `timeout` unless a reply is complete, reads what is there. kSome: bytes came.
  /// Fails only when the link is broken and no complete reply is left.
  tl::expected<Progress, Error> turn(std::chrono::milliseconds timeout, base::Wakeup* wakeup);
  /// The next complete reply. Fails when the link is broken and none is left.
  tl::expected<std::optional<Reply>, Error> next();

 private:
  explicit Link(int fd);
  void send();
  bool receive();
  void parse_ahead();

  const int fd_;
  std::string out_;
  std::size_t sent_ = 0;
  std::vector<char> in_;
  Parser parser_;
  std::optional<Reply> ready_;
  std::optional<Error> broken_;
};

}  // namespace hookfleet::redis
