#include "ingress/http/metrics.hpp"

namespace hookfleet::http {

Metrics::Metrics(metrics::Registry& registry)
    : stored(registry, "hookfleet_ingress_notifications_total"),
      ack_seconds(registry.histogram("hookfleet_ingress_ack_seconds")),
      body_bytes(registry.histogram("hookfleet_ingress_body_bytes")),
      in_flight(registry.gauge("hookfleet_ingress_in_flight")),
      unlisted(registry.counter("hookfleet_ingress_unlisted_total")),
      malformed(registry.counter("hookfleet_ingress_malformed_total")),
      connections(registry.counter("hookfleet_ingress_connections_total")),
      answers_dropped(registry.counter("hookfleet_ingress_answers_dropped_total")),
      probe_failures(registry.counter("hookfleet_ingress_probe_failures_total")) {
  for (const Answer& row : kAnswers) {
    deliveries[static_cast<std::size_t>(row.outcome)] = registry.counter("hookfleet_ingress_deliveries_total", {{"outcome", row.label}});
  }
  for (std::size_t i = 0; i < kTokenIndexes.size(); ++i) {
    token_matches[i] = registry.counter("hookfleet_ingress_token_matches_total", {{"index", kTokenIndexes[i]}});
  }
}

}  // namespace hookfleet::http
