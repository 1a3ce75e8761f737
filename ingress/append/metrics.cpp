#include "ingress/append/metrics.hpp"

#include <string>

namespace hookfleet::append {

Metrics::Metrics(metrics::Registry& registry, unsigned partitions) {
  for (const Outcome outcome : {Outcome::kStored, Outcome::kOverloaded, Outcome::kUnavailable, Outcome::kUnknown}) {
    entries[static_cast<std::size_t>(outcome)] = registry.counter("hookfleet_append_entries_total", {{"outcome", to_text(outcome)}});
  }
  const auto overload = [&](Overload reason, std::string_view text) {
    overloads[static_cast<std::size_t>(reason)] = registry.counter("hookfleet_append_overloads_total", {{"reason", text}});
  };
  overload(Overload::kQueue, "queue");
  overload(Overload::kBytes, "bytes");
  overload(Overload::kMemory, "memory");
  overload(Overload::kStopping, "stopping");
  const auto retry = [&](Retry reason, std::string_view text) {
    retries[static_cast<std::size_t>(reason)] = registry.counter("hookfleet_append_retries_total", {{"reason", text}});
  };
  retry(Retry::kRefused, "refused");
  retry(Retry::kLost, "lost");
  retry(Retry::kNotDurable, "not_durable");
  const auto refusal = [&](std::string_view error) { return registry.counter("hookfleet_append_refusals_total", {{"error", error}}); };
  refusals = {refusal("oom"), refusal("misconf"), refusal("readonly"), refusal("noreplicas"), refusal("loading"), refusal("other")};
  connections = registry.counter("hookfleet_append_connections_total");
  batch_entries = registry.histogram("hookfleet_append_batch_entries");
  redis_latency = registry.histogram("hookfleet_append_redis_latency_seconds");
  queue_entries = registry.gauge("hookfleet_append_queue_entries");
  queue_bytes = registry.gauge("hookfleet_append_queue_bytes");
  durable = registry.gauge("hookfleet_append_durable");
  for (const durability::Check check : durability::kChecks) {
    check_failed[static_cast<std::size_t>(check)] = registry.gauge("hookfleet_append_check_failed", {{"check", to_text(check)}});
  }
  durability_assumed = registry.gauge("hookfleet_append_durability_assumed");
  redis_memory_ratio = registry.gauge("hookfleet_append_redis_memory_ratio");
  for (unsigned partition = 0; partition < partitions; ++partition) {
    const std::string text = std::to_string(partition);
    backlog.push_back(registry.gauge("hookfleet_stream_backlog_entries", {{"partition", text}}));
    oldest_age.push_back(registry.gauge("hookfleet_stream_oldest_entry_age_seconds", {{"partition", text}}));
  }
}

}  // namespace hookfleet::append
