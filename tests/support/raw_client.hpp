#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/http.hpp"

namespace hookfleet::support {

/// One TCP connection to a server on 127.0.0.1 that says whatever bytes a test likes, when it likes, and notes what comes back. It reads
/// while it writes, so that an early answer to a large body isn't lost. Not for several threads.
class RawClient {
 public:
  /// Connects; `from` is its own address, any of 127.0.0.0/8. Aborts the test program when nobody listens there.
  explicit RawClient(int port, const std::string& from = "127.0.0.1");
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// True when all of it was taken by the kernel; false when the server closed first, or `timeout` passed.
  bool send(std::string_view bytes, std::chrono::milliseconds timeout = std::chrono::seconds(20));
  /// Waits until the server's program has read all that was sent (the queue of its socket is empty, /proc/net/tcp): what is sent next comes
  /// to it by a read of its own.
  bool taken(std::chrono::milliseconds timeout = std::chrono::seconds(20));
  /// No more bytes from here (FIN).
  void half_close();
  /// Closes with a reset (RST).
  void reset();
  /// Reads until there are `count` answers (those of 1xx count too), or the server closed; false when `timeout` passed first.
  bool await(std::size_t count, std::chrono::milliseconds timeout = std::chrono::seconds(20));
  /// Reads until the server closed; false when `timeout` passed first.
  bool await_close(std::chrono::milliseconds timeout = std::chrono::seconds(20));
  /// Takes what has come without waiting.
  void look() { read(); }

  /// The answers have no body although they name a length (HEAD).
  void expect_no_bodies() { bodies_ = false; }
  const std::vector<Response>& answers() const { return answers_; }
  std::vector<int> statuses() const;
  /// The server closed, orderly or not.
  bool closed() const { return closed_; }
  /// What came and is no whole answer (nor a beginning of HTTP at all, perhaps).
  const std::string& rest() const { return rest_; }
  /// All that came.
  const std::string& all() const { return all_; }

 private:
  void wait(short events, std::chrono::steady_clock::time_point until) const;
  void read();
  bool parse();

  int fd_ = -1;
  int port_, own_port_ = 0;
  bool bodies_ = true, closed_ = false;
  std::vector<Response> answers_;
  std::string rest_, all_;
};

}  // namespace hookfleet::support
