#pragma once

#include <chrono>
#include <string>

#include "common/config/settings.hpp"
#include "common/lifecycle/settings.hpp"
#include "common/log/settings.hpp"
#include "common/redis/settings.hpp"
#include "common/stream/settings.hpp"
#include "worker/core.hpp"
#include "worker/dedup/settings.hpp"
#include "worker/partition/settings.hpp"
#include "worker/retry/settings.hpp"

namespace hookfleet::worker {

/// All settings of hookfleet-worker.
struct Config {
  std::string metrics_listen = "127.0.0.1:9091";
  redis::Options redis;
  stream::Layout layout;
  Options worker;
  dedup::Options dedup;
  retry::Options retry;
  log::Options log;
};

inline void declare(config::Settings& settings, Config& config) {
  using namespace std::chrono_literals;
  lifecycle::declare_metrics_listen(settings, config.metrics_listen);
  redis::declare(settings, config.redis);
  stream::declare(settings, config.layout);
  settings.count("worker.concurrency", config.worker.concurrency, {1, 4096}, "Handlers that run at a time in one worker");
  settings.duration("worker.handler_timeout", config.worker.handler_timeout, {10ms, 24h}, "A handler that runs for longer is reported");
  settings.bytes("worker.memory_max", config.worker.memory_max, {8UL << 20, 64UL << 30},
                 "Memory for waiting notifications; what doesn't fit stays in Redis");
  settings.duration("worker.ack_linger", config.worker.ack_linger, {0ms, 1s}, "How long an acknowledgement waits for company");
  settings.count("worker.ack_batch", config.worker.ack_batch, {1, 500}, "Notifications of one acknowledgement");
  partition::declare(settings, config.worker.timers);
  dedup::declare(settings, config.dedup);
  retry::declare(settings, config.retry);
  log::declare(settings, config.log);
  for (const char* section : {"auth", "append", "durability", "routes", "alerts", "poller"}) settings.foreign_section(section);
  for (const char* key : {"server.listen", "server.trusted_proxies", "server.body_max", "redis.wait_replicas", "stream.memory_max"}) {
    settings.foreign_setting(key);
  }
}

}  // namespace hookfleet::worker
