#include "ingress/poll/metrics.hpp"

namespace hookfleet::poll {

Metrics::Metrics(metrics::Registry& registry)
    : stored(registry, "hookfleet_poller_notifications_total"),
      cycle(registry.histogram("hookfleet_poller_cycle_seconds")),
      malformed(registry.counter("hookfleet_poller_malformed_total")),
      mismatches(registry.counter("hookfleet_poller_mismatches_total")),
      leases_lost(registry.counter("hookfleet_poller_leases_lost_total")),
      instances(registry.gauge("hookfleet_poller_instances")),
      owned(registry.gauge("hookfleet_poller_instances_owned")),
      wanted(registry.gauge("hookfleet_poller_instances_wanted")),
      in_hand_bytes(registry.gauge("hookfleet_poller_in_hand_bytes")),
      answers_waiting(registry.gauge("hookfleet_poller_answers_waiting")),
      members(registry.gauge("hookfleet_poller_members")),
      redis_up(registry.gauge("hookfleet_poller_redis_up")) {
  const auto fill = [&](Calls& calls, const char* name, std::array<std::string_view, 3> outcomes) {
    for (std::size_t i = 0; i < outcomes.size(); ++i) calls.fine[i] = registry.counter(name, {{"outcome", outcomes[i]}});
    for (std::size_t i = 0; i < kFailureKinds; ++i) {
      calls.failed[i] = registry.counter(name, {{"outcome", greenapi::to_text(static_cast<greenapi::FailureKind>(i))}});
    }
  };
  fill(receives, "hookfleet_poller_receives_total", {"notification", "empty", "abandoned"});
  fill(removals, "hookfleet_poller_removals_total", {"removed", "gone", "abandoned"});
  for (std::size_t i = 0; i < kFailureKinds; ++i) {
    in_trouble[i] =
        registry.gauge("hookfleet_poller_instances_in_trouble", {{"kind", greenapi::to_text(static_cast<greenapi::FailureKind>(i))}});
  }
}

}  // namespace hookfleet::poll
