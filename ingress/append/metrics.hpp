#pragma once

#include <array>
#include <vector>

#include "common/durability/durability.hpp"
#include "common/metrics/registry.hpp"
#include "ingress/append/outcome.hpp"

namespace hookfleet::append {

inline constexpr double kBatchBuckets[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
inline constexpr double kLatencyBuckets[] = {0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};

/// The appender's rows of a process's table.
inline constexpr metrics::Spec kTable[] = {
    {metrics::Kind::kCounter, "hookfleet_append_entries_total", "Entries given to the appender, by what became of them", {"outcome"}},
    {metrics::Kind::kCounter, "hookfleet_append_overloads_total", "Entries not taken, by reason", {"reason"}},
    {metrics::Kind::kCounter, "hookfleet_append_retries_total", "Appends tried again, by reason", {"reason"}},
    {metrics::Kind::kCounter, "hookfleet_append_refusals_total", "Appends that Redis answered with an error, by its first word", {"error"}},
    {metrics::Kind::kCounter, "hookfleet_append_connections_total", "Connections made to Redis", {}},
    {metrics::Kind::kHistogram, "hookfleet_append_batch_entries", "Entries per round trip to Redis", {}, kBatchBuckets},
    {metrics::Kind::kHistogram,
     "hookfleet_append_redis_latency_seconds",
     "From the write of a batch to its last reply",
     {},
     kLatencyBuckets},
    {metrics::Kind::kGauge, "hookfleet_append_queue_entries", "Entries not answered yet", {}},
    {metrics::Kind::kGauge, "hookfleet_append_queue_bytes", "Bytes of the entries not answered yet", {}},
    {metrics::Kind::kGauge, "hookfleet_append_durable", "1 while Redis takes appends as durably as required", {}},
    {metrics::Kind::kGauge, "hookfleet_append_check_failed", "1 while this check of Redis fails", {"check"}},
    {metrics::Kind::kGauge, "hookfleet_append_durability_assumed", "1 while durability.assume stands in for CONFIG", {}},
    {metrics::Kind::kGauge, "hookfleet_append_redis_memory_ratio", "used_memory / maxmemory of Redis", {}},
    {metrics::Kind::kGauge, "hookfleet_stream_backlog_entries", "Entries in the partition's stream", {"partition"}},
    {metrics::Kind::kGauge,
     "hookfleet_stream_oldest_entry_age_seconds",
     "Age of the partition's oldest entry, by its receipt",
     {"partition"}},
};

enum class Overload { kQueue, kBytes, kMemory, kStopping };
enum class Retry { kRefused, kLost, kNotDurable };

/// Handles of the rows above; every series exists from the start.
struct Metrics {
  Metrics(metrics::Registry& registry, unsigned partitions);

  std::array<metrics::Counter, 4> entries;    ///< by Outcome
  std::array<metrics::Counter, 4> overloads;  ///< by Overload
  std::array<metrics::Counter, 3> retries;    ///< by Retry
  struct Refusals {
    metrics::Counter oom, misconf, readonly, noreplicas, loading, other;
  } refusals;
  metrics::Counter connections;
  metrics::Histogram batch_entries, redis_latency;
  metrics::Gauge queue_entries, queue_bytes, durable, durability_assumed, redis_memory_ratio;
  std::array<metrics::Gauge, durability::kChecks.size()> check_failed;  ///< by Check
  std::vector<metrics::Gauge> backlog, oldest_age;                      ///< by partition
};

}  // namespace hookfleet::append
