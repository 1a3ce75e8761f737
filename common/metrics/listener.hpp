#pragma once

#include <functional>
#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "common/metrics/registry.hpp"

namespace hookfleet::metrics {

/// An answer of /livez or /readyz: 200 or 503, with the reasons as plain text, one a line.
struct Health {
  bool ok = true;
  std::string text;
};

/// Serves GET and HEAD of /metrics, /livez and /readyz of one process on `address` ("127.0.0.1:9090"; "[::]:9090" = every address, IPv4
/// too; port 0 = a free one). Ours rather than civetweb, which Debian builds without IPv6.
///
/// Threads: one of its own, "metrics"; the callbacks run on it and must not block. Stops and joins in the destructor.
/// Limits:  a request takes at most 5 s and 8 KiB; at most 64 connections, beyond it the oldest is closed.
class Listener {
 public:
  struct Endpoints {
    std::function<Health()> livez;
    std::function<Health()> readyz;
  };
  /// An error text when the address cannot be bound: what, where, and what to do.
  static tl::expected<std::unique_ptr<Listener>, std::string> start(const std::string& address, Registry& registry, Endpoints endpoints);
  ~Listener();
  int port() const;

 private:
  struct State;
  explicit Listener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// One HTTP/1.1 GET with a timeout of 2 s, for --healthcheck: true when the status is 200. `detail` receives status and body, or why there
/// was no answer. `address` is what the Listener was given: 0.0.0.0 is asked on 127.0.0.1, [::] on [::1].
bool healthcheck(const std::string& address, const std::string& path, std::string& detail);

}  // namespace hookfleet::metrics
