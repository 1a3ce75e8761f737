#include "common/alert/metrics.hpp"

namespace hookfleet::alert {

Metrics::Metrics(metrics::Registry& registry, std::span<const Sink> all_sinks)
    : held_back(registry.counter("hookfleet_alert_held_back_total")),
      queued(registry.counter("hookfleet_alert_queued_total")),
      waiting(registry.gauge("hookfleet_alert_waiting_alerts")) {
  for (const Kind kind : kinds()) {
    told[static_cast<std::size_t>(kind)] = registry.counter("hookfleet_alert_told_total", {{"kind", to_text(kind)}});
  }
  constexpr std::array<std::string_view, kDroppedReasons> kReasons{"rate", "full", "refused", "trimmed", "feedback", "expired"};
  for (std::size_t reason = 0; reason < kReasons.size(); ++reason) {
    dropped[reason] = registry.counter("hookfleet_alert_dropped_total", {{"reason", kReasons[reason]}});
  }
  for (const Sink& sink : all_sinks) {
    const auto deliveries = [&](std::string_view outcome) {
      return registry.counter("hookfleet_alert_deliveries_total", {{"sink", sink.name()}, {"outcome", outcome}});
    };
    sinks.push_back({deliveries("delivered"), deliveries("failed"), deliveries("rejected"),
                     registry.gauge("hookfleet_alert_sink_queue_alerts", {{"sink", sink.name()}})});
  }
}

}  // namespace hookfleet::alert
