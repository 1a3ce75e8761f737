#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "common/alert/alert.hpp"
#include "common/base/clock.hpp"
#include "common/base/mutex.hpp"
#include "common/log/logger.hpp"
#include "common/log/rate_limit.hpp"
#include "ingress/accept/acceptor.hpp"
#include "ingress/append/appender.hpp"
#include "ingress/http/server.hpp"

namespace hookfleet::http {

/// What becomes of a delivery: judged, read, admitted, appended, answered. Its own are the order of these and the counting, nothing else.
/// Threads: receive() one at a time (the event thread), set_acceptor() any. Replies are given inside receive() or on the appender's thread.
class Webhook {
 public:
  struct Limits {
    std::size_t body_max = 4UL << 20;            ///< a larger body gets 413
    std::chrono::milliseconds deadline{20'000};  ///< from a request's arrival to its answer
  };
  /// The appender is stopped before the webhook goes.
  Webhook(const Limits& limits, std::shared_ptr<const accept::Acceptor> acceptor, append::Appender& appender, const Metrics& metrics,
          const base::Clock& clock, log::Logger log, alert::Operator& operators);

  void receive(const Request& request, Reply reply);
  /// Requests that arrive from now on are judged by this one.
  void set_acceptor(std::shared_ptr<const accept::Acceptor> acceptor) HOOKFLEET_EXCLUDES(mutex_);

 private:
  struct Exchange;
  std::shared_ptr<const accept::Acceptor> acceptor() const HOOKFLEET_EXCLUDES(mutex_);
  /// receive(), which tells the operator when it throws; `verdict` is set as soon as there is one.
  void take(const Request& request, Reply& reply, accept::Verdict& verdict);
  /// An answer without a 200 or before the appender.
  void refuse(Outcome outcome, const Request& request, const accept::Verdict& verdict, Reply reply);
  void finish(Exchange& exchange, append::Outcome outcome);
  /// What records name a delivery by; what is empty isn't known.
  struct Names {
    std::string_view id, request_id, trace_id;
  };
  void tell(Outcome outcome, const Names& names, const std::optional<accept::Address>& client);
  /// What the operator should know of it: the sender repeats what got no 200 for 24 h and holds back what follows.
  void tell_operator(Outcome outcome, const accept::Verdict& verdict);
  void tell_unlisted(const accept::Verdict& verdict);
  void tell_refused(Outcome outcome, std::uint64_t id_instance, const std::optional<accept::Address>& client);

  const Limits limits_;
  append::Appender& appender_;
  const Metrics metrics_;
  const base::Clock& clock_;
  const log::Logger log_;
  struct Quiet : log::RateLimit {
    Quiet() : RateLimit(std::chrono::seconds(10)) {}
  };
  std::array<Quiet, kOutcomes> quiet_;  ///< by Outcome
  Quiet unlisted_quiet_;
  alert::Operator& operators_;
  mutable base::Mutex mutex_;
  std::shared_ptr<const accept::Acceptor> acceptor_ HOOKFLEET_GUARDED_BY(mutex_);  ///< shared: a request goes on with the one it began with
};

}  // namespace hookfleet::http
