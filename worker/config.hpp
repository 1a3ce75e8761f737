#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/alert/options.hpp"
#include "common/config/settings.hpp"
#include "common/lease/settings.hpp"
#include "common/lifecycle/settings.hpp"
#include "common/log/settings.hpp"
#include "common/redis/settings.hpp"
#include "common/stream/settings.hpp"
#include "worker/alerts.hpp"
#include "worker/core.hpp"
#include "worker/dedup/settings.hpp"
#include "worker/dispatch/checks.hpp"
#include "worker/instance_states.hpp"
#include "worker/retry/settings.hpp"
#include "worker/routes/settings.hpp"

namespace hookfleet::worker {

/// All settings of hookfleet-worker.
struct Config {
  std::string metrics_listen = "127.0.0.1:9091";
  std::chrono::milliseconds hang_timeout = lifecycle::kHangTimeout;
  redis::Options redis;
  stream::Layout layout;
  Options worker;
  dispatch::CheckOptions checks;
  std::vector<std::string> instances;  ///< told of one by one in metrics
  dedup::Options dedup;
  retry::Options retry;
  routes::Options routes;
  Thresholds thresholds;  ///< but its window, which is alerts.window
  alert::Options alerts;
  log::Options log;
};

/// `handlers`: names that routes may give.
inline void declare(config::Settings& settings, Config& config, std::vector<std::string> handlers) {
  using namespace std::chrono_literals;
  lifecycle::declare_metrics_listen(settings, config.metrics_listen);
  lifecycle::declare_hang_timeout(settings, config.hang_timeout);
  redis::declare(settings, config.redis);
  stream::declare(settings, config.layout);
  settings.count("worker.concurrency", config.worker.concurrency, {1, 4096}, "Handlers that run at a time in one worker");
  settings.duration("worker.handler_timeout", config.worker.handler_timeout, {10ms, 24h}, "A handler that runs for longer is reported");
  settings.bytes("worker.memory_max", config.worker.memory_max, {8UL << 20, 64UL << 30},
                 "Memory for waiting notifications; what doesn't fit stays in Redis");
  settings.duration("worker.ack_linger", config.worker.ack_linger, {0ms, 1s}, "How long an acknowledgement waits for company");
  settings.count("worker.ack_batch", config.worker.ack_batch, {1, 500}, "Notifications of one acknowledgement");
  dispatch::declare(settings, config.checks);
  settings.texts("worker.instances", config.instances, "Instances whose state is a gauge of its own, by idInstance: at most 1000",
                 not_an_instance);
  settings.rule(
      [&config]() -> std::optional<std::string> {
        if (config.instances.size() <= InstanceGauges::kNamedMax) return std::nullopt;
        return "worker.instances names more than " + std::to_string(InstanceGauges::kNamedMax);
      },
      {"worker.instances"});
  stream::declare_memory_max(settings, config.thresholds.memory_max_percent);
  constexpr std::uint64_t kEntriesMax = 1'000'000'000;
  settings.count("stream.backlog_alert", config.thresholds.backlog, {0, kEntriesMax},
                 "Waiting notifications at which the operator is told; 0: never");
  settings.count("stream.dead_letter_alert", config.thresholds.dead_letters, {0, kEntriesMax},
                 "Dead letters at which the operator is told that they pile up; 0: never. Each new one is told by itself");
  lease::declare(settings, "worker",
                 {.member = "a worker",
                  .held = "partition",
                  .begins = "starts handlers",
                  .drain = "How long handlers that run may take on SIGTERM; below the grace period"},
                 config.worker.timers);
  dedup::declare(settings, config.dedup);
  retry::declare(settings, config.retry);
  routes::declare(settings, config.routes, std::move(handlers), config.layout.prefix);
  alert::declare(settings, config.alerts);
  log::declare(settings, config.log);
  settings.reloads({"routes", "worker.checks", "worker.invalid", "worker.schemas_dir", "worker.news_fields", "log.level", "log.payload"});
  for (const char* section : {"auth", "append", "durability", "poller"}) settings.foreign_section(section);
  for (const char* key : {"server.listen", "server.trusted_proxies", "server.body_max", "redis.wait_replicas"}) {
    settings.foreign_setting(key);
  }
}

}  // namespace hookfleet::worker
