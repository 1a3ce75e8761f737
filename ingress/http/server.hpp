#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "common/base/clock.hpp"
#include "common/log/logger.hpp"
#include "ingress/accept/acceptor.hpp"
#include "ingress/append/appender.hpp"
#include "ingress/http/metrics.hpp"

namespace hookfleet::http {

struct Options {
  std::string listen = "127.0.0.1:9080";       ///< IPv6 in brackets; port 0: a free one
  std::size_t body_max = 4UL << 20;            ///< of nginx; the library's own limit lies above it, so that it never says 413
  std::chrono::milliseconds deadline{20'000};  ///< from a request's arrival to its answer: append.deadline
};

/// The webhook port: Pistache ↔ Delivery, and nothing decided here. `GET /healthz` answers as readyz without details, `GET /livez` whenever
/// the event thread turns.
///
/// Pistache 0.0.5 has hazards that shape this class (ARCHITECTURE.md, "Living with Pistache"): never reachable but through nginx, one
/// event thread, answers from the appender's thread followed by a kick, our deadline before any of the library's, a drain of our own.
/// Threads: Pistache's two, "kick" and "probe"; the members one thread, but set_acceptor() any.
class Server {
 public:
  struct Dependencies {
    append::Appender& appender;
    const Metrics& metrics;
    const base::Clock& clock;
    log::Logger log;
    std::function<bool()> ready;  ///< for /healthz
    std::function<void()> beat;   ///< the event thread answered the self-probe
  };

  /// Binds and serves. An error text when the address can't be had: what, where, what to do.
  static tl::expected<std::unique_ptr<Server>, std::string> start(const Options& options, std::shared_ptr<const accept::Acceptor> acceptor,
                                                                  Dependencies dependencies);
  /// drain(0) if it wasn't drained.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const;
  /// Requests that arrive from now on are judged by this one.
  void set_acceptor(std::shared_ptr<const accept::Acceptor> acceptor);
  /// New deliveries get 503 (nginx tries the next ingress), those inside are answered; then the port closes. False when `timeout` passed
  /// first: what was left is cut off, unanswered.
  bool drain(std::chrono::milliseconds timeout);

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace hookfleet::http
