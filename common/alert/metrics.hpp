#pragma once

#include <array>
#include <span>
#include <vector>

#include "common/alert/sink.hpp"
#include "common/metrics/registry.hpp"

namespace hookfleet::alert {

/// Rows of every program's table. The values of `sink` are the sinks of the settings: slack, slack-2 …
inline constexpr metrics::Spec kTable[] = {
    {metrics::Kind::kCounter, "hookfleet_alert_told_total", "Alerts that came up in this process, repeats too", {"kind"}},
    {metrics::Kind::kCounter, "hookfleet_alert_held_back_total", "Alerts like one that was told within alerts.window", {}},
    {metrics::Kind::kCounter, "hookfleet_alert_queued_total", "Alerts put into the queue in Redis", {}},
    {metrics::Kind::kCounter,
     "hookfleet_alert_dropped_total",
     "Alerts that nobody, or (expired) one sink, will be told, by reason",
     {"reason"}},
    {metrics::Kind::kGauge, "hookfleet_alert_waiting_alerts", "Alerts in memory that wait for Redis", {}},
    {metrics::Kind::kCounter, "hookfleet_alert_deliveries_total", "Tries to tell a sink an alert, by what came of it", {"sink", "outcome"}},
    {metrics::Kind::kGauge,
     "hookfleet_alert_sink_queue_alerts",
     "Alerts in the queue that the sink is still to get, at most; of the worker that delivers, 0 elsewhere",
     {"sink"}},
};

enum class Dropped : std::uint8_t {
  kRate,      ///< too many different ones in this process
  kFull,      ///< too many wait for Redis
  kRefused,   ///< Redis refused it for good
  kTrimmed,   ///< it was the oldest of too many in the queue
  kFeedback,  ///< it is about what telling the operator caused
  kExpired,   ///< a sink has not taken it for a day; others may have
};
inline constexpr std::size_t kDroppedReasons = 6;

/// Handles of the rows above; every series exists from the start. Any thread.
struct Metrics {
  Metrics(metrics::Registry& registry, std::span<const Sink> sinks);

  std::array<metrics::Counter, kKinds> told;              ///< by Kind
  std::array<metrics::Counter, kDroppedReasons> dropped;  ///< by Dropped
  metrics::Counter held_back, queued;
  metrics::Gauge waiting;
  struct OfSink {
    metrics::Counter delivered, failed, rejected;
    metrics::Gauge queue;
  };
  std::vector<OfSink> sinks;  ///< as given
};

}  // namespace hookfleet::alert
