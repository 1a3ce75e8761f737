#pragma once

#include <array>
#include <cstddef>

#include "common/metrics/registry.hpp"
#include "ingress/append/stored_by_type.hpp"
#include "ingress/http/answers.hpp"

namespace hookfleet::http {

inline constexpr double kAckBuckets[] = {0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30};
inline constexpr double kBodyBuckets[] = {256, 512, 1024, 2048, 4096, 16384, 65536, 262144, 1048576, 4194304};

/// The endpoint's rows of a process's table.
inline constexpr metrics::Spec kTable[] = {
    {metrics::Kind::kCounter, "hookfleet_ingress_deliveries_total", "Deliveries by what they came to", {"outcome"}},
    {metrics::Kind::kCounter, "hookfleet_ingress_notifications_total", "Notifications stored, by type", {"typeWebhook"}},
    {metrics::Kind::kHistogram, "hookfleet_ingress_ack_seconds", "From the request's arrival to its 200", {}, kAckBuckets},
    {metrics::Kind::kHistogram, "hookfleet_ingress_body_bytes", "Size of admitted bodies", {}, kBodyBuckets},
    {metrics::Kind::kGauge, "hookfleet_ingress_in_flight", "Admitted requests that are not answered yet", {}},
    {metrics::Kind::kCounter, "hookfleet_ingress_token_matches_total", "Right tokens by their place in the list", {"index"}},
    {metrics::Kind::kCounter, "hookfleet_ingress_unlisted_total", "Right tokens from addresses that are not in the allowlist", {}},
    {metrics::Kind::kCounter, "hookfleet_ingress_malformed_total", "Stored bodies that are no notification's JSON", {}},
    {metrics::Kind::kCounter, "hookfleet_ingress_connections_total", "Connections that brought a delivery", {}},
    {metrics::Kind::kCounter, "hookfleet_ingress_answers_dropped_total", "Answers whose peer was gone", {}},
    {metrics::Kind::kCounter, "hookfleet_ingress_probe_failures_total", "Self-probes that got no answer in time", {}},
};

/// Token lists are short (current, next); what stands further behind is counted with the last.
inline constexpr std::array<std::string_view, 4> kTokenIndexes{"0", "1", "2", "3+"};

/// Handles of the rows above; every series exists from the start.
struct Metrics {
  explicit Metrics(metrics::Registry& registry);

  const metrics::Counter& token_match(std::size_t index) const {
    return token_matches[index < kTokenIndexes.size() ? index : kTokenIndexes.size() - 1];
  }

  std::array<metrics::Counter, kOutcomes> deliveries;  ///< by Outcome
  append::StoredByType stored;
  std::array<metrics::Counter, kTokenIndexes.size()> token_matches;
  metrics::Histogram ack_seconds, body_bytes;
  metrics::Gauge in_flight;
  metrics::Counter unlisted, malformed, connections, answers_dropped, probe_failures;
};

}  // namespace hookfleet::http
