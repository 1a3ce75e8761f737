#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "common/log/logger.hpp"
#include "ingress/http/metrics.hpp"

/// The webhook port. `Server` owns all that has to do with Pistache (its only user), `Webhook` what becomes of a delivery.
namespace hookfleet::http {

/// How long the library waits for a whole request, counted until it is answered: above any append deadline and nginx's proxy_read_timeout.
/// It then says 408 by itself.
inline constexpr std::chrono::seconds kRequestTimeout{120};
/// How long it keeps a connection since its last request's arrival: above nginx's keepalive_timeout for ingresses and an append deadline
/// together, since nginx has to be the one that closes.
inline constexpr std::chrono::seconds kKeepaliveTimeout{120};

struct Options {
  std::string listen = "127.0.0.1:9080";  ///< IPv6 in brackets; port 0: a free one
  std::size_t body_max = 4UL << 20;       ///< of nginx; the library's own limit lies above it, so that it never says 413
};

/// A whole request. Header values are raw, empty when absent. `body` is borrowed until the handler returns.
struct Request {
  std::string_view method;  ///< "POST", "GET", "HEAD", or "" for the others
  std::string_view path;    ///< without the query
  std::string peer;         ///< address of the TCP peer
  std::string authorization, forwarded_for, refused, request_id, traceparent;
  const std::string& body;
};

/// The way back to the sender of one request, to be used once. While it exists the request counts as in flight, and Server::drain() waits.
/// Dropped without an answer it answers kFailed. Movable; any thread.
class Reply {
 public:
  Reply(Reply&&) noexcept;
  Reply& operator=(Reply&&) = delete;
  ~Reply();

  /// Counts the outcome and hands its answer to the event thread; never throws, never waits. A sender that is gone is counted.
  /// `request_id` must be fit for a header (is_request_id); `id` is the entry's.
  void answer(Outcome outcome, std::string_view request_id = {}, std::string_view id = {}) noexcept;

 private:
  friend class Server;
  struct Open;
  explicit Reply(std::unique_ptr<Open> open);
  std::unique_ptr<Open> open_;
};

/// Pistache 0.0.5 as the fleet can use it (ARCHITECTURE.md, "Living with Pistache"): never reachable but through nginx, one event thread,
/// answers from any thread followed by a kick, the handler's deadline before any of the library's, a drain of our own, a self-probe that
/// opens a new connection each second. It also answers `GET /healthz` as readyz without details, and `GET /livez` whenever the event
/// thread turns.
/// Threads: Pistache's two, "kick" and "probe"; the members one thread.
class Server {
 public:
  struct Hooks {
    /// On the event thread: must not block. What it throws is logged, and answered 500.
    std::function<void(const Request&, Reply)> handle;
    std::function<bool()> ready;  ///< for /healthz; on the event thread
    std::function<void()> beat;   ///< the event thread turns: it answered a self-probe, or took requests meanwhile; may be empty
  };

  /// Binds and serves. An error text when the address can't be had: what, where, what to do.
  static tl::expected<std::unique_ptr<Server>, std::string> start(const Options& options, Hooks hooks, const Metrics& metrics,
                                                                  log::Logger log);
  /// drain(0) if it wasn't drained.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const;
  enum class Drained {
    kAll,
    kCutOff,  ///< `timeout` passed first
    kHung,    ///< the event thread stands: the port is open still, and the destructor would wait for ever
  };
  /// New requests get 503 (nginx tries the next ingress), those inside are waited for and flushed; then the port closes. Replies may
  /// outlive the server; then they go nowhere.
  Drained drain(std::chrono::milliseconds timeout);

 private:
  friend class Reply;
  struct State;
  class Endpoint;
  explicit Server(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  // shared: replies hold it too
};

}  // namespace hookfleet::http
