#include "worker/redis_figures.hpp"

#include <cstdlib>
#include <limits>
#include <string>

#include "common/redis/info.hpp"
#include "worker/metrics.hpp"

namespace hookfleet::worker {
namespace {

constexpr std::string_view kLatencyPrefix = "latency_percentiles_usec_";

std::optional<double> seconds_of(std::optional<std::string_view> microseconds) {
  if (!microseconds) return std::nullopt;
  const std::string text(*microseconds);
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') return std::nullopt;
  return value / 1e6;
}

template <class Value>
void set(const metrics::Gauge& gauge, const std::optional<Value>& value) {
  gauge.set(value ? static_cast<double>(*value) : std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

RedisFigures RedisFigures::read(std::string_view info) {
  RedisFigures figures;
  redis::for_each_info(info, [&](std::string_view name, std::string_view value) {
    if (name == "used_memory") figures.memory_used = redis::info_number(value);
    if (name == "used_memory_dataset") figures.memory_dataset = redis::info_number(value);
    if (name == "maxmemory") figures.memory_max = redis::info_number(value);
    if (name == "aof_enabled") figures.aof_enabled = redis::info_flag(value);
    if (name == "aof_current_size") figures.aof_size = redis::info_number(value);
    if (name == "aof_last_write_status") figures.aof_last_write_ok = value == "ok";
    if (name == "aof_last_bgrewrite_status") figures.aof_last_rewrite_ok = value == "ok";
    if (name == "aof_rewrite_in_progress") figures.aof_rewriting = redis::info_flag(value);
    if (name == "aof_delayed_fsync") figures.aof_delayed_fsyncs = redis::info_number(value);
    if (!name.starts_with(kLatencyPrefix)) return;
    for (std::size_t command = 0; command < kLatencyCommands.size(); ++command) {
      if (name.substr(kLatencyPrefix.size()) != kLatencyCommands[command]) continue;
      for (std::size_t quantile = 0; quantile < kLatencyQuantiles.size(); ++quantile) {
        figures.latency[command][quantile] = seconds_of(redis::info_part(value, kLatencyQuantiles[quantile].info));
      }
    }
  });
  return figures;
}

std::uint64_t RedisFigures::new_delayed_fsyncs(std::optional<std::uint64_t> before) const {
  if (!aof_delayed_fsyncs || !before) return 0;
  return *aof_delayed_fsyncs >= *before ? *aof_delayed_fsyncs - *before : *aof_delayed_fsyncs;
}

void show(const RedisFigures& figures, const RedisMetrics& metrics) {
  metrics.info_up.set(figures.any() ? 1 : 0);
  set(metrics.memory_used, figures.memory_used);
  set(metrics.memory_max, figures.memory_max);
  set(metrics.memory_dataset, figures.memory_dataset);
  set(metrics.aof_enabled, figures.aof_enabled);
  set(metrics.aof_size, figures.aof_size);
  set(metrics.aof_last_write_ok, figures.aof_last_write_ok);
  set(metrics.aof_last_rewrite_ok, figures.aof_last_rewrite_ok);
  set(metrics.aof_rewriting, figures.aof_rewriting);
  for (std::size_t command = 0; command < metrics.latency.size(); ++command) {
    for (std::size_t quantile = 0; quantile < kLatencyQuantiles.size(); ++quantile) {
      set(metrics.latency[command][quantile], figures.latency[command][quantile]);
    }
  }
}

}  // namespace hookfleet::worker
