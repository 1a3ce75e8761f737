#pragma once

#include <array>
#include <vector>

#include "common/alert/metrics.hpp"
#include "common/lifecycle/metrics.hpp"
#include "common/metrics/registry.hpp"
#include "common/stream/dead_letter.hpp"
#include "worker/core.hpp"
#include "worker/dispatch/record.hpp"
#include "worker/forward/metrics.hpp"
#include "worker/instance_states.hpp"
#include "worker/redis_figures.hpp"

namespace hookfleet::worker {

inline constexpr double kHandlingBuckets[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 180};
inline constexpr double kEndToEndBuckets[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 86400};
inline constexpr double kAckBuckets[] = {1, 2, 4, 8, 16, 32, 50, 100, 200, 500};

/// What the worker counts itself.
inline constexpr metrics::Spec kOwnTable[] = {
    {metrics::Kind::kGauge, "hookfleet_stream_backlog_entries", "Entries in the partition's stream", {"partition"}},
    {metrics::Kind::kGauge,
     "hookfleet_stream_oldest_entry_age_seconds",
     "Age of the partition's oldest entry, by its receipt",
     {"partition"}},
    {metrics::Kind::kGauge, "hookfleet_stream_dead_letter_entries", "Dead letters of the partition", {"partition"}},
    {metrics::Kind::kGauge,
     "hookfleet_stream_oldest_dead_letter_age_seconds",
     "Age of the partition's oldest dead letter, by its death (a redriven one that dies again is young)",
     {"partition"}},
    {metrics::Kind::kGauge, "hookfleet_redis_info_up", "1 while Redis answers INFO; without it the other figures of Redis are NaN", {}},
    {metrics::Kind::kGauge, "hookfleet_redis_memory_used_bytes", "Memory that Redis uses", {}},
    {metrics::Kind::kGauge, "hookfleet_redis_memory_max_bytes", "maxmemory of Redis; 0: unbounded", {}},
    {metrics::Kind::kGauge, "hookfleet_redis_memory_dataset_bytes", "Memory that Redis' data takes", {}},
    {metrics::Kind::kGauge, "hookfleet_redis_aof_enabled", "1 while Redis writes an append-only file", {}},
    {metrics::Kind::kGauge, "hookfleet_redis_aof_size_bytes", "Size of Redis' append-only file", {}},
    {metrics::Kind::kGauge, "hookfleet_redis_aof_last_write_ok", "0 when Redis' last write to its append-only file failed", {}},
    {metrics::Kind::kGauge, "hookfleet_redis_aof_last_rewrite_ok", "0 when the last rewrite of the append-only file failed", {}},
    {metrics::Kind::kGauge, "hookfleet_redis_aof_rewrite_in_progress", "1 while the append-only file is rewritten", {}},
    {metrics::Kind::kCounter,
     "hookfleet_redis_aof_delayed_fsyncs_total",
     "Writes that waited for an fsync under way, counted while this process looks (appendfsync everysec)",
     {}},
    {metrics::Kind::kGauge,
     "hookfleet_redis_command_latency_seconds",
     "How long Redis executes a command, without its fsync, since Redis' start (Redis 7)",
     {"command", "quantile"}},
    {metrics::Kind::kCounter,
     "hookfleet_worker_notifications_total",
     "Attempts at notifications, by type and by how they ended",
     {"typeWebhook", "outcome"}},
    {metrics::Kind::kHistogram, "hookfleet_worker_handling_seconds", "How long handlers ran", {}, kHandlingBuckets},
    {metrics::Kind::kHistogram,
     "hookfleet_worker_end_to_end_seconds",
     "From the receipt of a notification to its end: done, ignored or dead",
     {},
     kEndToEndBuckets},
    {metrics::Kind::kCounter, "hookfleet_worker_changed_total", "Notifications that came again with other content and were handled", {}},
    {metrics::Kind::kCounter, "hookfleet_worker_unknown_total", "Notifications of a typeWebhook or typeMessage that isn't documented", {}},
    {metrics::Kind::kCounter, "hookfleet_worker_invalid_total", "Notifications that break their schema, by type", {"typeWebhook"}},
    {metrics::Kind::kGauge,
     "hookfleet_worker_news_kinds",
     "Types and fields that came without being documented and are remembered, in the whole fleet (hookfleet news)",
     {}},
    {metrics::Kind::kCounter, "hookfleet_worker_dead_letters_total", "Notifications that became dead letters, by class", {"class"}},
    {metrics::Kind::kCounter, "hookfleet_worker_handler_failures_total", "Attempts that will be made again, by kind", {"kind"}},
    {metrics::Kind::kCounter, "hookfleet_worker_handlers_overdue_total", "Handlers that ran for longer than worker.handler_timeout", {}},
    {metrics::Kind::kGauge,
     "hookfleet_worker_type_held",
     "1 while notifications of a type wait for an operator, since too many of them ended the process",
     {"typeWebhook"}},
    {metrics::Kind::kGauge, "hookfleet_worker_handlers_running", "Handlers and forwards started and not returned", {}},
    {metrics::Kind::kGauge, "hookfleet_worker_entries", "Entries in memory", {}},
    {metrics::Kind::kGauge, "hookfleet_worker_body_bytes", "Bytes of notifications' bodies in memory", {}},
    {metrics::Kind::kGauge, "hookfleet_worker_lanes", "Chats with entries in memory", {}},
    {metrics::Kind::kGauge, "hookfleet_worker_lanes_blocked", "Chats whose first entry waits for its next attempt", {}},
    {metrics::Kind::kGauge, "hookfleet_worker_lanes_waiting", "Chats whose first entry waits for a place at its target", {}},
    {metrics::Kind::kGauge,
     "hookfleet_worker_lanes_overflowed",
     "Chats whose entries stay in Redis for now, since they wait for their next attempt and memory is full",
     {}},
    {metrics::Kind::kGauge, "hookfleet_worker_partitions_owned", "Partitions held", {}},
    {metrics::Kind::kGauge, "hookfleet_worker_partitions_wanted", "Partitions that this worker should hold by the members it knows", {}},
    {metrics::Kind::kGauge, "hookfleet_worker_members", "Workers that live, as this one sees it", {}},
    {metrics::Kind::kCounter,
     "hookfleet_worker_takeovers_total",
     "Partitions taken, by how the owner before left: clean or crash",
     {"how"}},
    {metrics::Kind::kCounter, "hookfleet_worker_partitions_given_back_total", "Partitions given back in order", {}},
    {metrics::Kind::kCounter,
     "hookfleet_worker_leases_lost_total",
     "Partitions lost without having been given back, by reason",
     {"reason"}},
    {metrics::Kind::kCounter, "hookfleet_worker_acks_total", "Acknowledgement calls that Redis answered", {}},
    {metrics::Kind::kCounter,
     "hookfleet_worker_ack_refusals_total",
     "Entries whose acknowledgement was refused: a key has another type",
     {}},
    {metrics::Kind::kHistogram, "hookfleet_worker_ack_batch_entries", "Entries of one acknowledgement call", {}, kAckBuckets},
    {metrics::Kind::kCounter,
     "hookfleet_worker_cursor_resets_total",
     "Streams read from the start since their oldest entry was unknown",
     {}},
    {metrics::Kind::kCounter, "hookfleet_worker_calls_failed_total", "Calls that Redis answered with an error", {}},
    {metrics::Kind::kCounter, "hookfleet_worker_redis_connections_total", "Connections made to Redis for commands", {}},
    {metrics::Kind::kGauge, "hookfleet_instances", "Instances by the last state they told of, of the whole fleet", {"state"}},
    {metrics::Kind::kGauge,
     "hookfleet_instance_authorized",
     "1 while the last state that an instance of worker.instances told of is authorized; NaN until it told of one",
     {"idInstance"}},
    {metrics::Kind::kGauge, "hookfleet_worker_redis_up", "1 while the connection for commands stands", {}},
};

/// Everything that hookfleet-worker exports, besides hookfleet_build_info and process_*.
inline constexpr auto kTable = metrics::join(kOwnTable, alert::kTable, forward::kTable, lifecycle::kTable);

/// What INFO tells of Redis (RedisFigures). NaN: Redis doesn't say so, or isn't there; no rule fires on it.
struct RedisMetrics {
  explicit RedisMetrics(metrics::Registry& registry);

