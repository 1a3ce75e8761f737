#pragma once

#include <chrono>
#include <string>

#include "common/alert/options.hpp"
#include "common/config/settings.hpp"
#include "common/lifecycle/settings.hpp"
#include "common/log/settings.hpp"
#include "common/metrics/address.hpp"
#include "common/redis/settings.hpp"
#include "common/stream/settings.hpp"
#include "ingress/accept/options.hpp"
#include "ingress/append/settings.hpp"
#include "ingress/http/server.hpp"

namespace hookfleet::ingress {

/// All settings of hookfleet-ingress.
struct Config {
  http::Options http;
  std::string metrics_listen = "127.0.0.1:9090";
  std::chrono::milliseconds hang_timeout = lifecycle::kHangTimeout;
  accept::Options accept;
  redis::Options redis;
  stream::Layout layout;
  append::Options append;
  alert::Options alerts;
  log::Options log;
};

inline void declare(config::Settings& settings, Config& config) {
  settings.text("server.listen", config.http.listen, "Address that nginx posts to; never to be reached by others", metrics::check_address);
  lifecycle::declare_metrics_listen(settings, config.metrics_listen);
  lifecycle::declare_hang_timeout(settings, config.hang_timeout);
  settings.bytes("server.body_max", config.http.body_max, {64UL << 10, 64UL << 20}, "Greatest body that nginx lets through");
  accept::declare(settings, config.accept);
  redis::declare(settings, config.redis);
  stream::declare(settings, config.layout);
  append::declare(settings, config.append);
  alert::declare(settings, config.alerts);
  log::declare(settings, config.log);
  settings.reloads({"auth", "server.trusted_proxies", "log.level", "log.payload"});
  for (const char* section : {"worker", "routes", "dedup", "retry", "poller"}) settings.foreign_section(section);
  for (const char* key : {"stream.backlog_alert", "stream.dead_letter_alert"}) settings.foreign_setting(key);
}

}  // namespace hookfleet::ingress
