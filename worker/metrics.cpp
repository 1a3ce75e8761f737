#include "worker/metrics.hpp"

namespace hookfleet::worker {

RedisMetrics::RedisMetrics(metrics::Registry& registry)
    : info_up(registry.gauge("hookfleet_redis_info_up")),
      memory_used(registry.gauge("hookfleet_redis_memory_used_bytes")),
      memory_max(registry.gauge("hookfleet_redis_memory_max_bytes")),
      memory_dataset(registry.gauge("hookfleet_redis_memory_dataset_bytes")),
      aof_enabled(registry.gauge("hookfleet_redis_aof_enabled")),
      aof_size(registry.gauge("hookfleet_redis_aof_size_bytes")),
      aof_last_write_ok(registry.gauge("hookfleet_redis_aof_last_write_ok")),
      aof_last_rewrite_ok(registry.gauge("hookfleet_redis_aof_last_rewrite_ok")),
      aof_rewriting(registry.gauge("hookfleet_redis_aof_rewrite_in_progress")),
      aof_delayed_fsyncs(registry.counter("hookfleet_redis_aof_delayed_fsyncs_total")) {
  for (std::size_t command = 0; command < latency.size(); ++command) {
    for (std::size_t quantile = 0; quantile < kLatencyQuantiles.size(); ++quantile) {
      latency[command][quantile] =
          registry.gauge("hookfleet_redis_command_latency_seconds",
                         {{"command", kLatencyCommands[command]}, {"quantile", kLatencyQuantiles[quantile].label}});
    }
  }
  show({}, *this);  // nothing is known yet
}

Metrics::Metrics(metrics::Registry& registry, unsigned partitions, std::span<const std::string> named_instances)
    : redis(registry),
      instances(registry, named_instances),
      handling(registry.histogram("hookfleet_worker_handling_seconds")),
      end_to_end(registry.histogram("hookfleet_worker_end_to_end_seconds")),
      ack_batch(registry.histogram("hookfleet_worker_ack_batch_entries")),
      changed(registry.counter("hookfleet_worker_changed_total")),
      unknown(registry.counter("hookfleet_worker_unknown_total")),
      overdue(registry.counter("hookfleet_worker_handlers_overdue_total")),
      given_back(registry.counter("hookfleet_worker_partitions_given_back_total")),
      acks(registry.counter("hookfleet_worker_acks_total")),
      ack_refusals(registry.counter("hookfleet_worker_ack_refusals_total")),
      cursor_resets(registry.counter("hookfleet_worker_cursor_resets_total")),
      calls_failed(registry.counter("hookfleet_worker_calls_failed_total")),
      connections(registry.counter("hookfleet_worker_redis_connections_total")),
      failed(registry.counter("hookfleet_worker_handler_failures_total", {{"kind", "failed"}})),
      unavailable(registry.counter("hookfleet_worker_handler_failures_total", {{"kind", "unavailable"}})),
      taken_clean(registry.counter("hookfleet_worker_takeovers_total", {{"how", "clean"}})),
      taken_crash(registry.counter("hookfleet_worker_takeovers_total", {{"how", "crash"}})),
      lost{registry.counter("hookfleet_worker_leases_lost_total", {{"reason", "fenced"}}),
           registry.counter("hookfleet_worker_leases_lost_total", {{"reason", "taken"}}),
           registry.counter("hookfleet_worker_leases_lost_total", {{"reason", "another_server"}}),
           registry.counter("hookfleet_worker_leases_lost_total", {{"reason", "stream_replaced"}})},
      news_kinds(registry.gauge("hookfleet_worker_news_kinds")),
      running(registry.gauge("hookfleet_worker_handlers_running")),
      entries(registry.gauge("hookfleet_worker_entries")),
      body_bytes(registry.gauge("hookfleet_worker_body_bytes")),
      lanes(registry.gauge("hookfleet_worker_lanes")),
      blocked(registry.gauge("hookfleet_worker_lanes_blocked")),
      waiting(registry.gauge("hookfleet_worker_lanes_waiting")),
      overflowed(registry.gauge("hookfleet_worker_lanes_overflowed")),
      owned(registry.gauge("hookfleet_worker_partitions_owned")),
      wanted(registry.gauge("hookfleet_worker_partitions_wanted")),
      members(registry.gauge("hookfleet_worker_members")),
      redis_up(registry.gauge("hookfleet_worker_redis_up")) {
  for (unsigned p = 0; p < partitions; ++p) {
    const std::string text = std::to_string(p);
    backlog.push_back(registry.gauge("hookfleet_stream_backlog_entries", {{"partition", text}}));
    oldest_age.push_back(registry.gauge("hookfleet_stream_oldest_entry_age_seconds", {{"partition", text}}));
    dead.push_back(registry.gauge("hookfleet_stream_dead_letter_entries", {{"partition", text}}));
    oldest_dead_age.push_back(registry.gauge("hookfleet_stream_oldest_dead_letter_age_seconds", {{"partition", text}}));
  }
  const auto names = notification::type_webhook_names();
  for (std::size_t type = 0; type < notifications.size(); ++type) {
    const std::string_view name = type < names.size() ? names[type] : notification::type_label({});
    invalid[type] = registry.counter("hookfleet_worker_invalid_total", {{"typeWebhook", name}});
    for (std::size_t outcome = 0; outcome < dispatch::kOutcomes; ++outcome) {
      notifications[type][outcome] =
          registry.counter("hookfleet_worker_notifications_total",
                           {{"typeWebhook", name}, {"outcome", dispatch::to_text(static_cast<dispatch::Outcome>(outcome))}});
    }
  }
  for (std::size_t type = 0; type < held.size(); ++type) {
    held[type] = registry.gauge("hookfleet_worker_type_held", {{"typeWebhook", names[type]}});
  }
  for (std::size_t c = 0; c < dead_letters.size(); ++c) {
    dead_letters[c] =
        registry.counter("hookfleet_worker_dead_letters_total", {{"class", stream::to_text(static_cast<stream::DeadClass>(c))}});
  }
}

}  // namespace hookfleet::worker
