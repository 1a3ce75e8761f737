#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/simulate/target.hpp"
#include "common/base/descriptor.hpp"

namespace hookfleet::simulate {

/// POSTs over kept HTTP/1.1 connections, a request in flight on each: tens of thousands a second from one core. What the simulator and the
/// benches send with.
///
/// Threads: one, which is the caller's: all happens in wait().
/// Limits:  an answer may have kAnswerMax bytes; beyond that it is none.
/// Errors:  never throws. Every post() gets exactly one Answer.
/// A kept connection that turns out to be closed by its end is no answer: the request goes out again at once on a new one, once, and may
/// arrive twice. web::Client does so too.
class Posts {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kAnswerMax = 256UL << 10;

  struct Options {
    Target to;
    std::string headers = {};  ///< whole lines, each with its CR LF: Authorization … Not: Host, Content-Length
    unsigned connections = 1;
    std::vector<Address> from = {};  ///< source addresses with port 0, the connections take them in turn; none: the kernel's choice
    std::chrono::milliseconds answer_timeout{180'000};  ///< from post() on
  };

  enum class Failure : std::uint8_t { kNone, kNoConnection, kCutOff, kTimeout, kBrokenAnswer };

  struct Answer {
    unsigned connection = 0;
    int status = 0;  ///< 0: there was none
    Failure failure = Failure::kNone;
    Clock::duration waited{};  ///< since post()
  };
  using Answered = std::function<void(const Answer&)>;

  explicit Posts(Options options);
  ~Posts();
  Posts(const Posts&) = delete;
  Posts& operator=(const Posts&) = delete;

  /// Sends on a connection that waits for no answer. `body` is copied.
  void post(unsigned connection, std::string_view body);
  bool busy(unsigned connection) const;
  unsigned in_flight() const { return in_flight_; }
  /// Sends and receives until something was answered or `at_most` has passed (0: what is there). `answered` may post().
  void wait(Clock::duration at_most, const Answered& answered);

 private:
  struct Connection;

  void open(Connection& connection);
  void close(Connection& connection);
  void send(Connection& connection);
  void receive(Connection& connection, const Answered& answered);
  void lost(Connection& connection, Failure why);
  void fail(Connection& connection, Failure why);
  void watch(Connection& connection, bool for_writing);
  void answer(Connection& connection, int status, Failure failure, const Answered& answered);
  void expire(Clock::time_point now);

  const Options options_;
  const std::string head_;  // of every request, up to the number behind Content-Length
  base::Descriptor epoll_;
  std::vector<Connection> connections_;
  std::vector<std::pair<unsigned, Failure>> failed_;  // to be told by wait()
  unsigned in_flight_ = 0;
  Clock::time_point looked_{};  // for those that wait for too long
  std::vector<char> buffer_;
};
std::string_view to_text(Posts::Failure failure);

}  // namespace hookfleet::simulate
