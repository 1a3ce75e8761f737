#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace hookfleet::worker {

struct RedisMetrics;

/// The commands and quantiles whose latencies are exported: what ingresses and workers send most.
inline constexpr std::array<std::string_view, 3> kLatencyCommands{"xadd", "evalsha", "xread"};
struct LatencyQuantile {
  std::string_view info;   ///< in INFO
  std::string_view label;  ///< as Prometheus writes it
};
inline constexpr std::array<LatencyQuantile, 3> kLatencyQuantiles{{{"p50", "0.5"}, {"p99", "0.99"}, {"p99.9", "0.999"}}};

/// What a Redis says of itself, for the operator; absent is what it doesn't say.
struct RedisFigures {
  std::optional<std::uint64_t> memory_used, memory_max, memory_dataset;  ///< bytes
  std::optional<bool> aof_enabled, aof_last_write_ok, aof_last_rewrite_ok, aof_rewriting;
  std::optional<std::uint64_t> aof_size;            ///< bytes
  std::optional<std::uint64_t> aof_delayed_fsyncs;  ///< since its start
  /// Seconds; by kLatencyCommands, by kLatencyQuantiles.
  std::array<std::array<std::optional<double>, kLatencyQuantiles.size()>, kLatencyCommands.size()> latency;

  /// Of what `INFO all` answered. Pure.
  static RedisFigures read(std::string_view info);
  /// How many more delayed fsyncs there were than `before`; all when the server started anew, none when nothing was known before.
  std::uint64_t new_delayed_fsyncs(std::optional<std::uint64_t> before) const;
  /// Something was told: INFO could be read.
  bool any() const { return memory_used.has_value(); }
};

/// Sets the gauges; what is absent becomes NaN.
void show(const RedisFigures& figures, const RedisMetrics& metrics);

}  // namespace hookfleet::worker
