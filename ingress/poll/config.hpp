#pragma once

#include <chrono>
#include <string>

#include "common/alert/options.hpp"
#include "common/config/settings.hpp"
#include "common/lifecycle/settings.hpp"
#include "common/log/settings.hpp"
#include "common/redis/settings.hpp"
#include "common/stream/settings.hpp"
#include "ingress/append/settings.hpp"
#include "ingress/poll/options.hpp"

namespace hookfleet::poll {

/// All settings of hookfleet-poller.
struct Config {
  std::string metrics_listen = "127.0.0.1:9092";
  std::chrono::milliseconds hang_timeout = lifecycle::kHangTimeout;
  Options poller;
  redis::Options redis;
  stream::Layout layout;
  append::Options append;
  alert::Options alerts;
  log::Options log;
};

inline void declare(config::Settings& settings, Config& config) {
  lifecycle::declare_metrics_listen(settings, config.metrics_listen);
  lifecycle::declare_hang_timeout(settings, config.hang_timeout);
  redis::declare(settings, config.redis);
  stream::declare(settings, config.layout);
  append::declare(settings, config.append);
  declare(settings, config.poller);
  alert::declare(settings, config.alerts);
  log::declare(settings, config.log);
  settings.reloads({"log.level", "log.payload"});
  for (const char* section : {"auth", "worker", "routes", "dedup", "retry"}) settings.foreign_section(section);
  for (const char* key :
       {"server.listen", "server.trusted_proxies", "server.body_max", "stream.backlog_alert", "stream.dead_letter_alert"}) {
    settings.foreign_setting(key);
  }
}

}  // namespace hookfleet::poll
