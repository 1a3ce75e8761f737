#include "worker/program.hpp"

#include <atomic>
#include <optional>
#include <string>

#include "common/alert/delivery.hpp"
#include "common/alert/outbox.hpp"
#include "common/lifecycle/log_level.hpp"
#include "common/lifecycle/name.hpp"
#include "common/lifecycle/process.hpp"
#include "common/lifecycle/surface.hpp"
#include "worker/config.hpp"
#include "worker/engine.hpp"
#include "worker/forward/forwarder.hpp"
#include "worker/metrics.hpp"

namespace hookfleet::worker {
namespace {

using namespace std::chrono_literals;

constexpr char kProgram[] = "hookfleet-worker";
constexpr char kAbout[] = "Handles GREEN-API notifications from Redis: once each, in order per chat.";
constexpr int kHung = lifecycle::Process::kHung;
constexpr auto kRedisGrace = 30s;   // a Redis restart shorter than this doesn't take the process out of the fleet
constexpr auto kLoopSilence = 10s;  // a loop that stands for longer makes /livez fail

}  // namespace

int run(int argc, char** argv, const handlers::Handlers& handlers) {
  Config config;
  config::Settings settings;
  declare(settings, config, handlers.names());
  const auto begun = lifecycle::Process::begin({kProgram, kAbout, argc, argv}, settings, config.metrics_listen, config.log);
  if (!begun) return begun.error();
  lifecycle::Process& process = **begun;
  const log::Logger& log = process.log();

  auto checks = dispatch::make_checks(config.checks);
  if (!checks) {  // the directory has changed since the settings were judged
    for (const std::string& problem : checks.error()) log.error("system.failed", "a schema can't be used", {{"error", problem}});
    return lifecycle::Process::kBadSettings;
  }

  const base::SystemClock clock;
  lifecycle::Surface surface(kTable, kProgram, process, clock);
  metrics::Registry& registry = surface.registry();
  lifecycle::Health& health = surface.health();
  const Metrics worker_metrics(registry, config.layout.partitions, config.instances);
  health.require("redis", kRedisGrace);
  health.watch("engine", kLoopSilence);
  if (!surface.serve(config.metrics_listen)) return lifecycle::Process::kFailed;

  forward::Forwarder forwarder(registry, log, clock);
  const auto make_routes = [&](const routes::Options& options) {
    return std::make_shared<const routes::Routes>(
        options, handlers, [&](const std::string& name, const forward::Options& target) { return forwarder.target(name, target); });
  };

  const std::string name = lifecycle::unique_name();
  const auto sinks = alert::make_sinks(config.alerts);
  const alert::Metrics alert_metrics(registry, sinks);
  web::Client web;
  alert::Outbox outbox(
      {.endpoint = config.redis.endpoint, .layout = config.layout, .options = config.alerts, .process = std::string(kProgram) + ' ' + name},
      sinks, web, alert_metrics, log, clock);
  alert::Delivery delivery({.endpoint = config.redis.endpoint, .layout = config.layout, .options = config.alerts, .owner = name}, sinks,
                           web, alert_metrics, log, clock);
  handlers.operators().to(&outbox);

  std::atomic<int> exit_code = 0;
  Engine::Callbacks callbacks;
  callbacks.beat = [&] { health.beat("engine"); };
  callbacks.redis = [&](bool reachable, const std::string& why) {
    if (reachable) {
      health.ready("redis");
    } else {
      health.unready("redis", why);
    }
  };
  callbacks.other_fleet = [&](const std::string& why) {
    log.error("system.failed", "Redis belongs to a fleet with another layout", {{"error", why}});
    exit_code = lifecycle::Process::kBadSettings;
    process.request_stop();
  };
  callbacks.hung = [&] {
    log.error("system.failed", "a handler hangs: the rest is handed over, then the process ends", {{"exit_code", kHung}});
    exit_code = kHung;
    process.request_stop();
  };
  lifecycle::LogLevel log_level(log, "worker", config.log.level);
  callbacks.control = [&](redis::ReplyView control) { log_level.observe(control); };
  Engine::Setup setup;
  setup.endpoint = config.redis.endpoint;
  setup.layout = config.layout;
  setup.options = config.worker;
  setup.dedup = config.dedup;
  setup.retry = config.retry;
  setup.checks = *std::move(checks);
  setup.identical_max = config.log.identical_max;
  setup.thresholds = config.thresholds;
  setup.thresholds.window = config.alerts.window;
  setup.name = name;
  Engine engine(std::move(setup), make_routes(config.routes), worker_metrics, log, clock, outbox, std::move(callbacks));
  log.info("system.started", "at work", {{"worker", name}, {"server.metrics_listen", config.metrics_listen}});

  lifecycle::Process::Duties duties;
  // Routes, schemas, what becomes of notifications that break them, log level and log.payload are swapped as a whole.
  duties.reload = [&]() -> std::optional<std::string> {
    Config fresh;
    config::Settings fresh_settings;
    declare(fresh_settings, fresh, handlers.names());
    if (auto problems = process.reread(fresh_settings)) return problems;
    auto fresh_checks = dispatch::make_checks(fresh.checks);
    if (!fresh_checks) {  // as above
      std::string problems;
      for (const std::string& problem : fresh_checks.error()) problems += problem + '\n';
      return problems;
    }
    engine.set_checks(*std::move(fresh_checks));
    engine.set_routes(make_routes(fresh.routes));
    log_level.set_own(fresh.log.level);
    log.set_payload(fresh.log.payload);
    log.info("system.reloaded", "routes, schemas, log level and log.payload were read again");
    return std::nullopt;
  };
  duties.refused = [&](const std::string& problems) { outbox.tell(alert::settings_refused("the workers", problems)); };
  duties.look = [&] {
    const std::string loops = health.hung(config.hang_timeout);
    if (loops.empty()) return;
    process.end_hung(loops, config.hang_timeout, [&] {
      outbox.tell(alert::process_hung("a worker", loops, "another one goes on with its work"));
      outbox.stop();
    });
  };
  process.wait_for_stop(duties);

  log.info("system.stopping", "handing partitions over");
  health.stopping();
  const bool given_back = engine.stop();
  // What the end itself had to tell goes out, too.
  delivery.stop();
  outbox.stop();
  if (!given_back) {
    // A handler still runs, or Redis is away: leases expire by themselves, and the next owner handles what isn't acknowledged.
    const int code = exit_code != 0 ? exit_code.load() : lifecycle::Process::kFailed;
    log.warn("system.stopped", "stopped without having given everything back", {{"exit_code", code}});
    process.abandon(code);
  }
  handlers.operators().to(nullptr);
  log.info("system.stopped", "stopped", {{"exit_code", exit_code.load()}});
  return exit_code;
}

}  // namespace hookfleet::worker