  metrics::Gauge info_up, memory_used, memory_max, memory_dataset;
  metrics::Gauge aof_enabled, aof_size, aof_last_write_ok, aof_last_rewrite_ok, aof_rewriting;
  metrics::Counter aof_delayed_fsyncs;
  std::array<std::array<metrics::Gauge, kLatencyQuantiles.size()>, kLatencyCommands.size()> latency;  ///< by command, by quantile
};

/// Handles of the rows above; every series exists from the start.
struct Metrics {
  /// `instances`: worker.instances.
  Metrics(metrics::Registry& registry, unsigned partitions, std::span<const std::string> named_instances = {});

  std::vector<metrics::Gauge> backlog, oldest_age, dead, oldest_dead_age;  ///< by partition
  RedisMetrics redis;
  InstanceGauges instances;
  /// By TypeWebhook, unknown ones last; by Outcome.
  std::array<std::array<metrics::Counter, dispatch::kOutcomes>, dedup::Options::kTypes + 1> notifications;
  std::array<metrics::Counter, dedup::Options::kTypes + 1> invalid;  ///< by TypeWebhook, unknown ones last
  metrics::Histogram handling, end_to_end, ack_batch;
  metrics::Counter changed, unknown, overdue, given_back, acks, ack_refusals, cursor_resets, calls_failed, connections;
  std::array<metrics::Counter, 6> dead_letters;  ///< by DeadClass
  metrics::Counter failed, unavailable;
  std::array<metrics::Gauge, notification::kTypeWebhookCount> held;  ///< by TypeWebhook
  metrics::Counter taken_clean, taken_crash;
  std::array<metrics::Counter, 4> lost;  ///< by Outside::Loss
  metrics::Gauge news_kinds, running, entries, body_bytes, lanes, blocked, waiting, overflowed, owned, wanted, members, redis_up;
};

}  // namespace hookfleet::worker
