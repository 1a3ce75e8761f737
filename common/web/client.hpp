#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "common/base/mutex.hpp"
#include "common/base/wakeup.hpp"

namespace hookfleet::web {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "POST";
  std::string url;                                   ///< http or https (check_url)
  Headers headers;                                   ///< control characters in a value are sent as blanks: no value can forge a header
  std::shared_ptr<const std::string> body;           ///< null: none. Not copied
  std::chrono::milliseconds timeout{10'000};         ///< of the whole exchange, from its first step to the answer's last byte
  std::chrono::milliseconds connect_timeout{5'000};  ///< within it: name, connection, TLS
  std::size_t answer_bytes_max = 16UL << 10;         ///< of the answer's body; the rest is not read, its connection closed
  bool held = false;                                 ///< its answer's body is one of those that Options.held_bytes_max bounds
  bool refuse_private_addresses = false;             ///< go to public addresses only (address.hpp); the resolved address decides
  std::string ca_file;                               ///< PEM; certificates that are trusted instead of the system's; empty: the system's
};

struct Answer {
  int status = 0;
  Headers headers;  ///< names in lower case
  std::string body;
  bool cut = false;      ///< it was longer than answer_bytes_max
  std::size_t held = 0;  ///< so many bytes are to be given back (Client::give_back) once the body has gone; 0 unless Request.held

  /// The first of this name (lower case); empty when there is none.
  std::string_view header(std::string_view name) const;
};

/// Why there is no answer. Only kConnect, kTls and kRefusedAddress say that nothing was sent; otherwise the request may have had its
/// effect.
enum class ErrorKind {
  kConnect,         ///< no connection (name, refused, connect timeout), or no valid URL
  kTimeout,         ///< no whole answer in time
  kTls,             ///< no TLS, or a certificate that isn't trusted or isn't this host's; a CA file that can't be read, too
  kRefusedAddress,  ///< refuse_private_addresses: every address of the host is private
  kNoRoom,          ///< no whole answer in time, since held_bytes_max kept its body waiting
  kBrokenAnswer,    ///< closed or reset before the whole answer, no HTTP, headers beyond 64 KiB
  kCancelled,       ///< cancel(), or the client's end
};
std::string_view to_text(ErrorKind kind);

struct Error {
  ErrorKind kind;
  std::string message;  ///< for people
};

using Result = tl::expected<Answer, Error>;

/// Sends HTTP/1.1 requests, many at a time over kept connections. Redirects are not followed (a 3xx is the answer), no proxy of the
/// environment is used, no cookies, at least TLS 1.2.
///
/// Threads: one of its own, `web`. send() and cancel() from any thread, also from a callback.
/// Limits:  what is in flight is the caller's to bound; each answer by answer_bytes_max; idle connections kept by Options.
/// Errors:  never throws. Each request gets exactly one callback, on the client's thread: it must not block or throw.
/// A request on a kept connection that turns out to be closed is sent again on a new one: it may arrive twice.
class Client {
 public:
  struct Options {
    std::size_t idle_connections_max = 512;
    /// Requests to one origin whose name is being looked up at a time; further ones wait, without a limit of time, until they are
    /// cancelled. Each look-up is a thread, which a name server that is silent keeps. 0: any number.
    std::size_t lookups_max = 0;
    /// Bytes of the bodies of answers to requests that say `held`, from before their first byte until give_back(). Further ones wait in
    /// their connections, in the order they came, until their request's timeout. A body of unknown length counts as answer_bytes_max
    /// until it has ended. One that is larger comes when nothing else is held. 0: any number.
    std::size_t held_bytes_max = 0;
  };
  using Callback = std::function<void(Result)>;
  using Ticket = std::uint64_t;

  Client() : Client(Options{}) {}
  explicit Client(const Options& options);
  ~Client();  ///< cancels what is in flight; all callbacks have returned when it has
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Ticket send(Request request, Callback callback);
  /// The callback comes soon, with kCancelled unless the request ended before. Unknown tickets are ignored.
  void cancel(Ticket ticket);
  /// `bytes` of Answer::held are free again. Any thread.
  void give_back(std::size_t bytes);
  std::size_t held_bytes() const { return held_bytes_; }            ///< any thread
  std::size_t answers_waiting() const { return answers_waiting_; }  ///< that held_bytes_max keeps waiting; any thread

 private:
  struct Flight;
  struct Origin;
  class Multi;  // libcurl

  void run(const std::stop_token& stop);
  void take_in();
  void start(Flight& flight);
  void start_held();
  bool hold(Flight& flight);
  void resume_waiting();
  void end(Ticket ticket, Result result);

  const std::size_t lookups_max_, held_bytes_max_;
  base::Wakeup wakeup_;
  std::atomic<std::size_t> held_bytes_ = 0, answers_waiting_ = 0;
  base::Mutex mutex_;
  Ticket last_ticket_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
  std::vector<std::unique_ptr<Flight>> sent_ HOOKFLEET_GUARDED_BY(mutex_);
  std::vector<Ticket> cancelled_ HOOKFLEET_GUARDED_BY(mutex_);

  // The client's thread only
  std::unique_ptr<Multi> multi_;
  std::unordered_map<Ticket, std::unique_ptr<Flight>> flights_;
  std::deque<Ticket> waiting_;                                        // for held_bytes_max
  std::unordered_map<std::string, std::unique_ptr<Origin>> origins_;  // those with a look-up, if these are bounded

  std::jthread thread_;  // last: it must stop before anything above is destroyed
};

}  // namespace hookfleet::web
